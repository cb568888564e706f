#include "config.h"

#include <assert.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app/chat/session_events.h"
#include "app/chat/session_text.h"
#include "app/config/number.h"

/* ---- the tables ------------------------------------------------------------------------------ */

enum field_type {
	FIELD_VERSION,
	FIELD_ID,	/* of a message */
	FIELD_ID_OR_0,
	FIELD_U64,
	FIELD_TIME,
	FIELD_ROLE,
	FIELD_FINISH,
	FIELD_SAMPLING,
	FIELD_WORD,
	FIELD_TEXT,
};

struct field {
	const char *key;
	enum field_type type;
	size_t offset;		/* in struct event */
	enum { ALWAYS, WHEN_SET, OF_ANSWERS } when;	/* ALWAYS: an event without it is refused */
};

/* The first field of a kind is the one that it is known by. */
struct kind {
	bool flow;		/* on one line */
	size_t n;
	struct field fields[9];
};

#define F(key, type, member, when) { key, FIELD_##type, offsetof(struct event, member), when }

static const struct kind kinds[EVENT_UNKNOWN] = {
	[EVENT_HEADER] = { false, 3, {
		F("hum", VERSION, version, ALWAYS),
		F("session", WORD, text, ALWAYS),
		F("at", TIME, at_ms, WHEN_SET),
	} },
	[EVENT_MESSAGE] = { false, 8, {
		F("message", ID, id, ALWAYS),
		F("parent", ID_OR_0, parent, ALWAYS),
		F("role", ROLE, role, ALWAYS),
		F("at", TIME, at_ms, WHEN_SET),
		F("model", WORD, model, WHEN_SET),
		F("seed", U64, seed, OF_ANSWERS),
		F("sampling", SAMPLING, sampling, OF_ANSWERS),
		F("text", TEXT, text, WHEN_SET),
	} },
	[EVENT_PIECE] = { true, 2, {
		F("piece", ID, id, ALWAYS),
		F("text", TEXT, text, ALWAYS),
	} },
	[EVENT_DONE] = { true, 7, {
		F("done", ID, id, ALWAYS),
		F("finish", FINISH, finish, ALWAYS),
		F("tokens", U64, stats.answer_tokens, WHEN_SET),
		F("prompt_tokens", U64, stats.prompt_tokens, WHEN_SET),
		F("cached_tokens", U64, stats.cached_tokens, WHEN_SET),
		F("ms", U64, stats.ms, WHEN_SET),
		F("first_token_ms", U64, stats.first_token_ms, WHEN_SET),
	} },
	[EVENT_HEAD] = { true, 1, { F("head", ID_OR_0, id, ALWAYS) } },
	[EVENT_TITLE] = { true, 1, { F("title", TEXT, text, ALWAYS) } },
	[EVENT_SYSTEM] = { false, 1, { F("system", TEXT, text, ALWAYS) } },
	[EVENT_DELETE] = { true, 1, { F("delete", ID, id, ALWAYS) } },
	[EVENT_REOPEN] = { true, 1, { F("reopen", ID, id, ALWAYS) } },
	[EVENT_MODEL] = { true, 1, { F("model", WORD, text, ALWAYS) } },
};

#undef F

/* What a sampling map says when it is silent about something: that it is off. */
static const struct sampling sampling_off = {
	.top_p = 1, .typical_p = 1, .repeat_penalty = 1,
};

static const struct {
	const char *key;
	size_t offset;
	bool whole;
} sampling_keys[] = {
	{ "temperature", offsetof(struct sampling, temperature), false },
	{ "top_p", offsetof(struct sampling, top_p), false },
	{ "top_k", offsetof(struct sampling, top_k), true },
	{ "min_p", offsetof(struct sampling, min_p), false },
	{ "typical_p", offsetof(struct sampling, typical_p), false },
	{ "repeat_penalty", offsetof(struct sampling, repeat_penalty), false },
	{ "repeat_last_n", offsetof(struct sampling, penalty_last_n), true },
	{ "presence_penalty", offsetof(struct sampling, presence_penalty), false },
	{ "frequency_penalty", offsetof(struct sampling, frequency_penalty), false },
};

#define N_SAMPLING (sizeof sampling_keys / sizeof *sampling_keys)

static const char *const role_names[] = {
	[ROLE_SYSTEM] = "system", [ROLE_USER] = "user", [ROLE_ASSISTANT] = "assistant",
};

/* ---- writing --------------------------------------------------------------------------------- */

static void
write_time(struct strbuf *out, int64_t ms)
{
	time_t s;
	struct tm tm;

	if (ms < 0 || ms > TIME_MS_MAX)
		ms = ms < 0 ? 0 : TIME_MS_MAX;
	s = ms / 1000;

	gmtime_r(&s, &tm);
	strbuf_addf(out, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
		tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(ms - (int64_t)s * 1000));
}

/* Only what is on, but for the temperature, which says something also when it is 0. */
static void
write_sampling(struct strbuf *out, const struct sampling *p)
{
	char number[40];

	for (size_t i = 0; i < N_SAMPLING; i++) {
		const char *field = (const char *)p + sampling_keys[i].offset;
		const char *off = (const char *)&sampling_off + sampling_keys[i].offset;

		if (i && memcmp(field, off, sizeof(float)) == 0)
			continue;
		if (sampling_keys[i].whole)
			snprintf(number, sizeof number, "%" PRIu32,
				*(const uint32_t *)(const void *)field);
		else
			number_print_float(
				*(const float *)(const void *)field, number, sizeof number);
		strbuf_addf(out, "%s%s: %s", i ? ", " : "{", sampling_keys[i].key, number);
	}
	strbuf_addc(out, '}');
}

static void
write_value(struct strbuf *out, const struct field *f, const void *value, bool flow)
{
	const struct event_text *text = value;

	if (f->type == FIELD_TEXT && !flow) {
		text_write_block(out, text->s, text->len);
		return;
	}
	strbuf_addc(out, ' ');
	switch (f->type) {
	case FIELD_VERSION:
		strbuf_addf(out, "%" PRId64, *(const int64_t *)value);
		break;
	case FIELD_ID:
	case FIELD_ID_OR_0:
		strbuf_addf(out, "%d", *(const int *)value);
		break;
	case FIELD_U64:
		strbuf_addf(out, "%" PRIu64, *(const uint64_t *)value);
		break;
	case FIELD_TIME:
		write_time(out, *(const int64_t *)value);
		break;
	case FIELD_ROLE:
		strbuf_adds(out, role_names[*(const enum chat_role *)value]);
		break;
	case FIELD_FINISH:
		strbuf_adds(out, finish_name(*(const enum finish *)value));
		break;
	case FIELD_SAMPLING:
		write_sampling(out, value);
		break;
	case FIELD_WORD:
		text_write_word(out, text->s, text->len);
		break;
	case FIELD_TEXT:
		text_write_quoted(out, text->s, text->len);
		break;
	}
	if (!flow)
		strbuf_addc(out, '\n');
}

static bool
is_written(const struct event *ev, const struct field *f)
{
	const void *value = (const char *)ev + f->offset;

	if (f->when == OF_ANSWERS)
		return ev->role == ROLE_ASSISTANT;
	if (f->when == ALWAYS)
		return true;
	switch (f->type) {
	case FIELD_TIME:
		return *(const int64_t *)value != 0;
	case FIELD_WORD:
	case FIELD_TEXT:
		return ((const struct event_text *)value)->s != NULL;
	default:
		return true;
	}
}

void
event_write(struct strbuf *out, const struct event *ev)
{
	const struct kind *k = &kinds[ev->kind];

	assert(ev->kind < EVENT_UNKNOWN);
	strbuf_adds(out, k->flow ? "--- {" : "---\n");
	for (size_t i = 0; i < k->n; i++) {
		const struct field *f = &k->fields[i];

		if (!is_written(ev, f))
			continue;
		if (i && k->flow)
			strbuf_adds(out, ", ");
		strbuf_addf(out, "%s:", f->key);
		write_value(out, f, (const char *)ev + f->offset, k->flow);
	}
	strbuf_adds(out, k->flow ? "}\n...\n" : "...\n");
}

/* ---- reading --------------------------------------------------------------------------------- */

void
event_reader_init(struct event_reader *r)
{
	ydoc_init(&r->doc);
	strbuf_init(&r->scratch);
}

void
event_reader_release(struct event_reader *r)
{
	ydoc_release(&r->doc);
	strbuf_release(&r->scratch);
}

/* "2026-11-23T02:10:00.123Z", the fraction may be missing or longer. */
static int
read_time(const char *s, int64_t *out)
{
	struct tm tm = { 0 };
	int n = 0, ms = 0, unit = 100;

	if (sscanf(s, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		    &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &n) != 6)
		return -1;
	s += n;
	if (*s == '.')
		for (s++; *s >= '0' && *s <= '9'; s++, unit /= 10)
			ms += (*s - '0') * unit;
	if (strcmp(s, "Z") != 0)
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	*out = (int64_t)timegm(&tm) * 1000 + ms;
	return 0;
}

static int
read_sampling(const struct ynode *n, struct sampling *out)
{
	struct sampling p = sampling_off;

	if (n->kind != YNODE_MAP)
		return -1;
	for (size_t i = 0; i < N_SAMPLING; i++) {
		const struct ynode *value = ynode_get(n, sampling_keys[i].key);
		void *field = (char *)&p + sampling_keys[i].offset;
		double number;

		if (!value)
			continue;
		if (value->kind != YNODE_SCALAR || number_parse(value->text, &number) < 0)
			return -1;
		if (sampling_keys[i].whole && (number < 0 || number > UINT32_MAX))
			return -1;
		if (fabs(number) > FLT_MAX)
			return -1;
		if (sampling_keys[i].whole)
			*(uint32_t *)field = (uint32_t)number;
		else
			*(float *)field = (float)number;
	}
	*out = p;
	return 0;
}

static int
read_id(const char *s, int lowest, int *out)
{
	int64_t id;

	if (number_parse_int(s, &id) < 0 || id < lowest || id > MESSAGE_ID_MAX)
		return -1;
	*out = (int)id;
	return 0;
}

static int
read_role(const char *s, enum chat_role *out)
{
	*out = strcmp(s, role_names[ROLE_ASSISTANT]) == 0 ? ROLE_ASSISTANT : ROLE_USER;
	return strcmp(s, role_names[*out]) == 0 ? 0 : -1;
}

static void
read_text(const struct ynode *n, struct event_text *out)
{
	out->s = n->text;
	out->len = ynode_is_null(n) ? 0 : n->len;
	if (!out->len)
		out->s = "";
}

static int
read_value(const struct field *f, const struct ynode *n, void *out)
{
	if (f->type == FIELD_SAMPLING)
		return read_sampling(n, out);
	if (n->kind != YNODE_SCALAR)
		return -1;
	switch (f->type) {
	case FIELD_VERSION:
		return number_parse_int(n->text, out);
	case FIELD_ID:
		return read_id(n->text, 1, out);
	case FIELD_ID_OR_0:
		return read_id(n->text, 0, out);
	case FIELD_U64:
		return number_parse_u64(n->text, out);
	case FIELD_TIME:
		return read_time(n->text, out);
	case FIELD_ROLE:
		return read_role(n->text, out);
	case FIELD_FINISH:
		return finish_parse(n->text, out);
	default:
		read_text(n, out);
		return 0;
	}
}

static int
fault_of_field(
	const struct ynode *at, const struct field *f, const char *what, struct ydoc_fault *fault)
{
	fault->line = at->line;
	fault->column = at->column;
	snprintf(fault->text, sizeof fault->text, "%s \"%s\"", what, f->key);
	return -1;
}

/* The kind of a map by the key that it is known by; `message` also has a `model`, which comes last
 * for that reason. */
static enum event_kind
kind_of(const struct ynode *root)
{
	enum event_kind k = EVENT_HEADER;

	while (k < EVENT_UNKNOWN && !ynode_get(root, kinds[k].fields[0].key))
		k++;
	return k;
}

int
event_read(struct event_reader *r, const struct event_doc *doc, struct event *out,
	struct ydoc_fault *fault)
{
	static const struct ydoc_limits limits = { .bytes = 256u << 20, .depth = 16, .nodes = 512 };
	const struct kind *k;

	memset(out, 0, sizeof *out);
	*fault = (struct ydoc_fault){ 0 };
	out->sampling = sampling_off;
	if (ydoc_parse(&r->doc, doc->s, doc->len, &limits, fault) < 0)
		return -1;
	out->kind = EVENT_UNKNOWN;
	if (!r->doc.root)
		return 0;
	out->kind = kind_of(r->doc.root);
	if (out->kind == EVENT_UNKNOWN)
		return 0;
	k = &kinds[out->kind];
	for (size_t i = 0; i < k->n; i++) {
		const struct field *f = &k->fields[i];
		const struct ynode *n = ynode_get(r->doc.root, f->key);

		if (n && read_value(f, n, (char *)out + f->offset) < 0) {
			fault_of_field(n, f, "cannot understand", fault);
			if (f->when == ALWAYS || f->type == FIELD_TEXT)
				return -1;
		}
		if (!n && f->when == ALWAYS)
			return fault_of_field(r->doc.root, f, "there is no", fault);
	}
	return 0;
}

/* ---- borders of documents -------------------------------------------------------------------- */

/* Whether the line at s (n bytes, its newline included) is "---" or "...", alone or with something
 * after a blank. */
static bool
is_marker(const char *s, size_t n, const char *marker)
{
	return n >= 3 && memcmp(s, marker, 3) == 0 && (n == 3 || strchr(" \t\r\n", s[3])) &&
	       (n == 3 || s[3]);
}

/* Whether a line does not begin a document: blank, a comment, a directive. */
static bool
is_filler(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && strchr(" \t\r\n", s[i]) && s[i])
		i++;
	return i == n || s[i] == '#' || s[0] == '%';
}

bool
event_next_doc(const char *bytes, size_t len, size_t *pos, struct event_doc *out)
{
	bool begun = false;		/* there is more than filler */
	size_t n;

	*out = (struct event_doc){ .s = bytes + *pos };
	for (size_t i = *pos; i < len; i += n) {
		const char *newline = memchr(bytes + i, '\n', len - i);

		n = newline ? (size_t)(newline - bytes) - i + 1 : len - i;
		if (is_marker(bytes + i, n, "...")) {
			out->len = i + n - *pos;
			out->closed = true;
			*pos = i + n;
			if (begun)
				return true;
			*out = (struct event_doc){ .s = bytes + *pos };		/* closes nothing */
			continue;
		}
		if (begun && is_marker(bytes + i, n, "---")) {
			out->len = i - *pos;
			out->closed = true;
			*pos = i;
			return true;
		}
		begun = begun || !is_filler(bytes + i, n);
	}
	out->len = len - *pos;
	*pos = len;
	return begun;
}

size_t
event_read_piece(struct event_reader *r, const char *bytes, size_t len, struct event *out)
{
	static const char begin[] = "--- {piece: ", middle[] = ", text: \"", end[] = "}\n...\n";
	size_t i = sizeof begin - 1, n;
	int64_t id = 0;

	if (len < i || memcmp(bytes, begin, i) != 0)
		return 0;
	for (n = 0; i < len && n < 10 && bytes[i] >= '0' && bytes[i] <= '9'; i++, n++)
		id = id * 10 + (bytes[i] - '0');
	if (id < 1 || id > MESSAGE_ID_MAX || len - i < sizeof middle - 1 ||
		memcmp(bytes + i, middle, sizeof middle - 1) != 0)
		return 0;
	i += sizeof middle - 1;
	strbuf_reset(&r->scratch);
	n = text_read_quoted(&r->scratch, bytes + i, len - i);
	i += n;
	if (!n || len - i < sizeof end - 1 || memcmp(bytes + i, end, sizeof end - 1) != 0)
		return 0;
	memset(out, 0, sizeof *out);
	out->kind = EVENT_PIECE;
	out->id = (int)id;
	out->text = (struct event_text){ r->scratch.s, r->scratch.len };
	return i + sizeof end - 1;
}
