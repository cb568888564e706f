/* What is known of a model without loading it, for lists. */
#ifndef APP_MODELS_FACTS_H
#define APP_MODELS_FACTS_H

#include "app/models/models.h"

enum model_fit {
	FIT_YES,
	FIT_TIGHT,		/* more memory than is free now */
	FIT_NO,			/* more than the machine has */
};

struct model_facts {
	struct llm *llm;	/* its facts, no weights; NULL: refused, and err says why */
	struct err err;
	size_t context;		/* that it would get */
	uint64_t memory;	/* bytes, for the file and the whole context */
	enum model_fit fit;
	char parameters[16];	/* "6.74 B" */
};

/* Reads the file's header. config may be NULL; the settings in `mask` go before the model's. */
void model_facts_get(struct model_facts *f, const struct model_entry *m,
	const struct config *config, const struct settings *top, settings_mask mask);
void model_facts_release(struct model_facts *f);

#endif
