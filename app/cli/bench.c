#include "config.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/cli/cli.h"
#include "app/programs.h"

struct bench {
	struct cli_model m;
	long n_prompt, n_gen, depth, repeat;
	double bandwidth;	/* bytes/s that this machine reads */
	double int8;		/* multiply-adds/s */
};

struct result {
	char test[32];
	double tps, sd;
	double bandwidth_share, int8_share;
};

static int
parse(struct bench *b, const struct options *o, struct err *e)
{
	b->n_prompt = 512;
	b->n_gen = 128;
	b->repeat = 5;
	if ((o->prompt_tokens && options_number(o->prompt_tokens, "-p", 0, 1 << 20, &b->n_prompt, e) < 0) ||
		(o->gen_tokens && options_number(o->gen_tokens, "-n", 0, 1 << 20, &b->n_gen, e) < 0) ||
		(o->depth && options_number(o->depth, "-d", 0, 1 << 20, &b->depth, e) < 0) ||
		(o->repeat && options_number(o->repeat, "-r", 1, 1000, &b->repeat, e) < 0))
		return -1;
	if (!b->n_prompt && !b->n_gen)
		return err_set(e, ERR_USAGE, "hum bench: -p 0 and -n 0 leave nothing to measure");
	return 0;
}

/* Mean and spread of the speed of some runs, each of n tokens. One run before warms caches and clocks. */
static int
measure(struct bench *b, const char *name, long n_prompt, long n_gen, struct result *r, struct err *e)
{
	const struct llm_info *info = llm_get_info(b->m.llm);
	double n = (double)(n_prompt + n_gen), sum = 0, squares = 0, seconds, variance;

	snprintf(r->test, sizeof r->test, "%s%ld", name, n_prompt + n_gen);
	for (long i = -1; i < b->repeat; i++) {
		seconds = llm_bench(b->m.chat, (size_t)b->depth, (size_t)n_prompt, (size_t)n_gen, e);
		if (seconds < 0)
			return -1;
		if (i < 0)
			continue;
		sum += n / seconds;
		squares += n / seconds * (n / seconds);
	}
	r->tps = sum / (double)b->repeat;
	variance = squares / (double)b->repeat - r->tps * r->tps;
	r->sd = variance > 0 && b->repeat > 1 ? sqrt(variance * (double)b->repeat / (double)(b->repeat - 1)) : 0;
	/* One token alone reads all weights once; many in one go share the reading and need the arithmetic. */
	r->bandwidth_share = b->bandwidth > 0 && n_gen ? r->tps * (double)info->file_size / b->bandwidth : 0;
	r->int8_share = b->int8 > 0 ? r->tps * (double)info->n_params / b->int8 : 0;
	return 0;
}

static void
print_table(const struct bench *b, const struct result *r, size_t n)
{
	const struct llm_info *info = llm_get_info(b->m.llm);
	char size[16], bandwidth[16], speed[48], share[48];

	format_bytes(info->file_size, size);
	format_bytes((uint64_t)b->bandwidth, bandwidth);
	printf("| %-24s | %8s | %-7s | %7s | %-14s | %20s | %20s |\n", "model", "size", "isa", "threads", "test", "t/s",
		"share of the machine");
	printf("|%.26s|%.9s:|%.9s|%.8s:|%.16s|%.21s:|%.21s:|\n", "--------------------------------",
		"--------------------------------", "--------------------------------",
		"--------------------------------", "--------------------------------",
		"--------------------------------", "--------------------------------");
	for (size_t i = 0; i < n; i++) {
		snprintf(speed, sizeof speed, "%.2f ± %.2f", r[i].tps, r[i].sd);
		if (r[i].bandwidth_share > 0)
			snprintf(share, sizeof share, "%.0f %% of read speed", 100 * r[i].bandwidth_share);
		else
			snprintf(share, sizeof share, "%.0f %% of int8 peak", 100 * r[i].int8_share);
		printf("| ");
		cli_column(b->m.entry->name, 24);
		/* "±" is two bytes and one cell */
		printf(" | %8s | %-7s | %7u | %-14s | %21s | %20s |\n", size, llm_chat_isa(b->m.chat),
			llm_chat_threads(b->m.chat), r[i].test, speed, share);
	}
	printf("\n%s, %s; this machine reads %s/s and does %.1f int8 GMAC/s with these threads.\n", info->arch, info->type,
		bandwidth, b->int8 / 1e9);
}

static void
print_json(const struct bench *b, const struct result *r, size_t n)
{
	const struct llm_info *info = llm_get_info(b->m.llm);
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, json_pack("{s:s,s:s,s:I,s:I,s:s,s:s,s:I,s:f,s:f,s:f,s:f}", "model",
			b->m.entry->name, "type", info->type, "size", (json_int_t)info->file_size, "threads",
			(json_int_t)llm_chat_threads(b->m.chat), "isa", llm_chat_isa(b->m.chat), "test", r[i].test,
			"depth", (json_int_t)b->depth, "tps", r[i].tps, "tps_sd", r[i].sd, "bandwidth_share",
			r[i].bandwidth_share, "int8_share", r[i].int8_share));
	json_dumpf(array, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(array);
}

int
program_bench(const struct options *o)
{
	struct bench b = { 0 };
	struct result r[2];
	struct err e = { 0 };
	size_t n = 0, room;
	int rc = parse(&b, o, &e);

	if (rc == 0) {
		room = (size_t)(b.depth + (b.n_prompt > b.n_gen ? b.n_prompt : b.n_gen));
		rc = cli_model_open(&b.m, o, room, &e);
	}
	if (rc == 0) {
		b.bandwidth = llm_measure_bandwidth(b.m.chat);
		b.int8 = llm_measure_int8(b.m.chat);
	}
	if (rc == 0 && b.n_prompt)
		rc = measure(&b, "pp", b.n_prompt, 0, &r[n++], &e);
	if (rc == 0 && b.n_gen)
		rc = measure(&b, "tg", 0, b.n_gen, &r[n++], &e);
	if (rc == 0 && o->json)
		print_json(&b, r, n);
	else if (rc == 0)
		print_table(&b, r, n);
	cli_model_close(&b.m);
	return rc < 0 ? cli_fail(&e) : 0;
}
