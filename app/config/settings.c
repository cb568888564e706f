#include "config.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/config/number.h"
#include "app/config/settings.h"
#include "base/strbuf.h"

/*
 * One row a setting: kind, name, field, option, letter, lowest, highest, range as text, word for the lowest value
 * (or NULL), reload, sampling, help. The kind says how it is parsed, printed and copied.
 */
#define SETTINGS(X)                                                                                \
	X(REAL, temperature, sampling.temperature, "--temp", 0, 0, 2, "0..2", NULL, false, true,   \
		"how freely words are chosen; 0 always takes the likeliest")                       \
	X(REAL, top_p, sampling.top_p, "--top-p", 0, 0, 1, "0..1", NULL, false, true,              \
		"choose among the likeliest words that make up this share; 1 is off")              \
	X(WHOLE, top_k, sampling.top_k, "--top-k", 0, 0, 1000000, "0..1000000", NULL, false, true, \
		"choose among this many likeliest words; 0 is off")                                \
	X(REAL, min_p, sampling.min_p, "--min-p", 0, 0, 1, "0..1", NULL, false, true,              \
		"drop words less likely than this share of the likeliest; 0 is off")               \
	X(REAL, typical_p, sampling.typical_p, NULL, 0, 0, 1, "0..1", NULL, false, true,           \
		"choose among typically surprising words that make up this share; 1 is off")       \
	X(REAL, repeat_penalty, sampling.repeat_penalty, "--repeat-penalty", 0, 0.1, 10,           \
		"0.1..10", NULL, false, true, "above 1 makes repeated words less likely")          \
	X(WHOLE, repeat_last_n, sampling.penalty_last_n, NULL, 0, 0, 1000000, "0..1000000", NULL,  \
		false, true, "how many of the last tokens the penalties look at")                  \
	X(REAL, presence_penalty, sampling.presence_penalty, NULL, 0, -2, 2, "-2..2", NULL, false, \
		true, "taken once from words that occurred; 0 is off")                             \
	X(REAL, frequency_penalty, sampling.frequency_penalty, NULL, 0, -2, 2, "-2..2", NULL,      \
		false, true, "taken from words for each time they occurred; 0 is off")             \
	X(SEED, seed, seed, "--seed", 0, -1, INT64_MAX, "0..2^63-1, or random",       \
		"random", false, false, "same seed, same answer; /regen takes the next one; random: always another") \
	X(WHOLE, max_tokens, max_tokens, "--max-tokens", 'n', 0, 1000000, "0..1000000", NULL,      \
		false, false, "longest answer in tokens; 0: until the context is full")            \
	X(CONTEXT, context, context, "--ctx", 0, 16, 1048576, "16..1048576, or auto", "auto",      \
		true, false, "how many tokens the model sees at once; auto: the model's own")      \
	X(COUNT, threads, threads, "--threads", 't', 1, 1024, "1..1024, or auto", "auto", true,    \
		false, "processor threads; auto: one a physical core")                             \
	X(COUNT, prompt_threads, prompt_threads, "--prompt-threads", 0, 1, 1024,                   \
		"1..1024, or auto", "auto", true, false,                                           \
		"processor threads while a prompt is read; auto: the same number")                 \
	X(KV, kv, kv, "--kv", 0, 0, 0, "f32, f16 or q8_0", NULL, true, false,                      \
		"how exactly the context is kept in memory")

static int
bad_value(const char *name, const char *value, const char *range, struct err *e)
{
	return err_set(e, ERR_USAGE, "%s cannot be \"%s\": it must be %s", name, value, range);
}

/* ---- one parser and one printer for each kind of setting ------------------------------------- */

#define PARSE_REAL(name, field, low, high, range, word)                                            \
	double v;                                                                                  \
	if (number_parse(value, &v) < 0 || v < (low) || v > (high))                                \
		return bad_value(name, value, range, e);                                           \
	s->field = (float)v;                                                                       \
	return 0;
#define PARSE_WHOLE(name, field, low, high, range, word)                                           \
	int64_t v;                                                                                 \
	if (number_parse_int(value, &v) < 0 || v < (low) || v > (high))                            \
		return bad_value(name, value, range, e);                                           \
	s->field = (uint32_t)v;                                                                    \
	return 0;
/* A number that may be left to the program: the word, or 0 as the field has it. */
#define PARSE_COUNT(name, field, low, high, range, word)                                           \
	int64_t v = 0;                                                                             \
	bool automatic = strcasecmp(value, word) == 0;                                             \
	if (!automatic && number_parse_int(value, &v) < 0)                                         \
		return bad_value(name, value, range, e);                                           \
	if (v && (v < (low) || v > (high)))                                                        \
		return bad_value(name, value, range, e);                                           \
	s->field = (uint32_t)v;                                                                    \
	return 0;
#define PARSE_CONTEXT PARSE_COUNT
#define PARSE_SEED(name, field, low, high, range, word)                                            \
	int64_t v = -1;                                                                            \
	if (strcasecmp(value, word) != 0 && number_parse_int(value, &v) < 0)                       \
		return bad_value(name, value, range, e);                                           \
	if (v < (low))                                                                             \
		return bad_value(name, value, range, e);                                           \
	s->field = v;                                                                              \
	return 0;
#define PARSE_KV(name, field, low, high, range, word)                                              \
	if (kv_type_parse(value, &s->field) < 0)                                                   \
		return bad_value(name, value, range, e);                                           \
	return 0;

#define PRINT_REAL(field, word) number_print_float(s->field, out, size);
#define PRINT_WHOLE(field, word) snprintf(out, size, "%" PRIu32, s->field);
#define PRINT_COUNT(field, word)                                                                   \
	if (s->field)                                                                              \
		snprintf(out, size, "%" PRIu32, s->field);                                         \
	else                                                                                       \
		snprintf(out, size, "%s", word);
#define PRINT_CONTEXT PRINT_COUNT
#define PRINT_SEED(field, word)                                                                    \
	if (s->field >= 0)                                                                         \
		snprintf(out, size, "%" PRId64, s->field);                                         \
	else                                                                                       \
		snprintf(out, size, "%s", word);
#define PRINT_KV(field, word) snprintf(out, size, "%s", kv_type_name(s->field));

/* What a value is called in the help. */
#define VALUE_REAL "X"
#define VALUE_WHOLE "N"
#define VALUE_COUNT "N"
#define VALUE_CONTEXT "N"
#define VALUE_SEED "N"
#define VALUE_KV "TYPE"

#define SETTING_FUNCTIONS(kind, name, field, option, letter, low, high, range, word, reload, sampling, help) \
	static int                                                                                 \
	parse_##name(struct settings *s, const char *value, struct err *e)                         \
	{                                                                                          \
		PARSE_##kind(#name, field, low, high, range, word)                                 \
	}                                                                                          \
                                                                                                   \
	static void                                                                                \
	print_##name(const struct settings *s, char *out, size_t size)                             \
	{                                                                                          \
		PRINT_##kind(field, word)                                                          \
	}                                                                                          \
                                                                                                   \
	static void                                                                                \
	copy_##name(struct settings *to, const struct settings *from)                              \
	{                                                                                          \
		to->field = from->field;                                                           \
	}

SETTINGS(SETTING_FUNCTIONS)

#define SETTING_ROW(kind, name, field, option, letter, low, high, range, word, reload, sampling, help) \
	{ #name, option, letter, VALUE_##kind, range, help, reload, sampling, parse_##name, print_##name },
static const struct setting table[] = { SETTINGS(SETTING_ROW) };

#define SETTING_COPY(kind, name, ...) copy_##name,
static void (*const copies[])(struct settings *, const struct settings *) = { SETTINGS(SETTING_COPY) };

#define N_SETTINGS (sizeof table / sizeof *table)

static_assert(N_SETTINGS <= 8 * sizeof(settings_mask), "a settings_mask has a bit for each setting");

/* ---- the table, from outside ----------------------------------------------------------------- */

void
settings_init(struct settings *s)
{
	*s = (struct settings){
		.sampling = sampling_default,
		.seed = -1,
		.kv = KV_Q8_0,
	};
}

const struct setting *
setting_at(size_t i)
{
	return i < N_SETTINGS ? &table[i] : NULL;
}

/* Whether a name as typed is this setting's: "top-p" is top_p. */
static bool
same_name(const char *typed, const char *name)
{
	for (; *typed && *name; typed++, name++)
		if (*name != (*typed == '-' ? '_' : *typed))
			return false;
	return !*typed && !*name;
}

const struct setting *
setting_find(const char *name)
{
	for (size_t i = 0; i < N_SETTINGS; i++)
		if (same_name(name, table[i].name))
			return &table[i];
	return NULL;
}

const struct setting *
setting_of_option(const char *option)
{
	for (size_t i = 0; i < N_SETTINGS; i++)
		if (table[i].option && !strcmp(option, table[i].option + 2))
			return &table[i];
	return NULL;
}

/* What may be meant by a name that no setting has; NULL: who knows. */
static const char *
meant(const char *name)
{
	const struct setting *s = setting_of_option(name);
	const char *names[N_SETTINGS + 1] = { 0 };

	for (size_t i = 0; i < N_SETTINGS; i++)
		names[i] = table[i].name;
	return s ? s->name : nearest_name(name, names);
}

int
settings_set(struct settings *s, settings_mask *mask, const char *name, const char *value, struct err *e)
{
	const struct setting *setting = setting_find(name);
	const char *near = setting ? NULL : meant(name);

	if (!setting) {
		if (near)
			return err_set(e, ERR_USAGE, "there is no setting \"%s\"; did you mean \"%s\"?", name, near);
		return err_set(e, ERR_USAGE, "there is no setting \"%s\"", name);
	}
	if (setting->parse(s, value, e) < 0)
		return -1;
	if (mask)
		*mask |= (settings_mask)1 << (setting - table);
	return 0;
}

void
settings_overlay(struct settings *to, const struct settings *from, settings_mask mask)
{
	for (size_t i = 0; i < N_SETTINGS; i++)
		if (mask >> i & 1)
			copies[i](to, from);
}
