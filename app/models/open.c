#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/config/paths.h"
#include "app/models/guide.h"
#include "app/models/open.h"
#include "engine/system.h"

enum { MAX_OPEN = 8, DEFAULT_CONTEXT = 4096 };

/* Read by the handler of SIGBUS, hence atomics and no lock. */
static _Atomic(struct llm *) open_models[MAX_OPEN];
static atomic_int opening;

static bool
remember(struct llm *m)
{
	for (size_t i = 0; i < MAX_OPEN; i++) {
		struct llm *none = NULL;

		if (atomic_compare_exchange_strong(&open_models[i], &none, m))
			return true;
	}
	return false;
}

/* llm_open refuses them as well, but knows less about what the user meant. */
static int
check_file(const char *path, struct err *e)
{
	struct stat st;
	char *pretty = path_pretty(path);
	int rc = 0;

	if (stat(path, &st) < 0)
		rc = err_errno(e, ERR_MODEL, "model file %s", pretty);
	else if (S_ISDIR(st.st_mode))
		rc = err_set(e, ERR_MODEL, "model file %s: this is a folder; name the .gguf file in it", pretty);
	else if (!S_ISREG(st.st_mode))
		rc = err_set(e, ERR_MODEL, "model file %s: not a regular file", pretty);
	free(pretty);
	return rc;
}

/* Ends the time of `opening` for a model that was just opened, or NULL. */
static struct llm *
opened(struct llm *m, struct err *e)
{
	if (m && !remember(m)) {
		llm_close(m);
		m = NULL;
		err_set(e, ERR_MODEL, "more than %d models are open", MAX_OPEN);
	}
	atomic_fetch_sub(&opening, 1);
	return m;
}

struct llm *
model_open(const char *path, const struct llm_open_opts *o, struct err *e)
{
	if (path && check_file(path, e) < 0)
		return NULL;
	atomic_fetch_add(&opening, 1);
	if (path)
		return opened(llm_open(path, o, e), e);
	return opened(llm_open_memory(guide_data, guide_size(), GUIDE_NAME, o, e), e);
}

struct llm *
model_peek_file(const char *path, struct err *e)
{
	if (check_file(path, e) < 0)
		return NULL;
	atomic_fetch_add(&opening, 1);
	return opened(llm_peek(path, e), e);
}

void
model_close(struct llm *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < MAX_OPEN; i++) {
		struct llm *this = m;

		atomic_compare_exchange_strong(&open_models[i], &this, NULL);
	}
	llm_close(m);
}

bool
model_owns_address(const void *address)
{
	if (atomic_load(&opening) > 0)
		return true;
	for (size_t i = 0; i < MAX_OPEN; i++) {
		struct llm *m = atomic_load(&open_models[i]);

		if (m && llm_owns_address(m, address))
			return true;
	}
	return false;
}

size_t
model_context(const struct llm_info *info, size_t wanted)
{
	if (wanted)
		return wanted;
	if (!info->n_ctx_train)
		return DEFAULT_CONTEXT;
	return info->n_ctx_train < DEFAULT_CONTEXT ? info->n_ctx_train : DEFAULT_CONTEXT;
}

uint64_t
model_memory_needed(const struct llm_info *info, size_t context, enum kv_type kv)
{
	uint64_t bytes;

	if (__builtin_mul_overflow(info->kv_bytes_per_token[kv], (uint64_t)context, &bytes) ||
		__builtin_add_overflow(bytes, info->file_size, &bytes))
		return UINT64_MAX;
	return bytes;
}

uint64_t
memory_total(void)
{
	return system_memory_total("");
}

uint64_t
memory_available(void)
{
	return system_memory_available("");
}

void
format_bytes(uint64_t bytes, char out[16])
{
	static const char *const unit[] = { "B", "kB", "MB", "GB", "TB" };
	double x = bytes;
	size_t u = 0;

	while (x >= 999.5 && u < 4) {
		x /= 1000;
		u++;
	}
	snprintf(out, 16, "%.*f %s", u && x < 9.95 ? 1 : 0, x < 1e6 ? x : 1e6, unit[u]);
}

int
model_check_memory(const struct llm_info *info, size_t context, enum kv_type kv, struct err *e)
{
	uint64_t need = model_memory_needed(info, context, kv), total = memory_total();
	char need_text[16], total_text[16], file_text[16];

	if (!total || need <= total)
		return 0;
	format_bytes(need, need_text);
	format_bytes(total, total_text);
	format_bytes(info->file_size, file_text);
	return err_set(e, ERR_MODEL,
		"%s needs %s of memory (file %s, the rest for a context of %zu tokens), this machine has %s: "
		"take a smaller model or quantisation%s", info->name, need_text, file_text, context,
		total_text, info->file_size < total ? ", or a smaller context (--ctx)" : "");
}

struct llm_chat *
model_chat_new(const struct llm *m, const struct llm_chat_opts *o, struct err *e)
{
	const struct llm_info *info = llm_get_info(m);

	if (model_check_memory(info, model_context(info, o->context), o->kv, e) < 0)
		return NULL;
	return llm_chat_new(m, o, e);
}

void
backend_info_fill(struct backend_info *out, const char *name, const char *ref, const struct llm *m,
	const struct llm_chat *c, enum kv_type kv)
{
	const struct llm_info *info = llm_get_info(m);

	*out = (struct backend_info){
		.file_size = info->file_size,
		.n_params = info->n_params,
		.kv_bytes = info->kv_bytes_per_token[kv] * llm_chat_context(c),
		.context = llm_chat_context(c),
		.context_trained = info->n_ctx_train,
		.threads = llm_chat_threads(c),
		.prompt_threads = llm_chat_prompt_threads(c),
	};
	snprintf(out->name, sizeof out->name, "%s", name);
	snprintf(out->ref, sizeof out->ref, "%s", ref);
	snprintf(out->arch, sizeof out->arch, "%s", info->arch);
	snprintf(out->type, sizeof out->type, "%s", info->type);
	snprintf(out->template_name, sizeof out->template_name, "%s", info->template_name);
	snprintf(out->template_why, sizeof out->template_why, "%s", info->template_why);
	snprintf(out->isa, sizeof out->isa, "%s", llm_chat_isa(c));
}
