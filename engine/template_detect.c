#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "engine/template_table.h"

static bool ends_user_text(const struct gguf_string *s);

/* Strings of which all must be in a file's tokenizer.chat_template, and what else must be true of it. The first row
 * that fits counts. */
static const struct {
	const char *has[2];
	const char *name;
	bool (*fits)(const struct gguf_string *s);
} signatures[] = {
	{ { "<|im_start|>" }, "chatml", NULL },
	{ { "<|start_header_id|>" }, "llama-3", NULL },
	{ { "[INST]", "<<SYS>>" }, "llama-2", NULL },
	{ { "[INST]" }, "mistral", NULL },
	{ { "<|user|>", "<|end|>" }, "starchat", NULL },
	{ { "<|user|>", "<|assistant|>" }, "zephyr", ends_user_text },
	{ { "<|user|>", "<|assistant|>" }, "tulu", NULL },
	{ { "USER:", "ASSISTANT:" }, "vicuna", NULL },
	{ { "### Instruction:", "### Response:" }, "alpaca", NULL },
	{ { "### User:", "### Assistant:" }, "solar", NULL },
	{ { "User:", "Assistant:" }, "falcon", NULL },
};

/*
 * Words of which all must be in the model's name, as whole words: lower case, separated by '-'. The
 * first row that fits counts, so the special ones are in front.
 */
static const struct {
	const char *words[2];
	const char *name;
} names[] = {
	{ { "vicuna" }, "vicuna" },
	{ { "wizardcoder" }, "alpaca" },
	{ { "wizardlm" }, "vicuna" },
	{ { "wizard" }, "alpaca" },
	{ { "alpaca" }, "alpaca" },
	{ { "xwin" }, "vicuna" },
	{ { "solar", "instruct" }, "solar" },
	{ { "tinyllama", "chat" }, "zephyr" },
	{ { "zephyr" }, "zephyr" },
	{ { "tulu" }, "tulu" },
	{ { "merlinite" }, "tulu" },
	{ { "openhermes" }, "chatml" },
	{ { "hermes", "llama2" }, "alpaca" },
	{ { "hermes", "llama-2" }, "alpaca" },
	{ { "dolphin" }, "chatml" },
	{ { "chatml" }, "chatml" },
	{ { "mistral", "instruct" }, "mistral" },
	{ { "mixtral", "instruct" }, "mistral" },
	{ { "llama-3", "instruct" }, "llama-3" },
	{ { "llama3", "instruct" }, "llama-3" },
	{ { "codellama", "instruct" }, "llama-2" },
	{ { "llama-2", "chat" }, "llama-2" },
	{ { "llama2", "chat" }, "llama-2" },
	{ { "falcon", "instruct" }, "falcon" },
	{ { "falcon", "chat" }, "falcon" },
	{ { "mpt", "chat" }, "chatml" },
	{ { "starchat" }, "starchat" },
};

/* Base models, which have no chat format, if nothing before says otherwise. */
static const char *const base_names[] = {
	"llama-2",
	"llama2",
	"llama-3",
	"llama3",
	"codellama",
	"tinyllama",
	"mistral",
	"mixtral",
	"falcon",
	"mpt",
	"solar",
	"starcoder",
};

/* Words that may stand before a base model's name: who makes it, who packs its files. Any other is a fine-tuner's. */
static const char *const makers[] = {
	"bartowski", "bigcode", "ggml", "llama", "lmstudio", "meta", "mistralai",
	"mosaicml", "quantfactory", "thebloke", "tiiuae", "unsloth", "upstage",
};

/* Tokens of which all must be in the vocabulary. */
static const struct {
	const char *tokens[2];
	const char *name;
} vocabularies[] = {
	{ { "<|im_start|>", "<|im_end|>" }, "chatml" },
	{ { "<|start_header_id|>", "<|eot_id|>" }, "llama-3" },
	{ { "<|assistant|>", "<|end|>" }, "starchat" },
	{ { "<|user|>", "<|assistant|>" }, "zephyr" },
	{ { "[INST]", "[/INST]" }, "mistral-v3" },
};

#define LENGTH(a) (sizeof (a) / sizeof *(a))

enum { MAX_NAME = 256 };	/* bytes that are looked at, as long as a file's name may be */

/* Mistral-Instruct has the same signature whether or not [INST] is a token of its vocabulary. */
static const struct template *
choose(const char *name, const struct vocab *v)
{
	if (!strcmp(name, "mistral") && vocab_find(v, "[INST]") >= 0)
		name = "mistral-v3";
	return template_find(name);
}

/* ---- by the file's template ------------------------------------------------------------------ */

static const char *
find_in(const char *from, const char *end, const char *what)
{
	return memmem(from, end - from, what, strlen(what));
}

/*
 * Whether an end token stands after the user's text, as far as the next answer's marker. Elsewhere it tells nothing, as
 * answers end with one in all of these formats.
 */
static bool
ends_user_text(const struct gguf_string *s)
{
	static const char *const ends[] = { "eos_token", "</s>", "<|endoftext|>" };
	const char *end = s->s + s->len, *at = s->s, *stop;

	for (; at && (at = find_in(at, end, "<|user|>")); at = stop) {
		stop = find_in(at, end, "<|assistant|>");
		for (size_t i = 0; i < LENGTH(ends); i++)
			if (find_in(at, stop ? stop : end, ends[i]))
				return true;
	}
	return false;
}

static const struct template *
by_signature(const struct gguf *g, const struct vocab *v)
{
	struct gguf_string s;

	if (gguf_get_string(g, "tokenizer.chat_template", &s, NULL) != 1)
		return NULL;
	for (size_t i = 0; i < LENGTH(signatures); i++) {
		bool all = true;

		for (size_t k = 0; k < 2 && signatures[i].has[k]; k++)
			all &= find_in(s.s, s.s + s.len, signatures[i].has[k]) != NULL;
		if (all && (!signatures[i].fits || signatures[i].fits(&s)))
			return choose(signatures[i].name, v);
	}
	return NULL;
}

/* ---- by a name ------------------------------------------------------------------------------- */

static bool
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Whether the word stands in the name as one: "llama-3" is not in "llama-30b", nor "mpt" in
 * "prompt". */
static const char *
find_word(const struct strbuf *name, const char *word)
{
	size_t len = strlen(word);
	const char *at = name->s;

	while ((at = strstr(at, word))) {
		bool begins = at == name->s || !is_alnum(at[-1]);
		bool ends = !is_alnum(at[len]) ||
			    !((at[len] >= '0' && at[len] <= '9') ==
				    (word[len - 1] >= '0' && word[len - 1] <= '9'));

		if (begins && ends)
			return at;
		at++;
	}
	return NULL;
}

/* The model's names: of the file, of the model in the file; each as find_word wants it. */
struct model_names {
	struct strbuf name[2];
};

static void
read_name(struct strbuf *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n && i < MAX_NAME; i++) {
		char c = s[i] >= 'A' && s[i] <= 'Z' ? s[i] + ('a' - 'A') : s[i];

		strbuf_addc(out, is_alnum(c) ? c : '-');
	}
}

static void
read_names(struct model_names *m, const struct gguf *g, const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	struct gguf_string s;

	strbuf_init(&m->name[0]);
	strbuf_init(&m->name[1]);
	if (slash)
		path = slash + 1;
	if (path)
		read_name(&m->name[0], path, strlen(path));
	if (gguf_get_string(g, "general.name", &s, NULL) == 1)
		read_name(&m->name[1], s.s, s.len);
}

/* Whether the vocabulary has been made for ChatML and not for the format that the name tells of: an early version of
 * the model, or a fine-tune. */
static bool
is_chatml_instead(const struct template *t, const struct vocab *v)
{
	for (const char *const *m = t->markers; *m; m++)
		if (vocab_find(v, *m) >= 0)
			return false;
	return vocab_find(v, "<|im_start|>") >= 0 && vocab_find(v, "<|im_end|>") >= 0;
}

static const struct template *
by_name(const struct strbuf *name, const struct vocab *v)
{
	for (size_t i = 0; i < LENGTH(names); i++)
		if (find_word(name, names[i].words[0]) &&
			(!names[i].words[1] || find_word(name, names[i].words[1]))) {
			const struct template *t = choose(names[i].name, v);

			return is_chatml_instead(t, v) ? NULL : t;
		}
	return NULL;
}

/* Whether only makers' words stand in s[n], '-' between them. */
static bool
only_makers(const char *s, size_t n)
{
	const char *end = s + n;

	for (size_t len; s < end; s += len + 1) {
		const char *dash = memchr(s, '-', end - s);
		bool known = false;

		len = dash ? (size_t)(dash - s) : (size_t)(end - s);
		for (size_t i = 0; i < LENGTH(makers); i++)
			known |= strlen(makers[i]) == len && !memcmp(makers[i], s, len);
		if (len && !known)
			return false;
	}
	return true;
}

static bool
is_base(const struct strbuf *name)
{
	for (size_t i = 0; i < LENGTH(base_names); i++) {
		const char *at = find_word(name, base_names[i]);

		if (at && only_makers(name->s, at - name->s))
			return true;
	}
	return false;
}

/* ---- by what else there is ------------------------------------------------------------------- */

static const struct template *
by_vocabulary(const struct vocab *v)
{
	for (size_t i = 0; i < LENGTH(vocabularies); i++)
		if (vocab_find(v, vocabularies[i].tokens[0]) >= 0 &&
			vocab_find(v, vocabularies[i].tokens[1]) >= 0)
			return template_find(vocabularies[i].name);
	return NULL;
}

/* The shape of Llama 2: files of 2023 tell no more, and most of those that people chat with are its
 * Chat variant. */
static bool
looks_like_llama_2(const struct gguf *g, const struct vocab *v)
{
	struct gguf_string arch;
	uint64_t context;

	return gguf_get_string(g, "general.architecture", &arch, NULL) == 1 && arch.len == 5 &&
		!memcmp(arch.s, "llama", 5) && vocab_size(v) == 32000 &&
		gguf_get_u64(g, "llama.context_length", &context, NULL) == 1 && context == 4096;
}

static const struct template *
by_names_and_shape(
	const struct gguf *g, const struct vocab *v, const struct model_names *m, const char **why)
{
	const struct template *t;

	*why = "guessed from the file's name";
	if ((t = by_name(&m->name[0], v)))
		return t;
	*why = "guessed from the model's name";
	if ((t = by_name(&m->name[1], v)))
		return t;
	*why = "guessed from the tokens of the vocabulary";
	if ((t = by_vocabulary(v)))
		return t;
	*why = "by its name this is a base model without a chat format: plain completion";
	if (is_base(&m->name[0]) || is_base(&m->name[1]))
		return template_find("plain");
	*why = "guessed from the shape, which is Llama 2's; choose \"plain\" if this is no chat "
	       "model";
	if (looks_like_llama_2(g, v))
		return template_find("llama-2");
	*why = "no chat format is known for this model: plain completion";
	return template_find("plain");
}

const struct template *
template_detect(const struct gguf *g, const struct vocab *v, const char *path, const char **why)
{
	const struct template *t = by_signature(g, v);
	struct model_names m;

	if (t) {
		*why = "from the file's chat template";
		return t;
	}
	read_names(&m, g, path);
	t = by_names_and_shape(g, v, &m, why);
	strbuf_release(&m.name[0]);
	strbuf_release(&m.name[1]);
	return t;
}
