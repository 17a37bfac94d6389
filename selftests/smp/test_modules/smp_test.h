/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the smp_test module offers to those with the tests: how a test is called,
 * how it reports, and how runs of a stop_machine() function are recorded and
 * checked.
 */
#ifndef _SMP_TEST_H
#define _SMP_TEST_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/cpumask.h>
#include <linux/list.h>
#include <linux/types.h>

/**
 * struct smp_test - one name that can be written to the run file
 * @name:	the name
 * @run:	runs the test in the context of the writer, with the arguments
 *		that were given (never fewer than @min_args, zero for the rest)
 * @min_args:	number of arguments that must be given
 * @max_args:	number of arguments that can be given
 *
 * @run returns a negative error code for arguments or surroundings that do not
 * allow to run at all. What a test finds is reported with smp_fail().
 */
struct smp_test {
	const char	*name;
	int		(*run)(const unsigned long *arg);
	unsigned int	min_args;
	unsigned int	max_args;
};

/**
 * struct smp_tests - the tests of a module
 * @test:	the tests; the last entry has no name
 * @list:	for the smp_test module
 */
struct smp_tests {
	const struct smp_test	*test;
	struct list_head	list;
};

void smp_tests_register(struct smp_tests *tests);
void smp_tests_unregister(struct smp_tests *tests);

void smp_fail(const char *fmt, ...) __printf(1, 2);
void smp_skip(const char *fmt, ...) __printf(1, 2);
void smp_value(const char *name, u64 value, const char *unit);
bool smp_failed(void);

/* What a function saw that runs where it must not run */
#define SMP_STOP_IRQS_ON	BIT(0)
#define SMP_STOP_PREEMPTIBLE	BIT(1)
#define SMP_STOP_OFFLINE	BIT(2)

/**
 * struct smp_stop_cpu - what one CPU did in one call
 * @runs:	how often the function ran there
 * @bad:	SMP_STOP_* for what was wrong there
 * @ret:	what the function returns there
 */
struct smp_stop_cpu {
	unsigned int	runs;
	unsigned int	bad;
	int		ret;
};

/**
 * struct smp_stop_call - record of one call of stop_machine()
 * @entered:	number of CPUs that have entered the function
 * @dwell_us:	time to spend in the function
 * @online:	CPUs that were online while the function ran
 * @cpu:	one record per possible CPU
 */
struct smp_stop_call {
	atomic_t		entered;
	unsigned int		dwell_us;
	struct cpumask		online;
	struct smp_stop_cpu	cpu[];
};

struct smp_stop_call *smp_stop_call_alloc(void);
void smp_stop_call_reset(struct smp_stop_call *call);
int smp_stop_record(void *data);
bool smp_stop_check(const struct smp_stop_call *call, const struct cpumask *mask,
		    const char *what);

void smp_dwell(unsigned int us);
void smp_random_mask(struct cpumask *mask, const struct cpumask *base);
unsigned int smp_random_cpu(const struct cpumask *mask);
int smp_sleep(unsigned int ms);
bool smp_cpu_can_go(unsigned int cpu);
unsigned int smp_first_to_go(void);
void smp_check_no_tasks(const char *comm);
void smp_sort(u64 *value, unsigned int nr);
u64 smp_percentile(const u64 *sorted, unsigned int nr, unsigned int percent);

#endif /* _SMP_TEST_H */
