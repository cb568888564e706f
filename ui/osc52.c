#include "config.h"

#include <string.h>

#include "base/base64.h"
#include "base/strbuf.h"
#include "ui/osc52.h"

#define DCS "\033P"
#define ST "\033\\"
#define BEL "\a"

enum { SCREEN_PIECE = 768 - 4 };	/* the longest string that GNU screen takes, less the marks around it */

bool
osc52_suits(const char *name)
{
	static const char *const bare[] = { "dumb", "linux", "ansi", "cons", "vt1", "vt2", "vt3", "vt4", "vt5" };

	if (!name || !*name)
		return false;
	for (size_t i = 0; i < sizeof bare / sizeof *bare; i++)
		if (!strncmp(name, bare[i], strlen(bare[i])))
			return false;
	return true;
}

static void
add_pieces(struct strbuf *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i += SCREEN_PIECE) {
		strbuf_adds(out, DCS);
		strbuf_add(out, s + i, n - i < SCREEN_PIECE ? n - i : SCREEN_PIECE);
		strbuf_adds(out, ST);
	}
}

/* BEL ends the sequence as well as ST does, which would end the piece of GNU screen's. */
void
osc52_add(struct strbuf *out, const char *text, size_t len, bool in_screen)
{
	struct strbuf sequence = STRBUF_INIT;

	strbuf_adds(&sequence, "\033]52;c;");
	base64_add(&sequence, text, len);
	strbuf_adds(&sequence, in_screen ? BEL : ST);
	if (in_screen)
		add_pieces(out, sequence.s, sequence.len);
	else
		strbuf_add(out, sequence.s, sequence.len);
	strbuf_release(&sequence);
}
