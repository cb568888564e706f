#include "config.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/cli.h"
#include "app/cli/interrupt.h"
#include "app/cli/json_text.h"
#include "app/cli/table.h"
#include "app/cli/tool.h"
#include "app/models/open.h"
#include "base/xalloc.h"

enum { MAX_TOKENS = 1 << 20, MAX_REPEAT = 1000, WARM_UP = 32 };

const struct option_spec cli_bench_options[] = {
	CLI_OPTION_MODEL,
	{ 'p', "prompt-tokens", "N", OPTION_TEXT, offsetof(struct options, prompt_tokens), 0,
		"tokens processed in one go (512; 0: no such test)" },
	{ 'n', "gen-tokens", "N", OPTION_TEXT, offsetof(struct options, gen_tokens), 0,
		"tokens generated one by one (128; 0: no such test)" },
	{ 'd', "depth", "N", OPTION_TEXT, offsetof(struct options, depth), 0,
		"tokens that are in the context before (0)" },
	{ 'r', "repeat", "N", OPTION_TEXT, offsetof(struct options, repeat), 0,
		"runs of each test (5)" },
	CLI_OPTION_JSON("as JSON"),
	CLI_OPTION_HELP,
	{ 0 },
};

struct plan {
	long prompt, gen, depth, repeat;
};

struct result {
	char name[32];			/* "pp512", "tg128" */
	unsigned threads;
	double tps, sd;			/* tokens a second: mean and deviation of the runs */
	double bytes, macs;		/* that a token takes */
};

struct bench {
	struct tool t;
	struct plan plan;
	struct result results[2];
	size_t n;
	double bandwidth, int8;		/* what the machine can do, a second */
};

static int
read_plan(struct plan *p, const struct options *o, struct err *e)
{
	const struct {
		const char *text, *option;
		long usual, min, max, *out;
	} fields[] = {
		{ o->prompt_tokens, "-p", 512, 0, MAX_TOKENS, &p->prompt },
		{ o->gen_tokens, "-n", 128, 0, MAX_TOKENS, &p->gen },
		{ o->depth, "-d", 0, 0, MAX_TOKENS, &p->depth },
		{ o->repeat, "-r", 5, 1, MAX_REPEAT, &p->repeat },
	};

	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		*fields[i].out = fields[i].usual;
		if (fields[i].text && options_number(fields[i].text, fields[i].option,
			fields[i].min, fields[i].max, fields[i].out, e) < 0)
			return -1;
	}
	if (!p->prompt && !p->gen)
		return err_set(e, ERR_USAGE, "-p 0 -n 0 leaves nothing to measure");
	return 0;
}

/* ---- measuring
 * ----------------------------------------------------------------------------------- */

static int
run_test(struct bench *b, struct result *r, long prompt, long gen)
{
	const struct plan *p = &b->plan;
	double *tps = xcalloc((size_t)p->repeat, sizeof *tps), sum = 0, squares = 0;
	int rc = 0;

	for (long i = 0; i < p->repeat && rc == 0; i++) {
		double seconds = llm_bench(b->t.chat, (size_t)p->depth, (size_t)prompt, (size_t)gen,
			&b->t.err);

		if (seconds < 0)
			rc = -1;
		tps[i] = (double)(prompt + gen) / fmax(seconds, 1e-9);
		sum += tps[i];
	}
	r->tps = sum / (double)p->repeat;
	for (long i = 0; i < p->repeat; i++)
		squares += (tps[i] - r->tps) * (tps[i] - r->tps);
	r->sd = p->repeat > 1 ? sqrt(squares / (double)(p->repeat - 1)) : 0;
	free(tps);
	return rc;
}

/* The file's pages come into memory, the processor out of its sleep. */
static int
warm_up(struct bench *b)
{
	long n = b->plan.prompt < WARM_UP ? b->plan.prompt : WARM_UP;

	return llm_bench(b->t.chat, 0, (size_t)n, 0, &b->t.err) < 0 ||
		(b->plan.gen && llm_bench(b->t.chat, 0, 0, 1, &b->t.err) < 0) ? -1 : 0;
}

/* A prompt reads each matrix once for all its tokens; the output is for its last one only. */
static int
measure_prompt(struct bench *b)
{
	const struct llm_info *info = llm_get_info(b->t.llm);
	struct result *r = &b->results[b->n++];
	double n = (double)b->plan.prompt;

	snprintf(r->name, sizeof r->name, "pp%ld", b->plan.prompt);
	r->threads = llm_chat_prompt_threads(b->t.chat);
	r->bytes = (double)info->matrix_bytes / n;
	r->macs = (double)info->layer_macs + (double)info->output_macs / n;
	return run_test(b, r, b->plan.prompt, 0);
}

static int
measure_gen(struct bench *b)
{
	const struct llm_info *info = llm_get_info(b->t.llm);
	struct result *r = &b->results[b->n++];
	double seen = (double)b->plan.depth + (double)b->plan.gen / 2;

	snprintf(r->name, sizeof r->name, "tg%ld", b->plan.gen);
	r->threads = llm_chat_threads(b->t.chat);
	r->bytes = (double)info->matrix_bytes +
		seen * (double)info->kv_bytes_per_token[b->t.settings.kv];
	r->macs = (double)info->layer_macs + (double)info->output_macs;
	return run_test(b, r, 0, b->plan.gen);
}

static int
measure(struct bench *b, const struct options *o)
{
	const struct plan *p = &b->plan;
	long most = p->prompt > p->gen ? p->prompt : p->gen;

	if (tool_open_chat(&b->t, o, (size_t)(p->depth + most)) < 0 || warm_up(b) < 0)
		return -1;
	if (p->prompt && measure_prompt(b) < 0)
		return -1;
	if (p->gen && measure_gen(b) < 0)
		return -1;
	b->bandwidth = llm_measure_bandwidth(b->t.chat);
	b->int8 = llm_measure_int8(b->t.chat);
	return interrupt_check(&b->t.err);	/* what was measured until then says nothing */
}

static double
share(double used, double peak)
{
	return peak > 0 ? used / peak : 0;
}

/* ---- telling
 * ------------------------------------------------------------------------------------- */

static void
print_json(struct bench *b)
{
	const struct llm_info *info = llm_get_info(b->t.llm);
	json_t *array = json_array();
	char *text;

	for (size_t i = 0; i < b->n; i++) {
		const struct result *r = &b->results[i];

		json_array_append_new(array,
			json_pack("{s:o,s:s,s:I,s:I,s:I,s:I,s:s,s:s,s:I,s:f,s:f,s:f,s:f,s:f,s:f}",
				"model", json_text(b->t.model->name), "type", info->type,
				"size", (json_int_t)info->file_size,
				"parameters", (json_int_t)info->n_params,
				"threads", (json_int_t)llm_chat_threads(b->t.chat),
				"prompt_threads", (json_int_t)llm_chat_prompt_threads(b->t.chat),
				"isa", llm_chat_isa(b->t.chat),
				"test", r->name, "depth", (json_int_t)b->plan.depth,
				"tps", r->tps, "tps_sd", r->sd,
				"bandwidth_share", share(r->tps * r->bytes, b->bandwidth),
				"int8_share", share(r->tps * r->macs, b->int8),
				"bandwidth", b->bandwidth, "int8_peak", b->int8));
	}
	text = json_dumps(array, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	if (text) {
		output_adds(&b->t.out, text);
		output_adds(&b->t.out, "\n");
	}
	free(text);
	json_decref(array);
}

static void
add_row(struct table *table, const struct bench *b, const struct result *r)
{
	const struct llm_info *info = llm_get_info(b->t.llm);
	char size[16];

	format_bytes(info->file_size, size);
	table_cell(table, b->t.model->name);
	table_cell(table, info->type);
	table_cell(table, size);
	table_cellf(table, "%.2f M", (double)info->n_params / 1e6);
	table_cellf(table, "%u", r->threads);
	if (b->plan.depth)
		table_cellf(table, "%s @ d%ld", r->name, b->plan.depth);
	else
		table_cell(table, r->name);
	table_cellf(table, "%.2f ± %.2f", r->tps, r->sd);
	table_cellf(table, "%.1f %%", 100 * share(r->tps * r->bytes, b->bandwidth));
	table_cellf(table, "%.1f %%", 100 * share(r->tps * r->macs, b->int8));
}

static void
print_table(struct bench *b)
{
	static const struct table_column columns[] = {
		{ "MODEL", false }, { "TYPE", false }, { "SIZE", true }, { "PARAMETERS", true },
		{ "THREADS", true }, { "TEST", false }, { "TOKENS/S", true },
		{ "BANDWIDTH", true }, { "INT8", true },
	};
	struct table table;

	table_init(&table, columns, sizeof columns / sizeof *columns);
	for (size_t i = 0; i < b->n; i++)
		add_row(&table, b, &b->results[i]);
	table_print(&table, &b->t.out);
	table_release(&table);
	output_addf(&b->t.out,
		"\nThis machine, measured in the same run with %s: memory is read at %.1f GB/s; "
		"%.1f G int8 multiply-adds a second.\n",
		llm_chat_isa(b->t.chat), b->bandwidth / 1e9, b->int8 / 1e9);
}

int
cli_bench(const struct options *o)
{
	struct bench b = { 0 };
	int rc = tool_begin(&b.t, o);

	if (rc == 0)
		rc = read_plan(&b.plan, o, &b.t.err);
	if (rc == 0)
		rc = measure(&b, o);
	if (rc == 0 && o->json)
		print_json(&b);
	else if (rc == 0)
		print_table(&b);
	return tool_end(&b.t, rc);
}
