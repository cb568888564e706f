#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/cli/output.h"
#include "app/oneshot.h"
#include "app/programs.h"

static void
print_version(void)
{
	puts(PACKAGE_STRING);
	puts("Licence: GPL-3.0-or-later. Bundled model: guide (Llama 2 architecture, Q8_0).");
}

/* A program that asked for JSON gets its errors as JSON too, also those about the command line. */
static bool
wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--json") || !strcmp(argv[i], "--stream-json"))
			return true;
	return false;
}

/* A closed standard descriptor becomes /dev/null, so that no file of ours gets its number and is read as input. For
 * reading only: writing to it still fails, and whoever closed it gets to know that nothing was
 * written. */
static void
open_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* stdio may have met the error long ago, so that errno does not tell. */
static bool
reader_has_gone(void)
{
	struct pollfd p = { .fd = STDOUT_FILENO };

	return poll(&p, 1, 0) > 0 && (p.revents & POLLERR);
}

/* A full disk behind stdout is not success, and neither is a reader that has gone, of which there is
 * nothing to say. */
static int
end_output(void)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	if (reader_has_gone())
		return OUTPUT_UNREAD;
	fprintf(stderr, "hum: standard output: %s\n", errno ? strerror(errno) : "not all was written");
	return ERR_STORE;
}

int
main(int argc, char **argv)
{
	struct options o;
	struct err e = { 0 };
	int status = 0;

	open_standard();
	signal(SIGXFSZ, SIG_IGN);	/* a file over its limit is an error of writing */
	setlocale(LC_ALL, "");
	if (options_parse(&o, programs, argc, argv, &e) < 0) {
		fprintf(stderr, "hum: %s\n", e.text);
		if (!*o.program->name && wants_json(argc, argv))
			oneshot_print_error(&o, &e);
		status = ERR_USAGE;
	} else if (o.help) {
		options_help(&o, programs, stdout);
	} else if (o.version) {
		print_version();
	} else {
		status = o.program->run(&o);
	}
	options_release(&o);
	return status ? status : end_output();
}
