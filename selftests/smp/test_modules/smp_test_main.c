// SPDX-License-Identifier: GPL-2.0
/*
 * Runs the tests of stop_machine(), of function calls between CPUs and of CPU
 * hotplug, which other modules register.
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

#define SMP_COMMAND_LEN	128
#define SMP_ARGS	5
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
static LIST_HEAD(smp_lists);

/* Threads of a test report failures, too */
static DEFINE_SPINLOCK(smp_result_lock);
static enum smp_verdict smp_verdict;
static unsigned int smp_failures;
static char smp_reason[256];
static char smp_values[4096];
static size_t smp_values_len;

static struct dentry *smp_dir;

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
EXPORT_SYMBOL_GPL(smp_fail);

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
EXPORT_SYMBOL_GPL(smp_skip);

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
EXPORT_SYMBOL_GPL(smp_value);

/**
 * smp_failed - Tell whether the running test has failed
 *
 * Return: true if smp_fail() was called since the test began.
 */
bool smp_failed(void)
{
	return READ_ONCE(smp_verdict) == SMP_FAILED;
}
EXPORT_SYMBOL_GPL(smp_failed);

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
EXPORT_SYMBOL_GPL(smp_dwell);

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
EXPORT_SYMBOL_GPL(smp_random_mask);

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
EXPORT_SYMBOL_GPL(smp_random_cpu);

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
EXPORT_SYMBOL_GPL(smp_sleep);

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
EXPORT_SYMBOL_GPL(smp_cpu_can_go);

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
EXPORT_SYMBOL_GPL(smp_first_to_go);

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
EXPORT_SYMBOL_GPL(smp_check_no_tasks);

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
EXPORT_SYMBOL_GPL(smp_sort);

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
EXPORT_SYMBOL_GPL(smp_percentile);

/**
 * smp_tests_register - Let the tests of a module be run
 * @tests:	the tests, which stay until smp_tests_unregister()
 *
 * Context: Task context. May sleep until a running test ends.
 */
void smp_tests_register(struct smp_tests *tests)
{
	guard(mutex)(&smp_mutex);
	list_add_tail(&tests->list, &smp_lists);
}
EXPORT_SYMBOL_GPL(smp_tests_register);

/**
 * smp_tests_unregister - Let the tests of a module no longer be run
 * @tests:	the tests
 *
 * Context: Task context. May sleep until a running test ends.
 */
void smp_tests_unregister(struct smp_tests *tests)
{
	guard(mutex)(&smp_mutex);
	list_del(&tests->list);
}
EXPORT_SYMBOL_GPL(smp_tests_unregister);

static const struct smp_test *smp_find(const char *name)
{
	const struct smp_test *test;
	struct smp_tests *tests;

	list_for_each_entry(tests, &smp_lists, list) {
		for (test = tests->test; test->name; test++) {
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
		if (nr == test->max_args || nr == SMP_ARGS)
			return -EINVAL;
		ret = kstrtoul(word, 0, &arg[nr++]);
		if (ret)
			return ret;
	}
	if (nr < test->min_args)
		return -EINVAL;

	smp_verdict = SMP_OK;
	ret = test->run(arg);
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
	struct smp_tests *tests;

	guard(mutex)(&smp_mutex);

	list_for_each_entry(tests, &smp_lists, list) {
		for (test = tests->test; test->name; test++)
			seq_printf(m, "%s\n", test->name);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(tests);

static int __init smp_test_init(void)
{
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
}
module_exit(smp_test_exit);

MODULE_DESCRIPTION("Runs tests of stop_machine, of calls between CPUs and of CPU hotplug");
MODULE_LICENSE("GPL");
