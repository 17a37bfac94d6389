// SPDX-License-Identifier: GPL-2.0
/*
 * Run a test of the smp_test module with all allocations of this task failing.
 *
 * Usage: fault_run COMMAND...
 *
 * The script that calls it has set up failslab and fail_page_alloc with a task
 * filter. All files are opened, and all memory is locked, before the task is
 * marked. How many allocations the marked tasks have tried is printed as
 * "tried_slab N count" and "tried_page N count".
 *
 * Exit codes: 0 the test ran, 1 it did not
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define DEBUGFS		"/sys/kernel/debug/"
#define READINGS	3

static int open_or_die(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd < 0) {
		fprintf(stderr, "fault_run: %s: %s\n", path, strerror(errno));
		exit(1);
	}
	return fd;
}

/*
 * The number of failures that are still to be injected; goes down with each.
 * The files cannot seek, so each is good for one reading.
 */
static long left(int fd)
{
	char text[32] = "";

	if (read(fd, text, sizeof(text) - 1) < 1)
		return -1;
	return atol(text);
}

int main(int argc, char **argv)
{
	long slab_before, slab_after, page_before, page_after;
	int slab[READINGS], page[READINGS];
	int run, mark, i, error = 0;
	char command[256] = "";
	size_t length;

	if (argc < 2) {
		fprintf(stderr, "usage: fault_run COMMAND...\n");
		return 1;
	}
	for (i = 1; i < argc; i++) {
		length = strlen(command);
		snprintf(command + length, sizeof(command) - length, "%s%s",
			 i > 1 ? " " : "", argv[i]);
	}
	length = strlen(command);

	run = open_or_die(DEBUGFS "smp_test/run", O_WRONLY);
	for (i = 0; i < READINGS; i++) {
		slab[i] = open_or_die(DEBUGFS "failslab/times", O_RDONLY);
		page[i] = open_or_die(DEBUGFS "fail_page_alloc/times", O_RDONLY);
	}
	mark = open_or_die("/proc/self/make-it-fail", O_WRONLY);
	if (mlockall(MCL_CURRENT | MCL_FUTURE)) {
		perror("fault_run: mlockall");
		return 1;
	}

	/* Once before, so that nothing is done for the first time */
	left(slab[0]);
	left(page[0]);
	if (pwrite(mark, "0", 1, 0) != 1 || pwrite(mark, "1", 1, 0) != 1) {
		perror("fault_run: make-it-fail");
		return 1;
	}
	slab_before = left(slab[1]);
	page_before = left(page[1]);
	if (write(run, command, length) != (ssize_t)length)
		error = errno;
	slab_after = left(slab[2]);
	page_after = left(page[2]);
	pwrite(mark, "0", 1, 0);

	if (error) {
		fprintf(stderr, "fault_run: %s: %s\n", command, strerror(error));
		return 1;
	}
	if (slab_before < 0 || slab_after < 0 || page_before < 0 || page_after < 0) {
		fprintf(stderr, "fault_run: cannot read the counts\n");
		return 1;
	}
	printf("tried_slab %ld count\n", slab_before - slab_after);
	printf("tried_page %ld count\n", page_before - page_after);
	return 0;
}
