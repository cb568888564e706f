#include "config.h"

#include <stdio.h>

#include "app/models/facts.h"
#include "app/models/open.h"

static enum model_fit
fit_of(uint64_t memory)
{
	uint64_t total = memory_total(), available = memory_available();

	if (total && memory > total)
		return FIT_NO;
	return available && memory > available ? FIT_TIGHT : FIT_YES;
}

void
model_facts_get(struct model_facts *f, const struct model_entry *m, const struct config *config,
	const struct settings *top, settings_mask mask)
{
	const struct llm_info *info;
	struct settings s;
	bool large;

	*f = (struct model_facts){ 0 };
	f->llm = model_entry_peek(m, &f->err);
	if (!f->llm)
		return;
	info = llm_get_info(f->llm);
	model_settings(config, m, top, mask, &s);
	f->context = model_context(info, s.context);
	f->memory = model_memory_needed(info, f->context, s.kv);
	f->fit = fit_of(f->memory);
	large = info->n_params >= 1000000000;
	snprintf(f->parameters, sizeof f->parameters, "%.3g %c",
		(double)info->n_params / (large ? 1e9 : 1e6), large ? 'B' : 'M');
}

void
model_facts_release(struct model_facts *f)
{
	model_close(f->llm);
	f->llm = NULL;
}
