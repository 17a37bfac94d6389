// SPDX-License-Identifier: GPL-2.0
/*
 * Burn CPU time in tasks that share a core only with each other.
 *
 * Usage: core_hog ROUNDS TASKS MILLISECONDS
 *
 * In each round, TASKS children with one cookie spin for MILLISECONDS. Cookies
 * of core scheduling exist only during a round: each round switches core
 * scheduling on, and the kernel switches it off behind it.
 *
 * Exit codes: 0 done, 1 error, 4 there is no core scheduling here
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/prctl.h>

#define EXIT_SKIP	4

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void spin(long milliseconds)
{
	double end = now() + milliseconds / 1e3;

	while (now() < end)
		;
	_exit(0);
}

/* The parent of the spinning tasks, which inherit its cookie */
static void one_round(long tasks, long milliseconds)
{
	long i;

	if (prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, 0,
		  PR_SCHED_CORE_SCOPE_THREAD_GROUP, 0)) {
		if (errno == ENODEV || errno == EINVAL)
			_exit(EXIT_SKIP);
		perror("core_hog: PR_SCHED_CORE_CREATE");
		_exit(1);
	}
	for (i = 0; i < tasks; i++) {
		pid_t pid = fork();

		if (pid < 0) {
			perror("core_hog: fork");
			_exit(1);
		}
		if (!pid)
			spin(milliseconds);
	}
	while (wait(NULL) > 0)
		;
	_exit(0);
}

int main(int argc, char **argv)
{
	long rounds, tasks, milliseconds;

	if (argc != 4) {
		fprintf(stderr, "usage: core_hog ROUNDS TASKS MILLISECONDS\n");
		return 1;
	}
	rounds = atol(argv[1]);
	tasks = atol(argv[2]);
	milliseconds = atol(argv[3]);

	while (rounds--) {
		pid_t pid = fork();
		int status;

		if (pid < 0) {
			perror("core_hog: fork");
			return 1;
		}
		if (!pid)
			one_round(tasks, milliseconds);
		if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
			return 1;
		if (WEXITSTATUS(status))
			return WEXITSTATUS(status);
	}
	return 0;
}
