#include "config.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/backend/backend.h"
#include "app/cli/cli.h"
#include "app/programs.h"
#include "base/utf8.h"

/* ---- hum tokenize ---- */

static void
print_ids(const struct token_list *ids)
{
	for (size_t i = 0; i < ids->n; i++)
		printf("%s%" PRId32, i ? " " : "", ids->id[i]);
	putchar('\n');
}

static void
tokenize_text(const struct vocab *v, const char *text, size_t len, unsigned flags)
{
	struct strbuf clean = STRBUF_INIT;
	struct token_list ids = { 0 };

	utf8_repair(&clean, text, len);
	vocab_encode(v, clean.s, clean.len, flags, &ids);
	print_ids(&ids);
	token_list_release(&ids);
	strbuf_release(&clean);
}

int
program_tokenize(const struct options *o)
{
	struct cli_vocab v;
	struct strbuf all = STRBUF_INIT;
	struct err e = { 0 };
	unsigned flags = ENCODE_PREFIX | (o->special ? ENCODE_SPECIAL : 0);
	int rc = cli_vocab_open(&v, o, &e);

	if (rc == 0)
		rc = cli_read_file(o->n_args ? o->args[0] : NULL, &all, &e);
	for (size_t at = 0; rc == 0 && at < all.len;) {
		const char *end = memchr(all.s + at, o->nul ? '\0' : '\n', all.len - at);
		size_t len = end ? (size_t)(end - (all.s + at)) : all.len - at;

		tokenize_text(v.vocab, all.s + at, len, flags);
		at += len + 1;
	}
	strbuf_release(&all);
	cli_vocab_close(&v);
	return rc < 0 ? cli_fail(&e) : 0;
}

/* ---- hum template ---- */

static const struct {
	const char *name;
	enum chat_role role;
} roles[] = { { "system", ROLE_SYSTEM }, { "user", ROLE_USER }, { "assistant", ROLE_ASSISTANT } };

static int
add_json_message(struct reply_request *r, const json_t *message, size_t i, struct err *e)
{
	const char *role = json_string_value(json_object_get(message, "role"));
	const json_t *text = json_object_get(message, "content");

	if (!text)
		text = json_object_get(message, "text");
	if (!role || !json_is_string(text))
		return err_set(e, ERR_USAGE, "message %zu: it needs \"role\" and \"content\"", i + 1);
	for (size_t k = 0; k < sizeof roles / sizeof *roles; k++) {
		if (strcmp(role, roles[k].name))
			continue;
		reply_request_add(r, roles[k].role, json_string_value(text));
		return 0;
	}
	return err_set(e, ERR_USAGE, "message %zu: the role is system, user or assistant, not \"%s\"", i + 1, role);
}

static struct reply_request *
read_messages(const char *path, struct err *e)
{
	struct strbuf text = STRBUF_INIT;
	struct reply_request *r = NULL;
	json_error_t why;
	json_t *root = NULL, *list;
	int rc = cli_read_file(path, &text, e);

	if (rc == 0 && !(root = json_loadb(text.s, text.len, 0, &why)))
		rc = err_set(e, ERR_USAGE, "%s:%d:%d: %s", path ? path : "stdin", why.line, why.column, why.text);
	list = json_is_object(root) ? json_object_get(root, "messages") : root;
	if (rc == 0 && !json_array_size(list))
		rc = err_set(e, ERR_USAGE, "a conversation is an array of {\"role\": ..., \"content\": ...}");
	if (rc == 0)
		r = reply_request_new();
	for (size_t i = 0; rc == 0 && i < json_array_size(list); i++)
		rc = add_json_message(r, json_array_get(list, i), i, e);
	json_decref(root);
	strbuf_release(&text);
	if (rc == 0)
		return r;
	reply_request_free(r);
	return NULL;
}

static const struct template *
choose_template(const struct cli_vocab *v, const char **why)
{
	const struct config_model *cm = v->model.entry->config;
	const struct template *t = cm && cm->template_name ? template_find(cm->template_name) : NULL;

	*why = "from the configuration";
	return t ? t : template_detect(v->gguf, v->vocab, v->model.entry->path, why);
}

int
program_template(const struct options *o)
{
	struct cli_vocab v;
	struct reply_request *r = NULL;
	struct token_list ids = { 0 };
	struct strbuf text = STRBUF_INIT;
	struct err e = { 0 };
	const struct template *t;
	const char *why;
	bool unfinished;
	int rc = cli_vocab_open(&v, o, &e);

	if (rc == 0 && !(r = read_messages(o->json_file, &e)))
		rc = -1;
	if (rc == 0) {
		t = choose_template(&v, &why);
		unfinished = r->messages[r->n - 1].role == ROLE_ASSISTANT;
		rc = template_encode(t, v.vocab, r->messages, r->n, unfinished, &ids, &text, NULL, &e);
	}
	if (rc == 0) {
		fprintf(stderr, "%s (%s), %zu tokens\n", template_name(t), why, ids.n);
		cli_print(text.s, text.len);
		putchar('\n');
		print_ids(&ids);
	}
	token_list_release(&ids);
	strbuf_release(&text);
	reply_request_free(r);
	cli_vocab_close(&v);
	return rc < 0 ? cli_fail(&e) : 0;
}
