#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/config/document.h"
#include "app/config/number.h"
#include "app/config/paths.h"
#include "app/config/settings.h"
#include "app/config/theme.h"
#include "app/config/themes_builtin.h"
#include "base/xalloc.h"

#define MAX_INHERIT 8

/* Where themes come from, the first that has a name winning. */
enum source { FROM_USER, FROM_INSTALLED, FROM_PROGRAM, N_SOURCES };

struct reader {
	struct document doc;
	const char *name; /* of the theme being read; NULL: it has none, it came by its path */
	enum source source;
	int depth;			/* of inheritance */
	struct style_sheet sheet;
	struct err inherited;		/* what is wrong with a theme that this one inherits */
};

/* UNKNOWN: there is none of that name. BAD: there is, and *e says where it is wrong. */
enum load_result { LOADED = 0, UNKNOWN = -1, BAD = -2 };

static enum load_result load(
	const char *name, enum source from, int depth, struct style_sheet *out, struct err *e);

/* ---- colours and attributes ------------------------------------------------------------------ */

static const char *const color_names[] = {
	"black", "red", "green", "yellow", "blue", "magenta", "cyan", "white",
	"bright-black", "bright-red", "bright-green", "bright-yellow",
	"bright-blue", "bright-magenta", "bright-cyan", "bright-white", NULL,
};

static const struct {
	const char *name;
	unsigned attr;
} attributes[] = {
	{ "none", 0 },
	{ "bold", STYLE_BOLD },
	{ "dim", STYLE_DIM },
	{ "italic", STYLE_ITALIC },
	{ "underline", STYLE_UNDERLINE },
	{ "reverse", STYLE_REVERSE },
};

#define N_ATTRIBUTES (sizeof attributes / sizeof *attributes)

/* "default", 0..255, "#rrggbb" or a name. -1: none of these. */
static int
parse_color(const char *s, int32_t *out)
{
	int64_t index;

	if (strcmp(s, "default") == 0) {
		*out = STYLE_DEFAULT;
		return 0;
	}
	if (s[0] == '#') {
		if (strlen(s) != 7 || strspn(s + 1, "0123456789abcdefABCDEF") != 6)
			return -1;
		*out = STYLE_RGB | (int32_t)strtol(s + 1, NULL, 16);
		return 0;
	}
	for (int i = 0; color_names[i]; i++) {
		if (strcmp(s, color_names[i]) == 0) {
			*out = i;
			return 0;
		}
	}
	if (number_parse_int(s, &index) < 0 || index < 0 || index > 255)
		return -1;
	*out = (int32_t)index;
	return 0;
}

static void
read_color(struct reader *r, const struct ynode *key, int32_t *out)
{
	const char *text, *near;

	if (ynode_is_null(key->next)) {
		document_problem(&r->doc, key,
			"\"%s\" has no colour (one like \"#a0c0ff\" must stand in quotes)",
			key->text);
		return;
	}
	text = document_text(&r->doc, key->next, key->text);
	if (!text || parse_color(text, out) == 0)
		return;
	near = nearest_name(text, color_names);
	if (near)
		document_problem(&r->doc, key->next, "unknown colour \"%s\"; did you mean \"%s\"?",
			text, near);
	else
		document_problem(&r->doc, key->next,
			"\"%.40s\" is no colour: it must be default, 0..255, "
			"\"#rrggbb\" or a name like red or bright-blue",
			text);
}

static void
add_attribute(struct reader *r, const struct ynode *n, unsigned *attr)
{
	const char *names[N_ATTRIBUTES + 1] = { 0 }, *text = document_text(&r->doc, n, "attr");

	if (!text)
		return;
	for (size_t i = 0; i < N_ATTRIBUTES; i++) {
		names[i] = attributes[i].name;
		if (strcmp(text, names[i]) == 0) {
			*attr |= attributes[i].attr;
			return;
		}
	}
	document_unknown_key(&r->doc, n, "attribute", names);
}

/* One attribute or a list of them, in place of those inherited. */
static void
read_attributes(struct reader *r, const struct ynode *value, unsigned *out)
{
	unsigned attr = 0;

	if (value->kind == YNODE_LIST)
		for (const struct ynode *n = value->first; n; n = n->next)
			add_attribute(r, n, &attr);
	else if (!ynode_is_null(value))
		add_attribute(r, value, &attr);
	*out = attr;
}

/* ---- slots ----------------------------------------------------------------------------------- */

static bool
check_map(struct reader *r, const struct ynode *n, const char *what)
{
	const struct ynode *twice;

	if (n->kind != YNODE_MAP) {
		document_problem(
			&r->doc, n, "\"%s\" must be a map, like {fg: blue, attr: bold}", what);
		return false;
	}
	twice = ynode_duplicate_key(n);
	if (twice)
		document_problem(&r->doc, twice, "\"%s\" is here twice", twice->text);
	return !twice;
}

static void
read_slot(struct reader *r, const struct ynode *key, struct style *style)
{
	static const char *const known[] = { "fg", "bg", "attr", NULL };

	if (!check_map(r, key->next, key->text))
		return;
	for (const struct ynode *k = key->next->first; k; k = k->next->next) {
		if (ynode_is(k, "fg"))
			read_color(r, k, &style->fg);
		else if (ynode_is(k, "bg"))
			read_color(r, k, &style->bg);
		else if (ynode_is(k, "attr"))
			read_attributes(r, k->next, &style->attr);
		else
			document_unknown_key(&r->doc, k, "key", known);
	}
}

static void
read_slots(struct reader *r, const struct ynode *slots)
{
	const char *names[STYLE_COUNT + 1] = { 0 };

	if (ynode_is_null(slots) || !check_map(r, slots, "slots"))
		return;
	for (int i = 0; i < STYLE_COUNT; i++)
		names[i] = style_slot_name((enum style_slot)i);
	for (const struct ynode *k = slots->first; k; k = k->next->next) {
		int slot = style_slot_find(k->text);

		if (slot < 0)
			document_unknown_key(&r->doc, k, "slot", names);
		else
			read_slot(r, k, &r->sheet.slot[slot]);
	}
}

/* ---- a file ---------------------------------------------------------------------------------- */

/* A theme that inherits its own name means the one that it hides: your dark.yaml can begin with
 * hum's. */
static void
inherit(struct reader *r, const struct ynode *n)
{
	const char *name = document_text(&r->doc, n, "inherit");
	enum source from = FROM_USER;
	struct err e;
	int rc;

	if (!name)
		return;
	if (r->name && strcmp(name, r->name) == 0)
		from = r->source + 1;
	if (r->depth == MAX_INHERIT) {
		document_problem(
			&r->doc, n, "themes inherit one another in a circle, or too many of them");
		return;
	}
	rc = load(name, from, r->depth + 1, &r->sheet, &e);
	if (rc == UNKNOWN)
		document_problem(&r->doc, n, "%s", e.text);
	else if (rc == BAD)
		r->inherited = e;
}

static int
parse(struct reader *r, const char *file, const char *yaml, size_t len, struct style_sheet *out,
	struct err *e)
{
	static const char *const known[] = { "name", "about", "inherit", "slots", NULL };
	const struct ynode *root = document_begin(&r->doc, file, yaml, len), *base, *slots;

	r->sheet = style_sheet_mono;
	if (root && check_map(r, root, "theme")) {
		for (const struct ynode *k = root->first; k; k = k->next->next) {
			if (ynode_is(k, "name") || ynode_is(k, "about"))
				document_text(&r->doc, k->next, k->text);
			else if (!ynode_is(k, "inherit") && !ynode_is(k, "slots"))
				document_unknown_key(&r->doc, k, "key", known);
		}
		base = ynode_get(root, "inherit");
		slots = ynode_get(root, "slots");
		if (base)
			inherit(r, base);
		if (slots)
			read_slots(r, slots);
	}
	if (document_finish(&r->doc, e) < 0)
		return -1;
	if (r->inherited.code) {
		if (e)
			*e = r->inherited;
		return -1;
	}
	*out = r->sheet;
	return 0;
}

int
theme_parse(const char *file, const char *yaml, size_t len, struct style_sheet *out, struct err *e)
{
	struct reader r = { .name = NULL };

	return parse(&r, file, yaml, len, out, e);
}

/* ---- finding --------------------------------------------------------------------------------- */

/* The folder of a source, heap; NULL for the program itself. */
static char *
folder_of(enum source source)
{
	if (source == FROM_USER)
		return path_config("themes");
	return source == FROM_INSTALLED ? xstrdup(THEMEDIR) : NULL;
}

static const struct theme_builtin *
find_builtin(const char *name)
{
	for (size_t i = 0; i < theme_builtin_count; i++)
		if (strcmp(theme_builtins[i].name, name) == 0)
			return &theme_builtins[i];
	return NULL;
}

static int
load_file(struct reader *r, const char *path, struct style_sheet *out, struct err *e)
{
	char *shown = path_pretty(path);
	struct strbuf yaml = STRBUF_INIT;
	int rc = document_read_file(path, &yaml, e), saved = errno;

	if (rc == 0) {
		rc = parse(r, shown, yaml.s, yaml.len, out, e);
		saved = 0;
	}
	strbuf_release(&yaml);
	free(shown);
	errno = saved;
	return rc;
}

static enum load_result
unknown_theme(const char *name, struct err *e)
{
	struct theme_entry *list;
	size_t n = theme_list(&list);
	const char **names = xcalloc(n + 1, sizeof *names), *near;
	struct strbuf all = STRBUF_INIT;

	for (size_t i = 0; i < n; i++) {
		names[i] = list[i].name;
		strbuf_addf(&all, "%s%s", i ? ", " : "", list[i].name);
	}
	near = nearest_name(name, names);
	if (near && strcmp(near, name) != 0)
		err_set(e, ERR_CONFIG, "there is no theme \"%s\"; did you mean \"%s\"?", name,
			near);
	else
		err_set(e, ERR_CONFIG, "there is no theme \"%.40s\"; there are: %s", name, all.s);
	strbuf_release(&all);
	free(names);
	theme_list_free(list, n);
	return UNKNOWN;
}

/* By name, from the sources beginning with `from`. */
static enum load_result
load(const char *name, enum source from, int depth, struct style_sheet *out, struct err *e)
{
	struct reader r = { .name = name, .depth = depth };
	const struct theme_builtin *builtin = find_builtin(name);

	if (!*name || strchr(name, '/'))
		return unknown_theme(name, e);
	for (r.source = from; r.source < FROM_PROGRAM; r.source++) {
		char *folder = folder_of(r.source), *path = xasprintf("%s/%s.yaml", folder, name);
		int rc = load_file(&r, path, out, e);
		bool absent = rc < 0 && errno == ENOENT;

		free(folder);
		free(path);
		if (!absent)
			return rc < 0 ? BAD : LOADED;
	}
	if (from > FROM_PROGRAM || !builtin)
		return unknown_theme(name, e);
	return parse(&r, builtin->file, builtin->yaml, builtin->len, out, e) < 0 ? BAD : LOADED;
}

int
theme_load(const char *name, struct style_sheet *out, struct err *e)
{
	struct reader r = { .name = NULL };
	char *path;
	int rc;

	if (!strchr(name, '/'))
		return load(name, FROM_USER, 0, out, e) == LOADED ? 0 : -1;
	path = path_expand(name);
	rc = load_file(&r, path, out, e);
	free(path);
	return rc;
}

const char *
theme_default(void)
{
	const char *colors = getenv("COLORFGBG"), *background;
	int64_t index;

	background = colors ? strrchr(colors, ';') : NULL;
	if (background && number_parse_int(background + 1, &index) == 0 &&
		(index == 7 || index == 15))
		return "light";
	return "dark";
}

/* ---- listing --------------------------------------------------------------------------------- */

struct list {
	struct theme_entry *items;
	size_t n, cap;
};

static bool
is_listed(const struct list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->items[i].name, name) == 0)
			return true;
	return false;
}

/* The `about` line of a theme, heap; NULL when there is none, or the file is no theme. */
static char *
about(const char *yaml, size_t len)
{
	struct document doc;
	const struct ynode *root = document_begin(&doc, "", yaml, len), *n;
	char *text = NULL;

	n = root ? ynode_get(root, "about") : NULL;
	if (n && n->kind == YNODE_SCALAR && n->len)
		text = xstrdup(n->text);
	document_finish(&doc, NULL);
	return text;
}

/* Takes over path. */
static void
list_add(
	struct list *l, const char *name, size_t name_len, char *path, const char *yaml, size_t len)
{
	char *copy = xstrndup(name, name_len);

	if (is_listed(l, copy)) {
		free(copy);
		free(path);
		return;
	}
	VEC_ROOM(l->items, l->n, l->cap);
	l->items[l->n++] = (struct theme_entry){ copy, path, about(yaml, len) };
}

static void
list_folder(struct list *l, const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *entry;

	while (d && (entry = readdir(d))) {
		struct strbuf yaml = STRBUF_INIT;
		size_t n = strlen(entry->d_name);
		char *path;

		if (n <= 5 || entry->d_name[0] == '.' ||
			strcmp(entry->d_name + n - 5, ".yaml") != 0)
			continue;
		path = xasprintf("%s/%s", folder, entry->d_name);
		if (document_read_file(path, &yaml, NULL) == 0)
			list_add(l, entry->d_name, n - 5, path, yaml.s, yaml.len);
		else
			free(path);
		strbuf_release(&yaml);
	}
	if (d)
		closedir(d);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct theme_entry *)a)->name, ((const struct theme_entry *)b)->name);
}

size_t
theme_list(struct theme_entry **out)
{
	struct list l = { 0 };

	for (enum source s = FROM_USER; s < FROM_PROGRAM; s++) {
		char *folder = folder_of(s);

		list_folder(&l, folder);
		free(folder);
	}
	for (size_t i = 0; i < theme_builtin_count; i++)
		list_add(&l, theme_builtins[i].name, strlen(theme_builtins[i].name), NULL,
			theme_builtins[i].yaml, theme_builtins[i].len);
	if (l.n)
		qsort(l.items, l.n, sizeof *l.items, by_name);
	*out = l.items;
	return l.n;
}

void
theme_list_free(struct theme_entry *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].name);
		free(list[i].path);
		free(list[i].help);
	}
	free(list);
}
