#include "config.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/cli.h"
#include "app/config/paths.h"
#include "app/programs.h"
#include "base/utf8.h"

/* One row: what is known without loading. */
struct row {
	const struct model_entry *entry;
	struct llm *llm;		/* NULL: refused */
	struct err err;
	size_t context;
	uint64_t memory;
};

static void
look(struct row *r, const struct model_entry *m, const struct config *config, const struct options *o)
{
	struct settings s;

	*r = (struct row){ .entry = m };
	r->llm = model_entry_peek(m, &r->err);
	if (!r->llm)
		return;
	model_settings(config, m, &o->settings, o->set, &s);
	r->context = model_context(llm_get_info(r->llm), s.context);
	r->memory = model_memory_needed(llm_get_info(r->llm), r->context, s.kv);
}

static void
print_row(const struct row *r, size_t width)
{
	const struct llm_info *info;
	char size[16], memory[16], line[128];

	cli_column(r->entry->name, width);
	if (!r->llm) {
		printf("  refused: ");
		cli_print(r->err.text, strlen(r->err.text));
		putchar('\n');
		return;
	}
	info = llm_get_info(r->llm);
	format_bytes(info->file_size, size);
	format_bytes(r->memory, memory);
	snprintf(line, sizeof line, "  %8s  %-8s %8zu  %-14s %8s  ", size, info->type, r->context, info->template_name,
		memory);
	cli_print(line, strlen(line));
	puts(r->entry->origin);
}

static json_t *
row_json(const struct row *r)
{
	const struct llm_info *info;
	json_t *o = json_pack("{s:s,s:s?,s:s}", "name", r->entry->name, "path", r->entry->path, "origin",
		r->entry->origin);

	if (!r->llm) {
		json_object_set_new(o, "error", json_string(r->err.text));
		return o;
	}
	info = llm_get_info(r->llm);
	json_object_update_new(o, json_pack("{s:I,s:s,s:s,s:I,s:I,s:I,s:s,s:s,s:I}", "size",
		(json_int_t)info->file_size, "arch", info->arch, "type", info->type, "parameters",
		(json_int_t)info->n_params, "context", (json_int_t)r->context, "context_trained",
		(json_int_t)info->n_ctx_train, "template", info->template_name, "template_why", info->template_why,
		"memory", (json_int_t)r->memory));
	return o;
}

static void
print_table(const struct model_list *l, const struct config *config, const struct options *o)
{
	size_t width = 12;
	char *folder;

	for (size_t i = 0; i < l->n; i++) {
		size_t w = utf8_width(l->items[i].name, strlen(l->items[i].name));

		if (w > width)
			width = w < 48 ? w : 48;
	}
	printf("%-*s  %8s  %-8s %8s  %-14s %8s  %s\n", (int)width, "model", "size", "type", "context", "template",
		"memory", "from");
	for (size_t i = 0; i < l->n; i++) {
		struct row r;

		look(&r, &l->items[i], config, o);
		print_row(&r, width);
		model_close(r.llm);
	}
	folder = path_data("models");
	printf("\nA .gguf file in %s is found here; `models:` in the configuration names others.\n", folder);
	free(folder);
}

int
program_models(const struct options *o)
{
	struct err e = { 0 };
	struct config *config = config_load(NULL, &e);
	struct model_list l;
	json_t *array;

	if (!config)
		return cli_fail(&e);
	model_list_scan(&l, config);
	if (o->json) {
		array = json_array();
		for (size_t i = 0; i < l.n; i++) {
			struct row r;

			look(&r, &l.items[i], config, o);
			json_array_append_new(array, row_json(&r));
			model_close(r.llm);
		}
		json_dumpf(array, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(array);
	} else {
		print_table(&l, config, o);
	}
	model_list_release(&l);
	config_free(config);
	return 0;
}
