// SPDX-License-Identifier: GPL-2.0
/*
 * Become a SCHED_DEADLINE task, and sleep until a signal comes.
 *
 * Usage: deadline_hold RUNTIME_US PERIOD_US
 *
 * Writes a line when it is one.
 *
 * Exit codes: 1 error, 4 the kernel does not let it
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/sched.h>
#include <linux/sched/types.h>

int main(int argc, char **argv)
{
	struct sched_attr attr = {
		.size = sizeof(attr),
		.sched_policy = SCHED_DEADLINE,
	};

	if (argc != 3) {
		fprintf(stderr, "usage: deadline_hold RUNTIME_US PERIOD_US\n");
		return 1;
	}
	attr.sched_runtime = 1000ULL * strtoul(argv[1], NULL, 10);
	attr.sched_period = 1000ULL * strtoul(argv[2], NULL, 10);
	attr.sched_deadline = attr.sched_period;
	if (syscall(SYS_sched_setattr, 0, &attr, 0)) {
		perror("deadline_hold: sched_setattr");
		return errno == EBUSY || errno == EPERM ? 4 : 1;
	}
	puts("deadline");
	fflush(stdout);
	for (;;)
		pause();
}
