// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of stop_machine(), of function calls between CPUs and of CPU hotplug.
 *
 * /sys/kernel/debug/smp_test/tests	names of the tests
 * /sys/kernel/debug/smp_test/run	write "NAME [NUMBER]..." to run one
 * /sys/kernel/debug/smp_test/result	verdict and numbers of the last one
 *
 * A test runs in the context of the writer, who can so give it a scheduling
 * class or a fault injection filter. Nothing on the way from the write to the
 * test allocates memory.
 */
#include <linux/cpu.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/sort.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "smp_test.h"
#include "smp_test_threads.h"

#define SMP_COMMAND_LEN	128
#define SMP_ARGS	4
#define SMP_EXIT_LIMIT_MS	5000

enum smp_verdict {
	SMP_NONE,
	SMP_OK,
	SMP_FAILED,
	SMP_SKIPPED,
};

/* One test at a time; protects everything below, and what the tests keep */
static DEFINE_MUTEX(smp_mutex);
static char smp_command[SMP_COMMAND_LEN];
static bool smp_figures;

/* Threads of a test report failures, too */
static DEFINE_SPINLOCK(smp_result_lock);
static enum smp_verdict smp_verdict;
static unsigned int smp_failures;
static char smp_reason[256];
static char smp_values[4096];
static size_t smp_values_len;

static struct dentry *smp_dir;

static const struct smp_test * const smp_lists[] = {
	smp_stop_tests,
	smp_stop_witness_tests,
	smp_storm_tests,
	smp_bench_tests,
	smp_queue_tests,
	smp_queue_storm_tests,
	smp_queue_bench_tests,
	smp_block_tests,
	smp_workqueue_tests,
	smp_topology_tests,
	smp_threads_tests,
	smp_threads_nomem_tests,
	smp_kthread_tests,
	smp_states_tests,
};

/**
 * smp_fail - Report that the running test has failed
 * @fmt:	why, as for printk(), without a newline
 *
 * The first reason is kept, the others are counted.
 *
 * Context: Task context.
 */
void smp_fail(const char *fmt, ...)
{
	va_list args;

	spin_lock(&smp_result_lock);
	if (!smp_failures++) {
		va_start(args, fmt);
		vscnprintf(smp_reason, sizeof(smp_reason), fmt, args);
		va_end(args);
	}
	smp_verdict = SMP_FAILED;
	spin_unlock(&smp_result_lock);
}

/**
 * smp_skip - Report that the running test cannot be done here
 * @fmt:	why, as for printk(), without a newline
 *
 * A failure that was reported before stays a failure.
 *
 * Context: Task context.
 */
void smp_skip(const char *fmt, ...)
{
	va_list args;

	spin_lock(&smp_result_lock);
	if (smp_verdict == SMP_OK) {
		va_start(args, fmt);
		vscnprintf(smp_reason, sizeof(smp_reason), fmt, args);
		va_end(args);
		smp_verdict = SMP_SKIPPED;
	}
	spin_unlock(&smp_result_lock);
}

/**
 * smp_value - Add a number to the result
 * @name:	its name
 * @value:	the number
 * @unit:	its unit
 *
 * Context: The writer of the run file.
 */
void smp_value(const char *name, u64 value, const char *unit)
{
	smp_values_len += scnprintf(smp_values + smp_values_len,
				    sizeof(smp_values) - smp_values_len,
				    "%s %llu %s\n", name, value, unit);
}

/**
 * smp_failed - Tell whether the running test has failed
 *
 * Return: true if smp_fail() was called since the test began.
 */
bool smp_failed(void)
{
	return READ_ONCE(smp_verdict) == SMP_FAILED;
}

/**
 * smp_dwell - Keep the CPU busy, whatever the context
 * @us:		for how many microseconds
 */
void smp_dwell(unsigned int us)
{
	for (; us > USEC_PER_MSEC; us -= USEC_PER_MSEC)
		udelay(USEC_PER_MSEC);
	udelay(us);
}

/**
 * smp_random_mask - Choose a random subset
 * @mask:	the result, which is never empty
 * @base:	what to choose from
 */
void smp_random_mask(struct cpumask *mask, const struct cpumask *base)
{
	unsigned int cpu;

	do {
		cpumask_clear(mask);
		for_each_cpu(cpu, base) {
			if (get_random_u32_below(2))
				cpumask_set_cpu(cpu, mask);
		}
	} while (cpumask_empty(mask));
}

/**
 * smp_random_cpu - Choose a random CPU
 * @mask:	what to choose from
 *
 * Return: a CPU of @mask, or nr_cpu_ids if @mask became empty meanwhile.
 */
unsigned int smp_random_cpu(const struct cpumask *mask)
{
	unsigned int weight = cpumask_weight(mask);

	if (!weight)
		return nr_cpu_ids;
	return cpumask_nth(get_random_u32_below(weight), mask);
}

/**
 * smp_sleep - Sleep, but not longer than the writer wants to
 * @ms:		milliseconds
 *
 * Return: 0, or -EINTR if a signal came.
 */
int smp_sleep(unsigned int ms)
{
	return msleep_interruptible(ms) ? -EINTR : 0;
}

/**
 * smp_cpu_can_go - Tell whether a CPU can be taken offline
 * @cpu:	the CPU
 *
 * CPU 0 always stays, so that there is one CPU that all tests can rely on.
 *
 * Return: true if remove_cpu() can be expected to work.
 */
bool smp_cpu_can_go(unsigned int cpu)
{
	return IS_ENABLED(CONFIG_HOTPLUG_CPU) && cpu && cpu_online(cpu) &&
	       cpu_is_hotpluggable(cpu);
}

/**
 * smp_first_to_go - Find the first CPU that can be taken offline
 *
 * Return: the CPU; or nr_cpu_ids if there is none, and then the test is skipped.
 */
unsigned int smp_first_to_go(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		if (smp_cpu_can_go(cpu))
			return cpu;
	}
	smp_skip("no CPU can go offline");
	return nr_cpu_ids;
}

static unsigned int smp_tasks(const char *comm)
{
	struct task_struct *task;
	unsigned int nr = 0;

	guard(rcu)();
	for_each_process(task) {
		if (str_has_prefix(task->comm, comm))
			nr++;
	}
	return nr;
}

/**
 * smp_check_no_tasks - Check that no task is left
 * @comm:	what the names of these tasks begin with
 *
 * A kthread is seen a bit longer than kthread_stop() takes.
 */
void smp_check_no_tasks(const char *comm)
{
	unsigned int ms, nr = 0;

	for (ms = 0; ms < SMP_EXIT_LIMIT_MS; ms++) {
		nr = smp_tasks(comm);
		if (!nr)
			return;
		fsleep(USEC_PER_MSEC);
	}
	smp_fail("%u tasks %s are left", nr, comm);
}

static int smp_cmp_u64(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/**
 * smp_sort - Sort samples
 * @value:	the samples
 * @nr:		their number
 */
void smp_sort(u64 *value, unsigned int nr)
{
	sort(value, nr, sizeof(*value), smp_cmp_u64, NULL);
}

/**
 * smp_percentile - Find the value below which a part of the samples lie
 * @sorted:	the samples
 * @nr:		their number
 * @percent:	the part; 100 gives the largest sample
 *
 * Return: the sample, 0 if there is none.
 */
u64 smp_percentile(const u64 *sorted, unsigned int nr, unsigned int percent)
{
	if (!nr)
		return 0;
	return sorted[min(nr - 1, nr * percent / 100)];
}

static const struct smp_test *smp_find(const char *name)
{
	const struct smp_test *test;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(smp_lists); i++) {
		for (test = smp_lists[i]; test->name; test++) {
			if (!strcmp(test->name, name))
				return test;
		}
	}
	return NULL;
}

static int smp_run(char *command)
{
	unsigned long arg[SMP_ARGS] = {};
	const struct smp_test *test;
	unsigned int nr = 0;
	char *word;
	int ret;

	smp_verdict = SMP_NONE;
	smp_failures = 0;
	smp_values_len = 0;

	word = strsep(&command, " ");
	test = smp_find(word);
	if (!test)
		return -ENOENT;

	while ((word = strsep(&command, " "))) {
		if (nr == test->max_args)
			return -EINVAL;
		ret = kstrtoul(word, 0, &arg[nr++]);
		if (ret)
			return ret;
	}
	if (nr < test->min_args)
		return -EINVAL;

	smp_verdict = SMP_OK;
	smp_figures = test->figures;
	ret = test->run(arg);
	if (!ret && test->figures && smp_verdict != SMP_OK)
		ret = smp_verdict == SMP_FAILED ? -EIO : -EOPNOTSUPP;
	if (ret)
		smp_verdict = SMP_NONE;
	return ret;
}

static ssize_t smp_run_write(struct file *file, const char __user *buf,
			     size_t count, loff_t *ppos)
{
	int ret;

	if (count >= sizeof(smp_command))
		return -EINVAL;
	if (mutex_lock_interruptible(&smp_mutex))
		return -EINTR;

	ret = -EFAULT;
	if (!copy_from_user(smp_command, buf, count)) {
		smp_command[count] = '\0';
		ret = smp_run(strim(smp_command));
	}
	mutex_unlock(&smp_mutex);
	return ret ?: count;
}

static const struct file_operations smp_run_fops = {
	.owner		= THIS_MODULE,
	.write		= smp_run_write,
};

static int result_show(struct seq_file *m, void *unused)
{
	guard(mutex)(&smp_mutex);

	switch (smp_verdict) {
	case SMP_NONE:
		return -ENODATA;
	case SMP_OK:
		if (!smp_figures)
			seq_puts(m, "ok\n");
		break;
	case SMP_FAILED:
		seq_printf(m, "not ok %s", smp_reason);
		if (smp_failures > 1)
			seq_printf(m, " (and %u more)", smp_failures - 1);
		seq_putc(m, '\n');
		break;
	case SMP_SKIPPED:
		seq_printf(m, "skip %s\n", smp_reason);
		break;
	}
	seq_write(m, smp_values, smp_values_len);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(result);

static int tests_show(struct seq_file *m, void *unused)
{
	const struct smp_test *test;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(smp_lists); i++) {
		for (test = smp_lists[i]; test->name; test++)
			seq_printf(m, "%s\n", test->name);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(tests);

static int __init smp_test_init(void)
{
	int ret;

	ret = smp_stop_init();
	if (ret)
		return ret;

	smp_dir = debugfs_create_dir("smp_test", NULL);
	debugfs_create_file("run", 0200, smp_dir, NULL, &smp_run_fops);
	debugfs_create_file("result", 0400, smp_dir, NULL, &result_fops);
	debugfs_create_file("tests", 0400, smp_dir, NULL, &tests_fops);
	return 0;
}
module_init(smp_test_init);

static void __exit smp_test_exit(void)
{
	/* Waits for a test that is still running */
	debugfs_remove_recursive(smp_dir);
	smp_bench_exit();
	smp_block_exit();
	smp_threads_exit();
	smp_stop_exit();
}
module_exit(smp_test_exit);

MODULE_DESCRIPTION("Tests of stop_machine, of calls between CPUs and of CPU hotplug");
MODULE_LICENSE("GPL");
