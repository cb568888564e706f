#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/backend/backend.h"
#include "base/utf8.h"
#include "base/xalloc.h"

struct load_request *
load_request_new(const char *name, const char *ref, const char *path)
{
	struct load_request *r = xcalloc(1, sizeof *r);

	r->name = xstrdup(name);
	r->ref = xstrdup(ref);
	r->path = path ? xstrdup(path) : NULL;
	settings_init(&r->settings);
	return r;
}

void
load_request_free(struct load_request *r)
{
	if (!r)
		return;
	free(r->name);
	free(r->ref);
	free(r->path);
	free(r->template_name);
	free(r);
}

struct reply_request *
reply_request_new(void)
{
	struct reply_request *r = xcalloc(1, sizeof *r);

	r->sampling = sampling_default;
	return r;
}

void
reply_request_add(struct reply_request *r, enum chat_role role, const char *text)
{
	struct strbuf b = STRBUF_INIT;

	if (r->n && r->messages[r->n - 1].role == role) {
		r->n--;
		strbuf_adds(&b, r->texts[r->n]);
		strbuf_adds(&b, "\n\n");
		free(r->texts[r->n]);
	} else {
		r->messages = xreallocarray(r->messages, r->n + 1, sizeof *r->messages);
		r->texts = xreallocarray(r->texts, r->n + 1, sizeof *r->texts);
	}
	utf8_repair(&b, text, strlen(text));
	r->texts[r->n] = strbuf_detach(&b);
	r->messages[r->n] = (struct chat_message){ .role = role, .text = r->texts[r->n] };
	r->n++;
}

void
reply_request_free(struct reply_request *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++)
		free(r->texts[i]);
	free(r->texts);
	free(r->messages);
	free(r);
}
