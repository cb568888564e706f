/* A GGUF file: what its vocabulary makes of a text, and which chat format it seems to have. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/detok.h"
#include "engine/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] = " hello  world <s>\n\xc3\xa9\xf0\x9f\xa6\x99 [INST]<|im_end|>aab";

static void
use(const struct gguf *g, const struct vocab *v)
{
	struct chat_message msgs[] = { { .role = ROLE_SYSTEM, .text = text },
		{ .role = ROLE_USER, .text = text } };
	struct strbuf out = STRBUF_INIT, prompt = STRBUF_INIT;
	struct token_list ids = { 0 };
	struct detok d;
	const char *why;
	struct err e;

	vocab_encode(v, text, sizeof text, ENCODE_PREFIX, &ids);
	vocab_encode(v, text, sizeof text, ENCODE_SPECIAL, &ids);
	vocab_decode(v, ids.id, ids.n, &out);
	detok_init(&d, v, NULL);
	for (size_t i = 0; i < vocab_size(v) && i < 600; i++) {
		size_t len;
		const char *piece = vocab_piece(v, i, &len);
		int32_t found = vocab_find(v, piece);

		if (found < 0 ? !memchr(piece, '\0', len)
			      : found > (int32_t)i && strlen(piece) == len)
			abort();
		detok_push(&d, i, &out);
		vocab_is_end(v, i);
	}
	detok_flush(&d, &out);
	detok_release(&d);
	template_encode(
		template_detect(g, v, NULL, &why), v, msgs, 2, false, &ids, &prompt, NULL, &e);
	token_list_release(&ids);
	strbuf_release(&out);
	strbuf_release(&prompt);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e;
	struct gguf *g = gguf_parse(data, size, &e);
	struct vocab *v = g ? vocab_new(g, &e) : NULL;

	if (v)
		use(g, v);
	vocab_free(v);
	gguf_free(g);
	return 0;
}
