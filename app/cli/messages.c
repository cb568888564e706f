#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/cli/messages.h"
#include "base/xalloc.h"

static const char *const roles[] = {
	[ROLE_SYSTEM] = "system",
	[ROLE_USER] = "user",
	[ROLE_ASSISTANT] = "assistant",
};

const char *
role_name(enum chat_role r)
{
	return roles[r];
}

int
role_parse(const char *name, enum chat_role *out)
{
	for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
		if (!strcmp(name, roles[i])) {
			*out = (enum chat_role)i;
			return 0;
		}
	return -1;
}

json_t *
json_parse(const char *name, const struct strbuf *text, bool nul, struct err *e)
{
	json_error_t at;
	json_t *json = json_loadb(text->s, text->len,
		JSON_REJECT_DUPLICATES | (nul ? JSON_ALLOW_NUL : 0), &at);

	if (!json)
		err_set(e, ERR_USAGE, "%s:%d:%d: %s", name, at.line, at.column, at.text);
	return json;
}

static int
parse_message(const json_t *json, struct chat_message *out)
{
	const char *role = json_string_value(json_object_get(json, "role"));
	const char *content = json_string_value(json_object_get(json, "content"));

	if (!content)
		content = json_string_value(json_object_get(json, "text"));
	if (!role || !content || role_parse(role, &out->role) < 0)
		return -1;
	out->text = content;
	return 0;
}

int
message_list_parse(struct message_list *l, const char *name, const struct strbuf *text,
	struct err *e)
{
	json_t *list;

	*l = (struct message_list){ .json = json_parse(name, text, false, e) };
	if (!l->json)
		return -1;
	list = json_is_object(l->json) ? json_object_get(l->json, "messages") : l->json;
	if (!json_is_array(list)) {
		err_set(e, ERR_USAGE,
			"%s: a list of messages is wanted: [{\"role\": \"user\", \"content\": "
			"\"...\"}]", name);
		goto bad;
	}
	l->items = xcalloc(json_array_size(list) + 1, sizeof *l->items);
	for (; l->n < json_array_size(list); l->n++)
		if (parse_message(json_array_get(list, l->n), &l->items[l->n]) < 0) {
			err_set(e, ERR_USAGE,
				"%s: message %zu: \"role\" (system, user or assistant) and "
				"\"content\" (a text) are wanted", name, l->n + 1);
			goto bad;
		}
	return 0;
bad:
	message_list_release(l);
	return -1;
}

void
message_list_release(struct message_list *l)
{
	free(l->items);
	json_decref(l->json);
	*l = (struct message_list){ 0 };
}
