/*
 * Any bytes as a file for `hum sessions import`: refused with a message, or a conversation that is
 * sound, and that its own JSON gives back.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/conversation_json.h"
#include "app/cli/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

static void
check_sound(const struct conversation *c)
{
	struct message **path;
	size_t n = conversation_path(c, &path);

	check(c->n > 0 && n <= c->n);
	check(!c->head || conversation_find(c, c->head));
	for (size_t i = 0; i < c->n; i++)
		check(c->messages[i]->parent < c->messages[i]->id);
	free(path);
}

static void
check_round_trip(const struct conversation *c)
{
	json_t *json = conversation_to_json(c), *again;
	struct conversation copy;
	struct err e;

	check(json && conversation_from_json(json, "again", &copy, &e) == 0);
	again = conversation_to_json(&copy);
	check(json_equal(json, again));
	json_decref(again);
	json_decref(json);
	conversation_release(&copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf text = STRBUF_INIT;
	struct conversation c;
	struct message_list list;
	struct err e = { 0 };
	json_t *json;

	strbuf_add(&text, data, size);
	json = json_parse("fuzz", &text, true, &e);
	if (json && conversation_from_json(json, "fuzz", &c, &e) == 0) {
		check_sound(&c);
		check_round_trip(&c);
		conversation_release(&c);
	} else {
		check(e.code == ERR_USAGE && *e.text);
	}
	json_decref(json);
	if (message_list_parse(&list, "fuzz", &text, &e) == 0)
		message_list_release(&list);
	strbuf_release(&text);
	return 0;
}
