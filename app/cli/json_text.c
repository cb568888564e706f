#include "config.h"

#include <string.h>

#include "app/cli/json_text.h"
#include "base/strbuf.h"
#include "base/utf8.h"

json_t *
json_text(const char *s)
{
	struct strbuf clean = STRBUF_INIT;
	json_t *text;

	if (!s)
		return json_null();
	utf8_repair(&clean, s, strlen(s));
	text = json_stringn(clean.s, clean.len);
	strbuf_release(&clean);
	return text;
}
