#include "config.h"

#include "app/cli/cli.h"
#include "app/cli/input.h"
#include "app/cli/messages.h"
#include "app/cli/tool.h"

enum { MAX_INPUT = 64 << 20 };

const struct option_spec cli_template_options[] = {
	CLI_OPTION_MODEL,
	{ 0, "json", "FILE", OPTION_TEXT, offsetof(struct options, json_file), 0,
		"the conversation, [{\"role\": ..., \"content\": ...}]; -: standard input; "
		"without: an example" },
	CLI_OPTION_HELP,
	{ 0 },
};

/* Shows the shape of a format to whoever has no conversation at hand. */
static struct chat_message example[] = {
	{ .role = ROLE_SYSTEM, .text = "You are a helpful assistant." },
	{ .role = ROLE_USER, .text = "First question?" },
	{ .role = ROLE_ASSISTANT, .text = "First answer." },
	{ .role = ROLE_USER, .text = "Second question?" },
};

static int
read_messages(struct tool *t, const char *path, struct message_list *l)
{
	struct strbuf text = STRBUF_INIT;
	int rc = input_read(path, MAX_INPUT, &text, &t->err);

	if (rc == 0)
		rc = message_list_parse(l, path, &text, &t->err);
	strbuf_release(&text);
	return rc;
}

/* The text as the model sees it, and in the last line the ids. */
static void
print_prompt(struct output *out, const struct strbuf *text, const struct token_list *ids)
{
	output_text(out, text->s, text->len);
	if (!text->len || text->s[text->len - 1] != '\n')
		output_adds(out, "\n");
	output_adds(out, "\n");
	for (size_t i = 0; i < ids->n; i++)
		output_addf(out, i ? " %d" : "%d", (int)ids->id[i]);
	output_adds(out, "\n");
}

static int
encode(struct tool *t, const struct vocabulary *v, const struct message_list *l)
{
	bool unfinished = l->n && l->items[l->n - 1].role == ROLE_ASSISTANT;
	struct token_list ids = { 0 };
	struct strbuf text = STRBUF_INIT;
	size_t n_defused = 0;
	int rc = template_encode(v->template, v->vocab, l->items, l->n, unfinished, &ids, &text,
		&n_defused, &t->err);

	if (rc == 0)
		print_prompt(&t->out, &text, &ids);
	if (n_defused)
		note("%zu marks of the prompt format in the messages were broken up", n_defused);
	strbuf_release(&text);
	token_list_release(&ids);
	return rc;
}

static int
show_prompt(struct tool *t, const struct options *o)
{
	struct message_list l = { .items = example, .n = sizeof example / sizeof *example },
		read = { 0 };
	struct vocabulary v;
	int rc;

	if (o->json_file) {
		if (read_messages(t, o->json_file, &read) < 0)
			return -1;
		l = read;
	}
	rc = tool_open_vocabulary(t, o, &v);
	if (rc == 0) {
		note("template %s: %s", template_name(v.template), v.template_why);
		rc = encode(t, &v, &l);
		vocabulary_release(&v);
	}
	message_list_release(&read);
	return rc;
}

int
cli_template(const struct options *o)
{
	struct tool t;
	int rc = tool_begin(&t, o);

	if (rc == 0)
		rc = show_prompt(&t, o);
	return tool_end(&t, rc);
}
