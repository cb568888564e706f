#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/xalloc.h"
#include "engine/template.h"
#include "tests/engine/shared_file.h"
#include "tests/engine/tiny_vocab.h"

#define LENGTH(a) (sizeof (a) / sizeof *(a))

static const struct tiny_piece markers[] = {
	{ "<|start_header_id|>", 0, TOKEN_CONTROL }, { "<|eot_id|>", 0, TOKEN_CONTROL },
	{ "[INST]", 0, TOKEN_CONTROL }, { "[/INST]", 0, TOKEN_CONTROL }, { NULL, 0, 0 },
};

static const struct tiny_piece tiny_chatml[] = {
	{ "<|im_start|>", 0, TOKEN_USER_DEFINED }, { "<|im_end|>", 0, TOKEN_USER_DEFINED }, { NULL, 0, 0 },
};

static const struct tiny_piece bare[] = { { "a", -1, 0 }, { NULL, 0, 0 } };

static const struct detection {
	const char *name, *path, *chat_template;
	const struct tiny_piece *pieces;
	const char *expect, *why;
} detections[] = {
	{ NULL, NULL, "{{ '<|im_start|>' }}", NULL, "chatml", "chat template" },
	{ NULL, NULL, "{{ '[INST] ' }} <<SYS>>", NULL, "llama-2", "chat template" },
	{ NULL, NULL, "{{ '[INST] ' }}", NULL, "mistral", "chat template" },
	{ NULL, NULL, "{{ '[INST] ' }}", markers, "mistral-v3", "chat template" },
	{ NULL, NULL, "<|start_header_id|>", markers, "llama-3", "chat template" },
	{ NULL, NULL, "'<|user|>\n' + eos_token '<|assistant|>'", NULL, "zephyr", "chat template" },
	/* The orders of Zephyr and TinyLlama, of other texts around the content, and of Tulu and Merlinite. */
	{ NULL, NULL, "{% if user %}\n{{ '<|user|>\n' + c + eos_token }}\n{% elif system %}\n{{ '<|system|>\n' + c + eos_token "
		"}}\n{% else %}\n{{ '<|assistant|>\n'  + c + eos_token }}\n{% endif %}{{ '<|assistant|>' }}", NULL, "zephyr",
		"chat template" },
	{ NULL, NULL, "{{ '<|assistant|>\n' + c + '</s>' }}{{ '<|user|>\n' }}{{ c }}{{ '</s>' }}", NULL, "zephyr",
		"chat template" },
	{ NULL, NULL, "{{ '<|system|>\n' + c + '\n' }}{{ '<|user|>\n' + c + '\n' }}{% if not loop.last %}{{ '<|assistant|>\n' "
		"+ c + eos_token + '\n' }}{% else %}{{ '<|assistant|>\n' + c + eos_token }}{% endif %}{{ '<|assistant|>\n' }}",
		NULL, "tulu", "chat template" },
	{ NULL, NULL, "{{ '<|pretrain|>' + c + '<|endoftext|>' }}{{ '<|user|>' + '\n' + c + '\n' }}{{ '<|assistant|>' + '\n' + c "
		"+ '<|endoftext|>' }}", NULL, "tulu", "chat template" },
	{ NULL, NULL, "'<|assistant|>' '<|user|>'", NULL, "tulu", "chat template" },
	{ "x", "tulu-2-dpo-7b.Q4_K_M.gguf", NULL, NULL, "tulu", "file's name" },
	{ NULL, NULL, "'<|user|>\n' '<|end|>' '<|assistant|>'", NULL, "starchat", "chat template" },
	{ NULL, NULL, "'USER: ' 'ASSISTANT: '", NULL, "vicuna", "chat template" },
	{ NULL, NULL, "### Instruction:\n### Response:\n", NULL, "alpaca", "chat template" },
	{ NULL, NULL, "User: Assistant:", NULL, "falcon", "chat template" },
	{ NULL, NULL, "'### User:\n' '### Assistant:\n'", NULL, "solar", "chat template" },
	{ "LLaMA v2", "/models/vicuna-13b-v1.5.Q4_K_M.gguf", NULL, NULL, "vicuna", "file's name" },
	{ "LLaMA v2", "vicuna/llama-2-7b-chat.Q4_K_M.gguf", NULL, NULL, "llama-2", "file's name" },
	{ "LLaMA v2", "Llama_2 13B Chat.gguf", NULL, NULL, "llama-2", "file's name" },
	{ "LLaMA v2", "llama-2-7b.Q4_K_M.gguf", NULL, NULL, "plain", "base model" },
	{ "LLaMA v2", "prompt-chat.gguf", NULL, NULL, "plain", "no chat format" },
	{ "LLaMA v2", "llama-30b-instruct.gguf", NULL, NULL, "plain", "no chat format" },
	{ "x", "Meta-Llama-3-8B-Instruct.Q4_0.gguf", NULL, NULL, "llama-3", "file's name" },
	{ "tinyllama_tinyllama-1.1b-chat-v1.0", "model.gguf", NULL, NULL, "zephyr", "model's name" },
	{ "tinyllama-1.1b-intermediate-step", NULL, NULL, NULL, "plain", "base model" },
	{ "mistralai_Mistral-7B-Instruct-v0.2", NULL, NULL, NULL, "mistral", "model's name" },
	{ "mistral-7b-openorca", NULL, NULL, tiny_words, "chatml", "vocabulary" },
	{ "codellama_CodeLlama-7b-Instruct-hf", NULL, NULL, NULL, "llama-2", "model's name" },
	{ "x", "WizardLM-13B-V1.2.gguf", NULL, NULL, "vicuna", "file's name" },
	{ "x", "WizardCoder-Python-7B.gguf", NULL, NULL, "alpaca", "file's name" },
	{ "x", "falcon-7b-instruct.gguf", NULL, NULL, "falcon", "file's name" },
	{ "x", "solar-10.7b-instruct-v1.0.Q4_K_M.gguf", NULL, NULL, "solar", "file's name" },
	{ "x", "solar-10.7b-v1.0.Q4_K_M.gguf", NULL, NULL, "plain", "base model" },
	{ "x", "mpt-7b-chat.gguf", NULL, NULL, "chatml", "file's name" },
	{ "x", "starchat-beta.gguf", NULL, NULL, "starchat", "file's name" },
	{ "x", "zephyr-7b-beta.gguf", "{{ not known }}", NULL, "zephyr", "file's name" },
	{ "x", "tinyllama-1.1b-chat-v0.3.Q4_K_M.gguf", NULL, tiny_chatml, "chatml", "vocabulary" },
	{ "x", "tinyllama-1.1b-chat-v1.0.gguf", NULL, tiny_words, "zephyr", "file's name" },	/* has <|user|> */
	{ "x", "Nous-Hermes-2-Llama-2-70B.gguf", NULL, tiny_chatml, "chatml", "vocabulary" },
	{ "x", "nous-hermes-llama2-13b.Q4_K_M.gguf", NULL, NULL, "alpaca", "file's name" },
	{ "x", "Nous-Hermes-Llama-2-7b.gguf", NULL, NULL, "alpaca", "file's name" },
	{ "x", "OpenHermes-Llama2.gguf", NULL, NULL, "chatml", "file's name" },
	{ "x", "TheBloke_Llama-2-7B-GGUF.gguf", NULL, NULL, "plain", "base model" },
	{ "Meta-Llama-3-8B", NULL, NULL, NULL, "plain", "base model" },
	{ "meta-llama_Llama-2-7b-hf", NULL, NULL, NULL, "plain", "base model" },
	{ "x", "samantha-mistral-7b.Q4_K_M.gguf", NULL, NULL, "plain", "no chat format" },
	{ "speechless_llama2_13b", NULL, NULL, NULL, "plain", "no chat format" },
	{ NULL, NULL, NULL, tiny_words, "chatml", "vocabulary" },
	{ NULL, NULL, NULL, markers, "llama-3", "vocabulary" },
	{ NULL, NULL, "", NULL, "plain", "no chat format" },
	{ "", "", NULL, NULL, "plain", "no chat format" },
};

static const struct detection *now;

static void
put_names(struct gguf_writer *w)
{
	if (now->name)
		gguf_put_string(w, "general.name", now->name);
	if (now->chat_template)
		gguf_put_string(w, "tokenizer.chat_template", now->chat_template);
}

static void
template__detect__goes_by_signature_then_names_then_vocabulary(void **state)
{
	for (size_t i = 0; i < LENGTH(detections); i++) {
		const char *why, *got;
		struct tiny_vocab t;

		now = &detections[i];
		tiny_vocab_init(&t, now->pieces ? now->pieces : bare, put_names);
		got = template_name(template_detect(t.file, t.vocab, now->path, &why));
		if (strcmp(got, now->expect) || !strstr(why, now->why))
			fail_msg("row %zu: %s (%s)", i, got, why);
		tiny_vocab_release(&t);
	}
}

static void
odd_types(struct gguf_writer *w)
{
	gguf_put_u32(w, "general.name", 1);
	gguf_put_u32(w, "tokenizer.chat_template", 1);
	gguf_put_string(w, "llama.context_length", "4096");
}

static void
template__detect__does_not_mind_keys_of_a_wrong_type(void **state)
{
	struct tiny_vocab t;
	const char *why;

	tiny_vocab_init(&t, bare, odd_types);
	assert_string_equal(template_name(template_detect(t.file, t.vocab, "/", &why)), "plain");
	tiny_vocab_release(&t);
}

static char long_name[100000];

static void
put_long_name(struct gguf_writer *w)
{
	gguf_put_string(w, "general.name", long_name);
}

/* A name tells nothing beyond what a name can be. */
static void
template__detect__looks_at_the_beginning_of_a_name(void **state)
{
	static const size_t places[] = { 10, 1000 };

	for (size_t i = 0; i < LENGTH(places); i++) {
		struct tiny_vocab t;
		const char *why;

		memset(long_name, ' ', sizeof long_name - 1);
		memcpy(long_name + places[i], "vicuna", 6);
		tiny_vocab_init(&t, bare, put_long_name);
		assert_string_equal(template_name(template_detect(t.file, t.vocab, "/", &why)), i ? "plain" : "vicuna");
		tiny_vocab_release(&t);
	}
}

static void
put_context(struct gguf_writer *w)
{
	gguf_put_u32(w, "llama.context_length", 4096);
	gguf_put_string(w, "general.name", "LLaMA v2");
}

static void
template__detect__takes_the_shape_of_llama_2_for_its_chat_variant(void **state)
{
	enum { N = 32000 - TINY_FIRST };
	struct tiny_piece *p = xcalloc(N + 1, sizeof *p);
	struct tiny_vocab t;
	const char *why;

	for (size_t i = 0; i < N; i++)
		p[i].text = "x";
	tiny_vocab_init(&t, p, put_context);
	assert_string_equal(template_name(template_detect(t.file, t.vocab, "m.gguf", &why)), "llama-2");
	assert_non_null(strstr(why, "shape"));
	assert_string_equal(template_name(template_detect(t.file, t.vocab, "llama-2-7b.gguf", &why)), "plain");
	tiny_vocab_release(&t);
	p[N - 1].text = NULL;
	tiny_vocab_init(&t, p, put_context);
	assert_string_equal(template_name(template_detect(t.file, t.vocab, "m.gguf", &why)), "plain");
	tiny_vocab_release(&t);
	free(p);
}

static void
template__guide__is_llama_2(void **state)
{
	struct gguf *g = shared_gguf("data/guide-preview.gguf");
	const char *why;
	struct vocab *v;
	struct err e;

	if (!g)
		skip();
	v = vocab_new(g, &e);
	assert_non_null(v);
	assert_string_equal(template_name(template_detect(g, v, NULL, &why)), "llama-2");
	assert_string_equal(why, "from the file's chat template");
	vocab_free(v);
	gguf_free(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(template__detect__goes_by_signature_then_names_then_vocabulary),
		cmocka_unit_test(template__detect__does_not_mind_keys_of_a_wrong_type),
		cmocka_unit_test(template__detect__looks_at_the_beginning_of_a_name),
		cmocka_unit_test(template__detect__takes_the_shape_of_llama_2_for_its_chat_variant),
		cmocka_unit_test(template__guide__is_llama_2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
