// SPDX-License-Identifier: GPL-2.0
/*
 * Run the test kthread_env of the smp_test module from a task with a strange
 * environment: a kthread must have nothing of it.
 *
 * Usage: kthread_env [-p]
 *
 * -p	also change the scheduling class of kthreadd meanwhile
 *
 * Exit codes: 0 the test ran, 1 it did not
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUN_FILE	"/sys/kernel/debug/smp_test/run"
#define COMMAND		"kthread_env"
#define KTHREADD	2
#define NOBODY		65534

static int fail(const char *what)
{
	fprintf(stderr, "kthread_env: %s: %s\n", what, strerror(errno));
	return 1;
}

/* Everything that works for any task; the signals stay pending */
static int make_strange(void)
{
	const struct sched_param fifo = { .sched_priority = 1 };
	sigset_t all;
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	if (sched_setaffinity(0, sizeof(cpu), &cpu))
		return fail("affinity");
	if (setpriority(PRIO_PROCESS, 0, 7))
		return fail("nice");
	if (sched_setscheduler(0, SCHED_FIFO, &fifo))
		return fail("SCHED_FIFO");
	sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, NULL) || raise(SIGUSR1) || raise(SIGTERM))
		return fail("signals");
	if (personality(ADDR_NO_RANDOMIZE) < 0)
		return fail("personality");
	umask(077);
	if (chdir("/proc"))
		return fail("directory");
	if (unshare(CLONE_NEWUTS) && errno != EINVAL)
		return fail("namespace");
	if (setgid(NOBODY) || setuid(NOBODY))
		return fail("user");
	return 0;
}

static int set_kthreadd(int policy, int priority)
{
	const struct sched_param param = { .sched_priority = priority };

	if (sched_setscheduler(KTHREADD, policy, &param))
		return fail("class of kthreadd");
	return 0;
}

/* In a child, so that somebody is left who can restore kthreadd */
static int run_strange(void)
{
	int status, run;
	pid_t pid;

	run = open(RUN_FILE, O_WRONLY);
	if (run < 0)
		return fail(RUN_FILE);
	pid = fork();
	if (pid < 0)
		return fail("fork");
	if (!pid) {
		if (make_strange())
			_exit(1);
		if (write(run, COMMAND, strlen(COMMAND)) < 0)
			_exit(fail(COMMAND));
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return fail("child");
	return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	bool change = argc > 1 && !strcmp(argv[1], "-p");
	int ret;

	/* kthreadd must not stay like this if the user loses patience */
	if (change) {
		signal(SIGHUP, SIG_IGN);
		signal(SIGINT, SIG_IGN);
		signal(SIGTERM, SIG_IGN);
		if (set_kthreadd(SCHED_FIFO, 1))
			return 1;
	}
	ret = run_strange();
	if (change && set_kthreadd(SCHED_OTHER, 0))
		ret = 1;
	return ret;
}
