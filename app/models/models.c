#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/config/paths.h"
#include "app/models/guide.h"
#include "app/models/models.h"
#include "app/models/open.h"
#include "base/xalloc.h"

/* Other programs' folders are only looked into; a strange one must not hold the start up. */
enum { MAX_FILES = 2000, MAX_DIRS = 2000 };

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcasecmp(s + n - m, end);
}

/* Points at "-00002-of-00003" in a name without its suffix, sets the part's number; NULL: no such mark. */
static const char *
split_mark(const char *stem, unsigned *part)
{
	size_t n = strlen(stem);
	unsigned number, of;
	int used = 0;

	if (n < 15 || sscanf(stem + n - 15, "-%5u-of-%5u%n", &number, &of, &used) != 2 || used != 15)
		return NULL;
	*part = number;
	return stem + n - 15;
}

char *
model_name_of_path(const char *path)
{
	const char *base = strrchr(path, '/');
	char *name = xstrdup(base ? base + 1 : path);
	const char *mark;
	unsigned part;

	if (ends_with(name, ".gguf"))
		name[strlen(name) - 5] = '\0';
	mark = split_mark(name, &part);
	if (mark && mark > name)
		name[mark - name] = '\0';
	return name;
}

/* 2 of "NAME-00002-of-00003.gguf"; 1 of a file that is no part. */
static unsigned
part_of(const char *file)
{
	const char *dot = strrchr(file, '.');
	char *stem = xstrndup(file, dot ? (size_t)(dot - file) : strlen(file));
	unsigned part = 1;

	split_mark(stem, &part);
	free(stem);
	return part;
}

/* Not a projector for images. */
static bool
is_gguf(const char *file)
{
	return ends_with(file, ".gguf") && !strcasestr(file, "mmproj");
}

/* For a part that is not the first. */
static bool
first_part_is_there(const char *path)
{
	char *first = xstrdup(path);
	bool there;

	memcpy(first + strlen(first) - strlen("00002-of-00003.gguf"), "00001", 5);
	there = access(first, F_OK) == 0;
	free(first);
	return there;
}

/* What people put where models are and take for one: of other formats, cut up, half downloaded. */
static bool
looks_suspect(const char *file)
{
	static const char *const patterns[] = {
		"*.safetensors", "pytorch_model*.bin", "consolidated.00.pth", "ggml*.bin", "*.ggml",
		"*.gguf-split-a", "*.gguf.part1of*", "*.gguf.part", "*.gguf.crdownload",
		"*.gguf.incomplete",
	};

	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
		if (fnmatch(patterns[i], file, FNM_CASEFOLD) == 0)
			return true;
	return false;
}

static bool
is_suspect(const char *path, const char *file)
{
	if (looks_suspect(file))
		return part_of(file) == 1;
	return is_gguf(file) && part_of(file) > 1 && !first_part_is_there(path);
}

/* ---- the list ---- */

/* The entry of that file, whatever the path to it is. */
static struct model_entry *
of_file(const struct model_list *l, const struct stat *st)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].inode == st->st_ino && l->items[i].device == st->st_dev)
			return &l->items[i];
	return NULL;
}

static const struct model_entry *
named(const struct model_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->items[i].name, name))
			return &l->items[i];
	return NULL;
}

/* st NULL: no file of its own, or a missing one. */
static struct model_entry *
add(struct model_list *l, const char *name, const char *path, const char *origin, const struct stat *st)
{
	struct model_entry *m;

	VEC_ROOM(l->items, l->n, l->cap);
	m = &l->items[l->n++];
	*m = (struct model_entry){ .name = xstrdup(name), .path = path ? xstrdup(path) : NULL,
		.origin = origin };
	if (st) {
		m->size = st->st_size;
		m->device = st->st_dev;
		m->inode = st->st_ino;
	}
	return m;
}

static void
add_file(struct model_list *l, const char *path, const char *origin)
{
	struct stat st;
	char *name;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || of_file(l, &st))
		return;
	name = model_name_of_path(path);
	add(l, name, path, origin, &st);
	free(name);
}

static void
add_suspect(struct model_list *l, const char *path, const char *origin)
{
	size_t before = l->n;
	struct model_entry *m;

	add_file(l, path, origin);
	if (l->n == before)
		return;
	m = &l->items[before];
	m->suspect = true;
	free(m->name);
	m->name = xstrdup(strrchr(path, '/') + 1);	/* with what makes it one */
}

struct scan {
	struct model_list *list;
	const char *origin;
	bool suspects;		/* are listed; not those of other programs, which have many */
	int (*wanted)(const struct dirent *d);
	size_t dirs, files;
};

/* Filters of scandir: what is passed over here by its name is neither sorted nor asked for. */

static bool
visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static int
ours(const struct dirent *d)
{
	return visible(d) && (d->d_type != DT_REG || is_gguf(d->d_name) || looks_suspect(d->d_name));
}

static int
models(const struct dirent *d)
{
	return visible(d) && (d->d_type != DT_REG || is_gguf(d->d_name));
}

/* A snapshot's files are links, none of them to a folder. */
static int
in_snapshots(const struct dirent *d)
{
	return models(d) && (d->d_type != DT_LNK || is_gguf(d->d_name));
}

static int
repositories(const struct dirent *d)
{
	return !strncmp(d->d_name, "models--", 8) && d->d_type != DT_REG;
}

/* Asks for the file itself only where the folder's list leaves it open. */
static bool
is_folder(const struct dirent *d, const char *path)
{
	struct stat st;

	if (d->d_type != DT_LNK && d->d_type != DT_UNKNOWN)
		return d->d_type == DT_DIR;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void
scan_dir(struct scan *s, const char *dir, int depth)
{
	struct dirent **names;
	int n;

	if (s->dirs++ >= MAX_DIRS)
		return;
	n = scandir(dir, &names, s->wanted, alphasort);
	for (int i = 0; i < n; i++) {
		char *path = xasprintf("%s/%s", dir, names[i]->d_name);
		const char *file = names[i]->d_name;

		if (depth > 0 && is_folder(names[i], path))
			scan_dir(s, path, depth - 1);
		else if (is_gguf(file) && part_of(file) == 1 && s->files++ < MAX_FILES)
			add_file(s->list, path, s->origin);
		else if (s->suspects && is_suspect(path, file) && s->files++ < MAX_FILES)
			add_suspect(s->list, path, s->origin);
		free(path);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

/* Hugging Face's cache: models--WHO--WHAT/snapshots/REVISION/FILE. Data sets, blobs and references are no models. */
static void
scan_hub(struct scan *s, const char *dir, int depth)
{
	struct dirent **names;
	int n = scandir(dir, &names, repositories, alphasort);

	for (int i = 0; i < n; i++) {
		char *path = xasprintf("%s/%s/snapshots", dir, names[i]->d_name);

		scan_dir(s, path, depth);
		free(path);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

/* Where a program keeps its models: $variable/tail if that is set, else `cache` in the cache folder, or `home`. */
static const struct place {
	const char *variable, *tail, *cache, *home;
	const char *origin;
	int depth;		/* levels below, or below a repository's snapshots */
	bool hub;		/* is laid out as Hugging Face does it */
} places[] = {
	{ NULL, NULL, NULL, "~/.lmstudio/models", "LM Studio", 3, false },
	{ NULL, NULL, "lm-studio/models", NULL, "LM Studio", 3, false },
	{ "LLAMA_CACHE", "", "llama.cpp", NULL, "llama.cpp", 1, false },
	{ "HF_HUB_CACHE", "", "huggingface/hub", NULL, "Hugging Face", 2, true },
	{ "HF_HOME", "/hub", "huggingface/hub", NULL, "Hugging Face", 2, true },
};

static char *
place_path(const struct place *p)
{
	const char *value = p->variable ? getenv(p->variable) : NULL, *cache = getenv("XDG_CACHE_HOME");
	char *named, *dir;

	if (value && *value)
		named = xasprintf("%s%s", value, p->tail);
	else if (p->home)
		named = xstrdup(p->home);
	else
		named = xasprintf("%s/%s", cache && *cache == '/' ? cache : "~/.cache", p->cache);
	dir = path_expand(named);
	free(named);
	return dir;
}

/* Whether a place before p is that folder: two variables may name one. */
static bool
seen_before(const struct place *p, const char *dir)
{
	struct stat st, other;
	bool same = false;

	if (stat(dir, &st) < 0)
		return false;
	for (const struct place *q = places; q < p && !same; q++) {
		char *path = place_path(q);

		same = stat(path, &other) == 0 && other.st_dev == st.st_dev && other.st_ino == st.st_ino;
		free(path);
	}
	return same;
}

static void
scan_place(struct model_list *l, const struct place *p)
{
	struct scan s = { .list = l, .origin = p->origin, .wanted = p->hub ? in_snapshots : models };
	char *dir = place_path(p);

	if (dir[0] != '/' || seen_before(p, dir)) {
		free(dir);
		return;
	}
	if (p->hub)
		scan_hub(&s, dir, p->depth);
	else
		scan_dir(&s, dir, p->depth);
	free(dir);
}

static void
scan_config(struct model_list *l, const struct config *config)
{
	for (size_t i = 0; config && i < config->n_models; i++) {
		const struct config_model *cm = &config->models[i];
		struct model_entry *m;
		struct stat st;

		if (!cm->path)
			continue;
		m = add(l, cm->name, cm->path, "config", stat(cm->path, &st) == 0 ? &st : NULL);
		m->config = cm;
	}
}

void
model_list_scan(struct model_list *l, const struct config *config)
{
	struct scan own = { .list = l, .origin = "models folder", .suspects = true, .wanted = ours };
	struct scan here = { .list = l, .origin = "this folder", .suspects = true, .wanted = ours };
	char *dir = path_data("models");
	char cwd[PATH_MAX];

	*l = (struct model_list){ 0 };
	scan_config(l, config);
	scan_dir(&own, dir, 2);
	free(dir);
	if (getcwd(cwd, sizeof cwd))
		scan_dir(&here, cwd, 0);
	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		scan_place(l, &places[i]);
	if (!named(l, GUIDE_NAME))
		add(l, GUIDE_NAME, NULL, "bundled", NULL)->size = guide_size();
}

void
model_list_release(struct model_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->items[i].name);
		free(l->items[i].path);
	}
	free(l->items);
	*l = (struct model_list){ 0 };
}

/* ---- finding ---- */

/* The one whose name contains the text; *n counts how many do, `names` gets the first few. */
static const struct model_entry *
by_part(const struct model_list *l, const char *part, size_t *n, struct strbuf *names)
{
	const struct model_entry *found = NULL;

	*n = 0;
	for (size_t i = 0; i < l->n; i++) {
		if (l->items[i].suspect || !strcasestr(l->items[i].name, part))
			continue;
		if (++*n <= 5)
			strbuf_addf(names, "%s%s", *n > 1 ? ", " : "", l->items[i].name);
		found = &l->items[i];
	}
	return *n == 1 ? found : NULL;
}

static char *
nearest_model(const struct model_list *l, const char *what)
{
	const char **names = xcalloc(l->n + 1, sizeof *names);
	const char *near;
	char *copy;
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (!l->items[i].suspect)
			names[n++] = l->items[i].name;
	near = nearest_name(what, names);
	copy = near ? xstrdup(near) : NULL;
	free(names);
	return copy;
}

/* The path from the root. Its last part stays as it is: the name and the other parts of a split set are there, where a
 * link is, and its target may be named after a hash, as in Hugging Face's cache. Heap. */
static char *
absolute(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
	char *whole = realpath(dir, NULL), *out;

	if (whole)
		out = xasprintf("%s%s%s", whole, strcmp(whole, "/") ? "/" : "", slash ? slash + 1 : path);
	else
		out = xstrdup(path);
	free(whole);
	free(dir);
	return out;
}

static const struct model_entry *
by_path(struct model_list *l, const char *what, struct err *e)
{
	char *path = path_expand(what), *whole, *name;
	struct stat st;
	struct model_entry *m = NULL;

	if (stat(path, &st) < 0) {
		err_errno(e, ERR_MODEL, "model file %s", what);
	} else if (!(m = of_file(l, &st))) {
		whole = absolute(path);
		name = model_name_of_path(path);
		m = add(l, name, whole, "file", &st);
		free(name);
		free(whole);
	}
	free(path);
	return m;
}

/* A word without a slash may be a name as well: only a regular file goes before those, so that no folder hides them. */
static bool
means_path(const char *what)
{
	struct stat st;

	return strchr(what, '/') || what[0] == '~' || (stat(what, &st) == 0 && S_ISREG(st.st_mode));
}

/* By name, with or without .gguf, or by a part of one; NULL and ERR_MODEL. */
static const struct model_entry *
by_name(struct model_list *l, const char *what, struct err *e)
{
	struct strbuf names = STRBUF_INIT;
	char *stem = model_name_of_path(what), *near = NULL;
	const struct model_entry *m = named(l, stem);
	size_t n = 0;

	if (!m && *stem)
		m = by_part(l, stem, &n, &names);
	if (!m)
		near = nearest_model(l, stem);
	if (!m && names.len)
		err_set(e, ERR_MODEL, "more than one model is called \"%s\": %s%s", what, names.s,
			n > 5 ? ", ..." : "");
	else if (!m && near && access(what, F_OK) < 0)
		err_set(e, ERR_MODEL, "no model \"%s\"; did you mean %s?", what, near);
	else if (!m && (ends_with(what, ".gguf") || access(what, F_OK) == 0))
		m = by_path(l, what, e);	/* which says what is wrong with the file */
	else if (!m)
		err_set(e, ERR_MODEL, "no model \"%s\"; see `hum models`, or name a .gguf file", what);
	free(near);
	free(stem);
	strbuf_release(&names);
	return m;
}

const struct model_entry *
model_list_find(struct model_list *l, const char *what, struct err *e)
{
	const struct model_entry *m = named(l, what);

	if (m)
		return m;
	return means_path(what) ? by_path(l, what, e) : by_name(l, what, e);
}

char *
model_ref(const struct model_list *l, const struct model_entry *m)
{
	if (!m->path || named(l, m->name) == m) {
		if (!m->path || (strcmp(m->origin, "file") && strcmp(m->origin, "this folder")))
			return xstrdup(m->name);
	}
	return xstrdup(m->path);
}

/* ---- using ---- */

void
model_settings(const struct config *config, const struct model_entry *m, const struct settings *top,
	settings_mask mask, struct settings *out)
{
	settings_init(out);
	if (config)
		settings_overlay(out, &config->settings, config->set);
	if (m && m->config)
		settings_overlay(out, &m->config->settings, m->config->set);
	settings_overlay(out, top, mask);
}

struct load_request *
model_load_request(const struct model_list *l, const struct model_entry *m, const struct settings *s)
{
	char *ref = model_ref(l, m);
	struct load_request *r = load_request_new(m->name, ref, m->path);

	if (m->config && m->config->template_name)
		r->template_name = xstrdup(m->config->template_name);
	r->settings = *s;
	free(ref);
	return r;
}

struct llm *
model_entry_open(const struct model_entry *m, struct err *e)
{
	struct llm_open_opts o = { .template_name = m->config ? m->config->template_name : NULL };

	return model_open(m->path, &o, e);
}

struct llm *
model_entry_peek(const struct model_entry *m, struct err *e)
{
	if (!m->path)
		return model_entry_open(m, e);
	return model_peek_file(m->path, e);
}
