#include "config.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/cli.h"
#include "app/cli/interrupt.h"
#include "app/cli/json_text.h"
#include "app/cli/table.h"
#include "app/cli/tool.h"
#include "app/config/paths.h"
#include "app/models/facts.h"
#include "app/models/open.h"

const struct option_spec cli_models_options[] = {
	CLI_OPTION_JSON("as JSON"),
	CLI_OPTION_HELP,
	{ 0 },
};

struct row {
	const struct model_entry *entry;
	bool usual;			/* taken when no other is named */
	struct model_facts facts;
};

static const char *const fits[] = { [FIT_YES] = "yes", [FIT_TIGHT] = "tight", [FIT_NO] = "no" };

/* ---- JSON
 * ---------------------------------------------------------------------------------------- */

static json_t *
row_json(const struct row *r)
{
	json_t *o = json_pack("{s:o,s:o,s:o,s:b}", "name", json_text(r->entry->name),
		"path", json_text(r->entry->path), "origin", json_text(r->entry->origin), "default", (int)r->usual);
	const struct llm_info *info;

	if (!r->facts.llm) {
		json_object_set_new(o, "error", json_text(r->facts.err.text));
		return o;
	}
	info = llm_get_info(r->facts.llm);
	json_object_update_new(o, json_pack("{s:o,s:s,s:I,s:I,s:I,s:I,s:s,s:o,s:I,s:s}",
		"arch", json_text(info->arch), "type", info->type, "size", (json_int_t)info->file_size,
		"parameters", (json_int_t)info->n_params, "context", (json_int_t)r->facts.context,
		"context_trained", (json_int_t)info->n_ctx_train, "template", info->template_name,
		"template_why", json_text(info->template_why), "memory", (json_int_t)r->facts.memory,
		"fits", fits[r->facts.fit]));
	return o;
}

/* ---- the table
 * ----------------------------------------------------------------------------------- */

static void
add_facts(struct table *table, const struct row *r)
{
	const struct llm_info *info = llm_get_info(r->facts.llm);
	char size[16], memory[16];

	format_bytes(info->file_size, size);
	format_bytes(r->facts.memory, memory);
	table_cell(table, info->type);
	table_cell(table, size);
	table_cellf(table, "%zu", r->facts.context);
	table_cell(table, info->template_name);
	table_cell(table, memory);
	table_cell(table, fits[r->facts.fit]);
	table_cell(table, r->entry->origin);
	table_cell(table, r->facts.parameters);
}

/* Its size is told: it may show that a download was cut short. */
static void
add_refused(struct table *table, const struct row *r)
{
	char size[16];

	format_bytes(r->entry->size, size);
	table_cell(table, NULL);
	table_cell(table, r->entry->size ? size : NULL);
	for (int column = 3; column <= 5; column++)
		table_cell(table, NULL);
	table_cell(table, "refused");
	table_cell(table, r->entry->origin);
	table_cell(table, NULL);
}

static void
add_row(struct table *table, const struct row *r)
{
	table_cellf(table, "%s%s", r->entry->name, r->usual ? " *" : "");
	if (r->facts.llm)
		add_facts(table, r);
	else
		add_refused(table, r);
}

/* ---- all of it
 * ----------------------------------------------------------------------------------- */

static const struct table_column columns[] = {
	{ "NAME", false }, { "TYPE", false }, { "SIZE", true }, { "CONTEXT", true },
	{ "TEMPLATE", false }, { "MEMORY", true }, { "FITS", false }, { "FROM", false },
	{ "PARAMETERS", true },
};

struct listing {
	json_t *json;
	struct table table;
	struct strbuf refusals;		/* a line each, which names the file */
};

/* One at a time: a model that is peeked at holds a mapping. */
static void
collect(struct listing *l, struct tool *t, const struct options *o)
{
	for (size_t i = 0; i < t->models.n && !interrupted(); i++) {
		struct row r = { .entry = &t->models.items[i] };

		r.usual = r.entry == t->model;
		model_facts_get(&r.facts, r.entry, t->config, &o->settings, o->set);
		if (o->json)
			json_array_append_new(l->json, row_json(&r));
		else
			add_row(&l->table, &r);
		if (!r.facts.llm)
			strbuf_addf(&l->refusals, "%s\n", r.facts.err.text);
		model_facts_release(&r.facts);
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
