#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/chat/session_events.h"
#include "app/cli/conversation_json.h"
#include "app/cli/messages.h"
#include "app/config/number.h"
#include "base/xalloc.h"

enum { FORMAT_VERSION = 1, MAX_ID = 1000000000 };

/* ---- writing
 * ------------------------------------------------------------------------------------- */

static json_t *
text_json(const struct strbuf *b)
{
	return json_stringn(b->s, b->len);
}

/* The message, or the nearest one above, that was not deleted; 0: none. */
static int
nearest_left(const struct conversation *c, int id)
{
	const struct message *m = conversation_find(c, id);

	while (m && m->deleted)
		m = conversation_find(c, m->parent);
	return m ? m->id : 0;
}

/* 0.9, not 0.899999976: the shortest number from which the same float comes back. */
static json_t *
real_json(float value)
{
	char text[32];
	double x = value;

	number_print_float(value, text, sizeof text);
	number_parse(text, &x);
	return json_real(x);
}

static json_t *
sampling_json(const struct sampling *p)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:I,s:o,s:o,s:o,s:I}",
		"temperature", real_json(p->temperature), "top_p", real_json(p->top_p),
		"min_p", real_json(p->min_p), "typical_p", real_json(p->typical_p),
		"top_k", (json_int_t)p->top_k, "repeat_penalty", real_json(p->repeat_penalty),
		"presence_penalty", real_json(p->presence_penalty),
		"frequency_penalty", real_json(p->frequency_penalty),
		"repeat_last_n", (json_int_t)p->penalty_last_n);
}

static void
add_answer(json_t *object, const struct message *m)
{
	const struct message_stats *st = &m->stats;

	json_object_update_new(object, json_pack("{s:s?,s:I,s:o,s:s,s:I,s:I,s:I,s:I,s:I}",
		"model", m->model, "seed", (json_int_t)m->seed,
		"sampling", sampling_json(&m->sampling), "finish", finish_name(m->finish),
		"answer_tokens", (json_int_t)st->answer_tokens,
		"prompt_tokens", (json_int_t)st->prompt_tokens,
		"cached_tokens", (json_int_t)st->cached_tokens, "ms", (json_int_t)st->ms,
		 "first_token_ms", (json_int_t)st->first_token_ms));
}

json_t *
conversation_to_json(const struct conversation *c)
{
	json_t *messages = json_array();

	for (size_t i = 0; i < c->n; i++) {
		const struct message *m = c->messages[i];
		json_t *object;

		if (m->deleted)
			continue;
		object = json_pack("{s:i,s:i,s:s,s:I,s:o}", "id", m->id,
			"parent", nearest_left(c, m->parent), "role", role_name(m->role),
			"at_ms", (json_int_t)m->at_ms, "text", text_json(&m->text));
		if (m->role == ROLE_ASSISTANT)
			add_answer(object, m);
		json_array_append_new(messages, object);
	}
	return json_pack("{s:i,s:s,s:s?,s:s?,s:s?,s:I,s:i,s:o}", "hum", FORMAT_VERSION,
		"session", c->id, "title", c->title, "system", c->system, "model", c->model,
		"created_ms", (json_int_t)c->created_ms, "head", nearest_left(c, c->head),
		"messages", messages);
}

/* ---- reading
 * ------------------------------------------------------------------------------------- */

/* The file is somebody else's: whatever is wrong in it is an error that says where. */
struct import {
	const char *name;
	size_t message;		/* from 1; 0: not in one */
	struct err *err;
};

static int
fault(const struct import *in, const char *key, const char *wanted)
{
	if (!in->message)
		return err_set(in->err, ERR_USAGE, "%s: \"%s\" must be %s", in->name, key, wanted);
	return err_set(in->err, ERR_USAGE, "%s: message %zu: \"%s\" must be %s", in->name,
		in->message, key, wanted);
}

/* ---- values of an object; absent and null leave *out as it is
 * ------------------------------------ */

static int
take_integer(const struct import *in, const json_t *o, const char *key, int64_t max, int64_t *out)
{
	const json_t *v = json_object_get(o, key);

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > max)
		return fault(in, key, "a whole number in its range");
	*out = json_integer_value(v);
	return 0;
}

static int
take_u64(const struct import *in, const json_t *o, const char *key, uint64_t *out)
{
	int64_t value = (int64_t)*out;
	int rc = take_integer(in, o, key, INT64_MAX, &value);

	*out = (uint64_t)value;
	return rc;
}

static int
take_float(const struct import *in, const json_t *o, const char *key, float *out)
{
	const json_t *v = json_object_get(o, key);

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_number(v) || !(fabs(json_number_value(v)) <= 1e6))
		return fault(in, key, "a number in its range");
	*out = (float)json_number_value(v);
	return 0;
}

/* Heap, without NUL. */
static int
take_word(const struct import *in, const json_t *o, const char *key, char **out)
{
	const json_t *v = json_object_get(o, key);

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_string(v) || strlen(json_string_value(v)) != json_string_length(v))
		return fault(in, key, "a text");
	free(*out);
	*out = *json_string_value(v) ? xstrdup(json_string_value(v)) : NULL;
	return 0;
}

/* ---- messages
 * ------------------------------------------------------------------------------------ */

static const struct {
	const char *key;
	size_t offset;
} real_keys[] = {
	{ "temperature", offsetof(struct sampling, temperature) },
	{ "top_p", offsetof(struct sampling, top_p) },
	{ "min_p", offsetof(struct sampling, min_p) },
	{ "typical_p", offsetof(struct sampling, typical_p) },
	{ "repeat_penalty", offsetof(struct sampling, repeat_penalty) },
	{ "presence_penalty", offsetof(struct sampling, presence_penalty) },
	{ "frequency_penalty", offsetof(struct sampling, frequency_penalty) },
};

static const struct {
	const char *key;
	size_t offset;
} whole_keys[] = {
	{ "top_k", offsetof(struct sampling, top_k) },
	{ "repeat_last_n", offsetof(struct sampling, penalty_last_n) },
};

static int
take_sampling(const struct import *in, const json_t *o, struct sampling *out)
{
	const json_t *v = json_object_get(o, "sampling");

	*out = sampling_default;
	if (v && !json_is_object(v))
		return fault(in, "sampling", "an object");
	for (size_t i = 0; i < sizeof real_keys / sizeof *real_keys; i++)
		if (take_float(in, v, real_keys[i].key,
			(float *)((char *)out + real_keys[i].offset)) < 0)
			return -1;
	for (size_t i = 0; i < sizeof whole_keys / sizeof *whole_keys; i++) {
		uint32_t *field = (uint32_t *)((char *)out + whole_keys[i].offset);
		int64_t value = *field;

		if (take_integer(in, v, whole_keys[i].key, 1000000, &value) < 0)
			return -1;
		*field = (uint32_t)value;
	}
	return 0;
}

static int
take_answer(const struct import *in, const json_t *o, struct message *m)
{
	struct message_stats *st = &m->stats;
	char *finish = NULL;
	int rc = 0;

	m->finish = FINISH_STOP;
	if (take_word(in, o, "finish", &finish) < 0)
		return -1;
	if (finish && finish_parse(finish, &m->finish) < 0)
		rc = fault(in, "finish", "stop, length, cancelled, error or open");
	free(finish);
	if (rc < 0 || take_word(in, o, "model", &m->model) < 0 ||
		take_u64(in, o, "seed", &m->seed) < 0 ||
		take_sampling(in, o, &m->sampling) < 0)
		return -1;
	if (take_u64(in, o, "answer_tokens", &st->answer_tokens) < 0 ||
		take_u64(in, o, "prompt_tokens", &st->prompt_tokens) < 0 ||
		take_u64(in, o, "cached_tokens", &st->cached_tokens) < 0 ||
		take_u64(in, o, "ms", &st->ms) < 0 ||
			take_u64(in, o, "first_token_ms", &st->first_token_ms) < 0)
		return -1;
	return 0;
}

static int
take_role(const struct import *in, const json_t *o, enum chat_role *out)
{
	const char *role = json_string_value(json_object_get(o, "role"));

	if (!role || role_parse(role, out) < 0)
		return fault(in, "role", "system, user or assistant");
	return 0;
}

static int
take_text(const struct import *in, const json_t *o, const json_t **out)
{
	*out = json_object_get(o, "text");
	if (!*out)
		*out = json_object_get(o, "content");
	return json_is_string(*out) ? 0 : fault(in, "text", "a text");
}

/* Without ids each message follows the one before it: that is how other programs write
 * conversations. */
static int
take_place(const struct import *in, const json_t *o, const struct conversation *c, int64_t *id,
	int64_t *parent)
{
	int last = c->n ? c->messages[c->n - 1]->id : 0;

	*id = last + 1;
	*parent = last;
	if (take_integer(in, o, "id", MAX_ID, id) < 0 ||
		take_integer(in, o, "parent", MAX_ID, parent) < 0)
		return -1;
	if (*id < 1 || conversation_find(c, (int)*id))
		return fault(in, "id", "a number that no other message has");
	if (*parent >= *id || (*parent && !conversation_find(c, (int)*parent)))
		return fault(in, "parent", "the id of an earlier message, or 0");
	return 0;
}

static int
take_message(const struct import *in, const json_t *o, struct conversation *c)
{
	const json_t *text;
	enum chat_role role;
	int64_t id, parent;
	struct message *m;

	if (take_role(in, o, &role) < 0 || take_text(in, o, &text) < 0)
		return -1;
	if (role == ROLE_SYSTEM) {
		if (c->n || c->system)
			return fault(in, "role", "user or assistant behind the first message");
		c->system = xstrdup(json_string_value(text));
		return 0;
	}
	if (take_place(in, o, c, &id, &parent) < 0)
		return -1;
	m = conversation_add(c, (int)id, (int)parent, role);
	strbuf_add(&m->text, json_string_value(text), json_string_length(text));
	m->finish = FINISH_STOP;
	c->head = (int)id;
	if (take_integer(in, o, "at_ms", TIME_MS_MAX, &m->at_ms) < 0)
		return -1;
	return role == ROLE_ASSISTANT ? take_answer(in, o, m) : 0;
}

/* ---- the whole
 * ----------------------------------------------------------------------------------- */

static int
take_header(struct import *in, const json_t *o, struct conversation *c)
{
	int64_t version = FORMAT_VERSION;

	if (!json_is_object(o))
		return 0;
	if (take_integer(in, o, "hum", INT64_MAX, &version) < 0)
		return -1;
	if (version > FORMAT_VERSION)
		return err_set(in->err, ERR_USAGE, "%s was written by a newer hum", in->name);
	if (take_word(in, o, "title", &c->title) < 0 ||
		take_word(in, o, "system", &c->system) < 0 ||
		take_word(in, o, "model", &c->model) < 0)
		return -1;
	return take_integer(in, o, "created_ms", TIME_MS_MAX, &c->created_ms);
}

static int
take_head(struct import *in, const json_t *o, struct conversation *c)
{
	int64_t head = c->head;

	in->message = 0;
	if (json_is_object(o) && take_integer(in, o, "head", MAX_ID, &head) < 0)
		return -1;
	if (head && !conversation_find(c, (int)head))
		return fault(in, "head", "the id of a message, or 0");
	c->head = (int)head;
	return 0;
}

static void
add_title(struct conversation *c)
{
	for (size_t i = 0; i < c->n && !c->title; i++)
		if (c->messages[i]->role == ROLE_USER)
			c->title = conversation_title_from(c->messages[i]->text.s);
}

int
conversation_from_json(const json_t *json, const char *name, struct conversation *out,
	struct err *e)
{
	const json_t *list = json_is_object(json) ? json_object_get(json, "messages") : json;
	struct import in = { .name = name, .err = e };

	conversation_init(out);
	if (take_header(&in, json, out) < 0)
		goto bad;
	if (!json_is_array(list)) {
		fault(&in, "messages", "a list");
		goto bad;
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		in.message = i + 1;
		if (take_message(&in, json_array_get(list, i), out) < 0)
			goto bad;
	}
	if (take_head(&in, json, out) < 0)
		goto bad;
	if (!out->n) {
		err_set(e, ERR_USAGE, "%s: there is no message in it", name);
		goto bad;
	}
	add_title(out);
	return 0;
bad:
	conversation_release(out);
	return -1;
}
