#include "config.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/cli.h"
#include "app/cli/interrupt.h"
#include "app/cli/table.h"
#include "app/cli/tool.h"
#include "app/config/paths.h"
#include "app/models/open.h"

const struct option_spec cli_models_options[] = {
	CLI_OPTION_JSON("as JSON"),
	CLI_OPTION_HELP,
	{ 0 },
};

/* What is known of a model without loading it. */
struct row {
	const struct model_entry *entry;
	bool usual;			/* taken when no other is named */
	struct llm *llm;		/* NULL: refused, err says why */
	struct err err;
	size_t context;
	uint64_t memory;		/* for the file and the whole context */
};

static void
row_init(struct row *r, const struct tool *t, const struct options *o, size_t i,
	const struct model_entry *usual)
{
	const struct llm_info *info;
	struct settings s;

	*r = (struct row){ .entry = &t->models.items[i] };
	r->usual = r->entry == usual;
	r->llm = model_entry_peek(r->entry, &r->err);
	if (!r->llm)
		return;
	info = llm_get_info(r->llm);
	model_settings(t->config, r->entry, &o->settings, o->set, &s);
	r->context = model_context(info, s.context);
	r->memory = model_memory_needed(info, r->context, s.kv);
}

/* no: more than the machine has; tight: more than is free now. */
static const char *
fits(const struct row *r)
{
	uint64_t total = memory_total(), available = memory_available();

	if (total && r->memory > total)
		return "no";
	return available && r->memory > available ? "tight" : "yes";
}

/* ---- JSON
 * ---------------------------------------------------------------------------------------- */

static json_t *
row_json(const struct row *r)
{
	json_t *o = json_pack("{s:s,s:s?,s:s,s:b}", "name", r->entry->name, "path", r->entry->path,
		"origin", r->entry->origin, "default", (int)r->usual);
	const struct llm_info *info;

	if (!r->llm) {
		json_object_set_new(o, "error", json_string(r->err.text));
		return o;
	}
	info = llm_get_info(r->llm);
	json_object_update_new(o, json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:s,s:s,s:I,s:s}",
		"arch", info->arch, "type", info->type, "size", (json_int_t)info->file_size,
		"parameters", (json_int_t)info->n_params, "context", (json_int_t)r->context,
		"context_trained", (json_int_t)info->n_ctx_train, "template", info->template_name,
		"template_why", info->template_why, "memory", (json_int_t)r->memory,
		"fits", fits(r)));
	return o;
}

/* ---- the table
 * ----------------------------------------------------------------------------------- */

static void
add_facts(struct table *table, const struct row *r)
{
	const struct llm_info *info = llm_get_info(r->llm);
	bool large = info->n_params >= 1000000000;
	char size[16], memory[16];

	format_bytes(info->file_size, size);
	format_bytes(r->memory, memory);
	table_cell(table, info->type);
	table_cell(table, size);
	table_cellf(table, "%.3g %c", (double)info->n_params / (large ? 1e9 : 1e6),
		large ? 'B' : 'M');
	table_cellf(table, "%zu", r->context);
	table_cell(table, info->template_name);
	table_cell(table, memory);
	table_cell(table, fits(r));
}

static void
add_row(struct table *table, const struct row *r)
{
	table_cellf(table, "%s%s", r->entry->name, r->usual ? " *" : "");
	if (r->llm) {
		add_facts(table, r);
	} else {
		for (int column = 1; column <= 6; column++)
			table_cell(table, NULL);
		table_cell(table, "refused");
	}
	table_cell(table, r->entry->origin);
}

/* ---- all of it
 * ----------------------------------------------------------------------------------- */

static const struct table_column columns[] = {
	{ "NAME", false }, { "TYPE", false }, { "SIZE", true }, { "PARAMETERS", true },
	{ "CONTEXT", true }, { "TEMPLATE", false }, { "MEMORY", true }, { "FITS", false },
	{ "FROM", false },
};

struct listing {
	json_t *json;
	struct table table;
	struct strbuf refusals;		/* a line each */
};

/* One at a time: a model that is peeked at holds a mapping. */
static void
collect(struct listing *l, struct tool *t, const struct options *o)
{
	for (size_t i = 0; i < t->models.n && !interrupted(); i++) {
		struct row r;

		row_init(&r, t, o, i, t->model);
		if (o->json)
			json_array_append_new(l->json, row_json(&r));
		else
			add_row(&l->table, &r);
		if (!r.llm)
			strbuf_addf(&l->refusals, "%s: %s\n", r.entry->name, r.err.text);
		model_close(r.llm);
	}
}

static void
print(const struct listing *l, struct output *out, bool as_json)
{
	char *text = as_json ? json_dumps(l->json, JSON_INDENT(2)) : NULL;
	char *folder = path_data("models"), *pretty = path_pretty(folder);

	if (text) {
		output_adds(out, text);
		output_adds(out, "\n");
	}
	if (!as_json) {
		table_print(&l->table, out);
		output_adds(out, "\n");
		output_text(out, l->refusals.s, l->refusals.len);
		output_addf(out,
			"* is used when no other is named. GGUF files in %s are found "
			"by themselves.\n", pretty);
	}
	free(text);
	free(pretty);
	free(folder);
}

static int
list_models(struct tool *t, const struct options *o)
{
	struct listing l = { .json = json_array(), .refusals = STRBUF_INIT };

	/* First, since a path in the configuration joins the list by being looked for. That the
	 * usual model is not there is no reason not to list the others. */
	if (tool_find_model(t, o, NULL) < 0)
		note("the usual model: %s", t->err.text);
	table_init(&l.table, columns, sizeof columns / sizeof *columns);
	collect(&l, t, o);
	print(&l, &t->out, o->json);
	table_release(&l.table);
	strbuf_release(&l.refusals);
	json_decref(l.json);
	return interrupt_check(&t->err);
}

int
cli_models(const struct options *o)
{
	struct tool t;
	int rc = tool_begin(&t, o);

	if (rc == 0)
		rc = list_models(&t, o);
	return tool_end(&t, rc);
}
