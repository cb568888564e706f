#include "config.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "app/backend/request.h"
#include "base/xalloc.h"

static void
add_message(struct reply_request *r, const struct message *m, int *sent, size_t *n_sent)
{
	size_t n = r->n;
	bool first = !n || r->messages[n - 1].role == ROLE_SYSTEM;

	/* An answer stopped before its first word says nothing, and no dialogue begins with an answer. */
	if (m->role == ROLE_ASSISTANT && (first || !m->text.len))
		return;
	reply_request_add(r, m->role, m->text.s);
	if (r->n > n)
		sent[(*n_sent)++] = m->id;
}

struct reply_request *
request_build(const struct conversation *conv, int last, int **sent, size_t *n_sent)
{
	struct reply_request *r = reply_request_new();
	struct message **path;
	size_t n = conversation_path(conv, &path), n_ids = 0;
	int *ids = xcalloc(n + 1, sizeof *ids);

	if (conv->system && *conv->system)
		reply_request_add(r, ROLE_SYSTEM, conv->system);
	for (size_t i = 0; i < n; i++) {
		add_message(r, path[i], ids, &n_ids);
		if (path[i]->id == last)
			break;
	}
	free(path);
	r->unfinished = r->n && r->messages[r->n - 1].role == ROLE_ASSISTANT;
	if (sent) {
		*sent = ids;
		*n_sent = n_ids;
	} else {
		free(ids);
	}
	return r;
}

uint64_t
request_random_seed(void)
{
	uint32_t seed;

	if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed)
		seed = (uint32_t)time(NULL);	/* only the variety of answers hangs on it */
	return seed & 0x7fffffff;
}

struct message_stats
request_stats(const struct llm_stats *s)
{
	return (struct message_stats){
		.answer_tokens = s->answer_tokens,
		.prompt_tokens = s->prompt_tokens,
		.cached_tokens = s->cached_tokens,
		.ms = (uint64_t)(s->total_seconds * 1000),
		.first_token_ms = (uint64_t)(s->first_token_seconds * 1000),
	};
}

enum finish
request_finish(enum llm_finish f)
{
	static const enum finish finishes[] = {
		[LLM_STOP] = FINISH_STOP,
		[LLM_LENGTH] = FINISH_LENGTH,
		[LLM_CANCELLED] = FINISH_CANCELLED,
	};

	return finishes[f];
}
