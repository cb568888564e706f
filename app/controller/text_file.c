#include "config.h"

#include <stdio.h>

#include "app/controller/text_file.h"
#include "base/utf8.h"

int
text_file_read(const char *path, struct strbuf *out)
{
	FILE *f = fopen(path, "re");
	struct strbuf text = STRBUF_INIT;
	char buf[4096];
	size_t n;

	if (!f)
		return -1;
	while ((n = fread(buf, 1, sizeof buf, f)) > 0)
		strbuf_add(&text, buf, n);
	fclose(f);
	utf8_repair(out, text.s, text.len);
	strbuf_release(&text);
	return 0;
}
