// SPDX-License-Identifier: GPL-2.0
/*
 * Run a test of the smp_test module while a SCHED_FIFO task spins on each CPU.
 *
 * Usage: fifo_hog SECONDS COMMAND...
 *
 * The hogs have priority 99, and 98 on the CPU of the caller, which has 99 so
 * that it comes back to the CPU at all. Only what preempts a task of that
 * priority can make progress for it. After SECONDS the hogs are stopped, from
 * a task that waits beside the caller; they also stop themselves a bit later,
 * so that the machine comes back in any case.
 *
 * Prints numbers as "NAME VALUE UNIT".
 *
 * Exit codes: 0 the test has ended in time, 1 it has not
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_CPUS	1024
#define PRIO_TOP	99
#define PRIO_BELOW	98
#define GRACE_S		5
#define RUN_FILE	"/sys/kernel/debug/smp_test/run"

struct shared {
	atomic_int stop;
	atomic_int ready;
	atomic_int done;
	atomic_int error;
	atomic_llong elapsed_ns;
	atomic_ulong turns[MAX_CPUS];
};

static struct shared *shared;

/* CPUs with a hog */
static bool hogged[MAX_CPUS];

/* Turns of the hogs before and after the test */
static unsigned long before[MAX_CPUS], after[MAX_CPUS];

static void die(const char *what)
{
	fprintf(stderr, "fifo_hog: %s: %s\n", what, strerror(errno));
	if (shared)
		shared->stop = 1;
	_exit(1);
}

static long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

static void fifo(int priority)
{
	struct sched_param param = { .sched_priority = priority };

	if (sched_setscheduler(0, SCHED_FIFO, &param))
		die("sched_setscheduler");
}

static pid_t spawn(int cpu)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid)
		pin(cpu);
	return pid;
}

static void hog_loop(atomic_ulong *turns, int priority, long long limit)
{
	unsigned int i;

	fifo(priority);
	while (!shared->stop) {
		for (i = 0; i < 1000 && !shared->stop; i++)
			(*turns)++;
		if (now_ns() > limit)
			break;
	}
	_exit(0);
}

static void caller(int run, const char *command)
{
	size_t length = strlen(command);
	long long start;

	fifo(PRIO_TOP);
	while (!shared->ready) {
		if (shared->stop)
			_exit(1);
		usleep(1000);
	}
	start = now_ns();
	if (write(run, command, length) != (ssize_t)length)
		shared->error = errno;
	shared->elapsed_ns = now_ns() - start;
	shared->done = 1;
	_exit(0);
}

static void report(void)
{
	unsigned long least = 0, turns;
	int cpu, cpus = 0;

	for (cpu = 0; cpu < MAX_CPUS; cpu++) {
		if (!hogged[cpu])
			continue;
		turns = after[cpu] - before[cpu];
		if (!cpus++ || turns < least)
			least = turns;
	}
	printf("hogs %d count\n", cpus);
	printf("hog_turns_least %lu count\n", least);
	printf("elapsed %lld us\n", shared->elapsed_ns / 1000);
}

static void take(unsigned long *turns)
{
	int cpu;

	for (cpu = 0; cpu < MAX_CPUS; cpu++)
		turns[cpu] = shared->turns[cpu];
}

/*
 * Each hog has made a turn since @turns were taken. A hog never sleeps: one that runs
 * before the test and after it was runnable all the time between, even if the
 * test left it no turn there.
 */
static bool hogs_run_since(const unsigned long *turns, long long limit)
{
	struct timespec tick = { .tv_nsec = 20000000 };
	bool all;
	int cpu;

	do {
		nanosleep(&tick, NULL);
		all = true;
		for (cpu = 0; cpu < MAX_CPUS; cpu++) {
			if (hogged[cpu] && shared->turns[cpu] == turns[cpu])
				all = false;
		}
	} while (!all && now_ns() < limit);
	return all;
}

int main(int argc, char **argv)
{
	int cpu, home = -1, late = 0, run, i;
	struct timespec tick = { .tv_nsec = 20000000 };
	char command[256] = "";
	long long limit;
	bool hogs_left;
	cpu_set_t online;
	size_t length;
	long seconds;

	seconds = argc > 2 ? atol(argv[1]) : 0;
	if (seconds < 1) {
		fprintf(stderr, "usage: fifo_hog SECONDS COMMAND...\n");
		return 1;
	}
	for (i = 2; i < argc; i++) {
		length = strlen(command);
		snprintf(command + length, sizeof(command) - length, "%s%s",
			 i > 2 ? " " : "", argv[i]);
	}
	run = open(RUN_FILE, O_WRONLY);
	if (run < 0)
		die(RUN_FILE);
	/* Who calls this may be kept on some of the CPUs, the hogs need them all. */
	memset(&online, 0xff, sizeof(online));
	if (sched_setaffinity(0, sizeof(online), &online))
		die("sched_setaffinity");
	if (sched_getaffinity(0, sizeof(online), &online))
		die("sched_getaffinity");
	if (CPU_COUNT(&online) != sysconf(_SC_NPROCESSORS_ONLN)) {
		fprintf(stderr, "fifo_hog: only %d of %ld CPUs can be used\n",
			CPU_COUNT(&online), sysconf(_SC_NPROCESSORS_ONLN));
		return 1;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		shared = NULL;
		die("mmap");
	}

	limit = now_ns() + seconds * 1000000000LL;
	for (cpu = 0; cpu < MAX_CPUS && home < 0; cpu++) {
		if (CPU_ISSET(cpu, &online))
			home = cpu;
	}
	pin(home);
	fifo(PRIO_TOP);
	if (!spawn(home))
		caller(run, command);
	for (cpu = 0; cpu < MAX_CPUS; cpu++) {
		if (!CPU_ISSET(cpu, &online))
			continue;
		if (!spawn(cpu))
			hog_loop(&shared->turns[cpu], cpu == home ? PRIO_BELOW : PRIO_TOP,
				 limit + GRACE_S * 1000000000LL);
		hogged[cpu] = true;
	}

	if (!hogs_run_since(before, limit)) {
		shared->stop = 1;
		fprintf(stderr, "fifo_hog: the hogs do not run\n");
		return 1;
	}
	take(before);
	shared->ready = 1;
	while (!shared->done && !late) {
		nanosleep(&tick, NULL);
		late = now_ns() > limit;
	}
	late = !shared->done;
	take(after);
	hogs_left = !late && !hogs_run_since(after, limit);
	shared->stop = 1;
	while (wait(NULL) > 0)
		;

	if (late) {
		fprintf(stderr, "fifo_hog: not ended after %ld s, only without the hogs\n",
			seconds);
		return 1;
	}
	if (shared->error) {
		errno = shared->error;
		die(command);
	}
	if (hogs_left) {
		fprintf(stderr, "fifo_hog: a hog does not run after the test\n");
		return 1;
	}
	report();
	return 0;
}
