/* Files: mapping them, and joining the parts of a split set into one table. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "base/xalloc.h"
#include "engine/gguf_internal.h"
#include "engine/refuse.h"

enum { PATH_SHOW = 200 };	/* bytes of a path in a message, its end if it is longer */

/* ---- names ----------------------------------------------------------------------------------- */

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static struct gguf_string
as_string(const char *s)
{
	return (struct gguf_string){ s, strlen(s) };
}

static int
prefix_path(struct err *e, const char *path)
{
	size_t n = strlen(path), skip = n > PATH_SHOW ? n - PATH_SHOW : 0;
	char show[4 * PATH_SHOW];

	while (skip && (path[skip] & 0xc0) == 0x80)
		skip--;
	gguf_string_show(as_string(path + skip), show, sizeof show);
	return err_prefix(e, "%s%s", skip ? "\xe2\x80\xa6" : "", show);
}

/* "PREFIX-00002-of-00003.gguf", as gguf-split names the parts. */
struct split_name {
	size_t prefix;		/* length of PREFIX */
	unsigned no, count;	/* no from 1; 0 when the name is another */
};

static bool
five_digits(const char *s, unsigned *v)
{
	*v = 0;
	for (int i = 0; i < 5; i++) {
		if (!isdigit((unsigned char)s[i]))
			return false;
		*v = 10 * *v + (unsigned)(s[i] - '0');
	}
	return true;
}

/* Leaves *n alone when the name is another. */
static void
split_name_parse(const char *path, struct split_name *n)
{
	enum { TAIL = 20 };	/* -00002-of-00003.gguf */
	size_t len = strlen(path);
	const char *t;
	unsigned no, count;

	if (len < TAIL)
		return;
	t = path + len - TAIL;
	if (t[0] != '-' || !five_digits(t + 1, &no) || memcmp(t + 6, "-of-", 4) != 0 ||
		!five_digits(t + 10, &count) || strcmp(t + 15, ".gguf") != 0 || no < 1 ||
		no > count)
		return;
	*n = (struct split_name){ len - TAIL, no, count };
}

static char *
split_name_make(const char *path, const struct split_name *n, unsigned no)
{
	return xasprintf("%.*s-%05u-of-%05u.gguf", (int)n->prefix, path, no, n->count);
}

/* A file cut by bytes for hosts with a size limit: "x.gguf-split-b", "x.gguf.part2of3". Length
 * of "x.gguf", or 0. */
static size_t
cut_name_parse(const char *name)
{
	size_t n = strlen(name);
	unsigned no, count;
	const char *dot;
	int used = 0;

	if (n > 8 && memcmp(name + n - 8, "-split-", 7) == 0 && islower((unsigned char)name[n - 1]))
		return n - 8;
	dot = strrchr(name, '.');
	if (dot && dot > name && sscanf(dot, ".part%5uof%5u%n", &no, &count, &used) == 2 &&
		!dot[used])
		return (size_t)(dot - name);
	return 0;
}

/* After a refusal: if the name says that the file is a piece, that is what the user must know. */
static void
explain_cut_name(const char *path, struct err *e)
{
	const char *name = base_name(path);
	size_t n = cut_name_parse(name);
	char show[GGUF_SHOW];

	if (n)
		refuse(e,
			"this is one piece of a model that was cut up; join the pieces in order "
			"first: cat PIECE... > %s",
			gguf_string_show((struct gguf_string){ name, n }, show, sizeof show));
}

/* ---- mapping --------------------------------------------------------------------------------- */

static int
check_regular(const struct stat *st, struct err *e)
{
	if (S_ISDIR(st->st_mode))
		return refuse(e, "this is a directory; name the .gguf file in it");
	if (!S_ISREG(st->st_mode))
		return refuse(e, "this is not a regular file: a model must be mapped into memory");
	if (st->st_size == 0)
		return refuse(e, "the file is empty; download it again");
	if ((uint64_t)st->st_size > SIZE_MAX / 2)
		return refuse(e, "the file is too large for this machine's addresses");
	return 0;
}

/* O_NONBLOCK: opening a FIFO that nobody writes to must not hang. */
static int
map_file(const char *path, struct gguf_part *part, struct err *e)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	int ret = -1;

	if (fd < 0)
		return err_errno(e, ERR_MODEL, "cannot open the model");
	if (fstat(fd, &st) < 0) {
		err_errno(e, ERR_MODEL, "cannot examine the model");
		goto out;
	}
	if (check_regular(&st, e) < 0)
		goto out;
	part->size = (size_t)st.st_size;
	part->map = mmap(NULL, part->size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (part->map == MAP_FAILED)
		err_errno(e, ERR_MODEL, "cannot map the model into memory");
	else
		ret = 0;
out:
	close(fd);
	return ret;
}

/* One file, mapped, parsed, and owning its mapping. */
static struct gguf *
open_part(const char *path, struct err *e)
{
	struct gguf_part part;
	struct gguf *g;

	if (map_file(path, &part, e) < 0) {
		prefix_path(e, path);
		return NULL;
	}
	g = gguf_parse_part(part.map, part.size, e);
	if (!g) {
		munmap(part.map, part.size);
		explain_cut_name(path, e);
		prefix_path(e, path);
		return NULL;
	}
	g->part = xmalloc(sizeof *g->part);
	g->part[0] = part;
	g->n_parts = 1;
	return g;
}

/* ---- split sets ------------------------------------------------------------------------------ */

struct split_keys {
	uint64_t no, count;	/* no from 0; 0 and 1 when the file is whole */
};

static int
split_keys_get(const struct gguf *g, struct split_keys *k, struct err *e)
{
	*k = (struct split_keys){ 0, 1 };
	if (gguf_get_u64(g, "split.no", &k->no, e) < 0 ||
		gguf_get_u64(g, "split.count", &k->count, e) < 0)
		return -1;
	if (k->count == 0)
		k->count = 1;	/* some writers leave the keys of a file that was joined again */
	if (k->count > 99999 || k->no >= k->count)
		return damaged(e, "it is part %" PRIu64 " of %" PRIu64, k->no, k->count);
	return 0;
}

/* Moves the tensors and the mapping of `part` to the end of `g`'s; `part` is gone afterwards. */
static int
join_part(struct gguf *g, struct gguf *part, struct err *e)
{
	size_t n = g->n_tensors + part->n_tensors;
	struct gguf_tensor *tensor;
	struct gguf_part *parts;

	if (n > GGUF_MAX_ENTRIES) {
		gguf_free(part);
		return refuse(
			e, "the parts of the model have more than %d tensors", GGUF_MAX_ENTRIES);
	}
	tensor = reallocarray(g->tensor, n ? n : 1, sizeof *tensor);
	if (tensor)
		g->tensor = tensor;
	parts = reallocarray(g->part, g->n_parts + 1, sizeof *parts);
	if (parts)
		g->part = parts;
	if (!tensor || !parts) {
		gguf_free(part);
		return refuse(e, "there is not enough memory to read the headers of the model's parts");
	}
	memcpy(g->tensor + g->n_tensors, part->tensor, part->n_tensors * sizeof *part->tensor);
	g->n_tensors = n;
	g->part[g->n_parts++] = part->part[0];
	g->size += part->size;
	part->n_parts = 0;
	gguf_free(part);
	return 0;
}

/* Opens part `no` (from 1) of the set. */
static int
add_part(
	struct gguf *g, const char *path, const struct split_name *name, unsigned no, struct err *e)
{
	char *part_path = split_name_make(path, name, no);
	struct gguf *part = NULL;
	struct split_keys k;
	int ret = -1;

	if (access(part_path, F_OK) < 0) {
		refuse(e, "part %u of %u of the model is missing; it must be in the same directory",
			no, name->count);
		prefix_path(e, part_path);
	} else {
		part = open_part(part_path, e);
	}
	if (!part)
		goto out;
	if (split_keys_get(part, &k, e) < 0) {
		prefix_path(e, part_path);
		gguf_free(part);
	} else if (k.no != no - 1 || k.count != name->count) {
		refuse(e,
			"this is part %" PRIu64 " of %" PRIu64 ", not the part that its name says",
			k.no + 1, k.count);
		prefix_path(e, part_path);
		gguf_free(part);
	} else {
		ret = join_part(g, part, e);
	}
out:
	free(part_path);
	return ret;
}

static int
check_tensor_count(const struct gguf *g, struct err *e)
{
	uint64_t n = g->n_tensors;

	if (gguf_get_u64(g, "split.tensors.count", &n, e) < 0)
		return -1;
	if (n != g->n_tensors)
		return refuse(e,
			"the parts of the model have %zu tensors together and should have %" PRIu64
			"; do they belong together?",
			g->n_tensors, n);
	return 0;
}

/* Refuses a part that is not the first (saying which is), and a first one whose name does not
 * tell the others. */
static int
check_set(
	const char *path, const struct split_keys *k, const struct split_name *name, struct err *e)
{
	char show[GGUF_SHOW];
	char *first;

	if (k->no > 0 || (k->count == 1 && name->no > 1)) {
		first = name->no ? split_name_make(path, name, 1) : xstrdup("the first");
		refuse(e,
			"this is part %u of %u of a model; with all parts in one directory, open %s",
			k->no ? (unsigned)k->no + 1 : name->no,
			k->no ? (unsigned)k->count : name->count,
			gguf_string_show(as_string(base_name(first)), show, sizeof show));
		free(first);
		return -1;
	}
	if (k->count > 1 && (name->no != 1 || name->count != k->count))
		return refuse(e,
			"this is part 1 of %u of a model; its parts must be in one directory and "
			"named NAME-00001-of-%05u.gguf and so on",
			(unsigned)k->count, (unsigned)k->count);
	return 0;
}

static int
join_set(struct gguf *g, const char *path, const struct split_name *name, struct err *e)
{
	for (unsigned no = 2; no <= name->count; no++)
		if (add_part(g, path, name, no, e) < 0)
			return -1;
	if (gguf_index_tensors(g, e) < 0 || check_tensor_count(g, e) < 0)
		return prefix_path(e, path);
	return 0;
}

struct gguf *
gguf_open(const char *path, struct err *e)
{
	struct gguf *g = open_part(path, e);
	struct split_name name = { 0, 0, 0 };
	struct split_keys k;

	if (!g)
		return NULL;
	split_name_parse(path, &name);
	if (split_keys_get(g, &k, e) < 0 || check_set(path, &k, &name, e) < 0)
		prefix_path(e, path);
	else if (k.count == 1 || join_set(g, path, &name, e) == 0)
		return g;
	gguf_free(g);
	return NULL;
}

struct gguf *
gguf_parse(const uint8_t *data, size_t size, struct err *e)
{
	struct gguf *g = gguf_parse_part(data, size, e);
	struct split_keys k;

	if (!g)
		return NULL;
	if (split_keys_get(g, &k, e) < 0)
		goto refuse;
	if (k.count > 1) {
		refuse(e, "this is part %u of %u of a model", (unsigned)k.no + 1,
			(unsigned)k.count);
		goto refuse;
	}
	return g;
refuse:
	gguf_free(g);
	return NULL;
}
