// SPDX-License-Identifier: GPL-2.0
/*
 * Write a value to a file, and print the name of the error if that fails: an echo
 * whose output is buffered by lines, as the runner sees to it, does not know it.
 *
 * Usage: cpuhp_write FILE VALUE
 *
 * Exit codes: 0 written, 1 not written
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *name(int error)
{
	switch (error) {
	case EPERM:
		return "EPERM";
	case ENOENT:
		return "ENOENT";
	case EIO:
		return "EIO";
	case EAGAIN:
		return "EAGAIN";
	case ENOMEM:
		return "ENOMEM";
	case EACCES:
		return "EACCES";
	case EBUSY:
		return "EBUSY";
	case ENODEV:
		return "ENODEV";
	case EINVAL:
		return "EINVAL";
	case ERANGE:
		return "ERANGE";
	case EOPNOTSUPP:
		return "EOPNOTSUPP";
	}
	return strerror(error);
}

static int fail(void)
{
	puts(name(errno));
	return 1;
}

int main(int argc, char **argv)
{
	int fd;

	if (argc != 3) {
		puts("usage: cpuhp_write FILE VALUE");
		return 1;
	}
	fd = open(argv[1], O_WRONLY);
	if (fd < 0 || write(fd, argv[2], strlen(argv[2])) < 0)
		return fail();
	return 0;
}
