// SPDX-License-Identifier: GPL-2.0
/*
 * Measures stop_machine() and function calls between CPUs for ci/bench.
 *
 * /sys/kernel/debug/smp_bench/run	write "NAME [NUMBER]..." to measure
 * /sys/kernel/debug/smp_bench/result	figures of the last one, each a line
 *					"NAME VALUE UNIT"
 *
 * Needs nothing that only some of the kernels have which are to be compared.
 */
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "smp_bench.h"

#define BENCH_COMMAND_LEN	128
#define BENCH_ARGS		4

/* One measurement at a time; protects everything below */
static DEFINE_MUTEX(bench_mutex);
static char bench_command[BENCH_COMMAND_LEN];
static char bench_figures[4096];
static size_t bench_figures_len;
static struct cpumask bench_old_mask;

static struct dentry *bench_dir;

/**
 * bench_figure - Add a figure to the result
 * @name:	its name
 * @value:	its value
 * @unit:	its unit
 */
void bench_figure(const char *name, u64 value, const char *unit)
{
	bench_figures_len += scnprintf(bench_figures + bench_figures_len,
				       sizeof(bench_figures) - bench_figures_len,
				       "%s %llu %s\n", name, value, unit);
}

/**
 * bench_samples - Allocate room for samples, to be freed with kvfree()
 * @nr:		their number
 *
 * Return: the room, or an error pointer.
 */
u64 *bench_samples(unsigned long nr)
{
	u64 *ns;

	if (!nr || nr > BENCH_CALLS_MAX)
		return ERR_PTR(-EINVAL);
	ns = kvmalloc_objs(*ns, nr);
	return ns ?: ERR_PTR(-ENOMEM);
}

static int bench_cmp(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/**
 * bench_sort - Sort samples
 * @ns:		the samples
 * @nr:		their number
 */
void bench_sort(u64 *ns, unsigned long nr)
{
	sort(ns, nr, sizeof(*ns), bench_cmp, NULL);
}

/**
 * bench_percentile - Find the value below which a part of the samples lie
 * @sorted:	the samples
 * @nr:		their number
 * @percent:	the part; 100 gives the largest sample
 *
 * Return: the sample, 0 if there is none.
 */
u64 bench_percentile(const u64 *sorted, unsigned long nr, unsigned int percent)
{
	return nr ? sorted[min(nr - 1, nr * percent / 100)] : 0;
}

/**
 * bench_move - Move to another CPU than one that is called, if there is one
 * @target:	the CPU that is called
 *
 * To be followed by bench_move_back(), also after an error.
 *
 * Return: 0 or an error.
 */
int bench_move(unsigned long target)
{
	static struct cpumask other;

	cpumask_copy(&bench_old_mask, current->cpus_ptr);
	if (target >= nr_cpu_ids || !cpu_online(target))
		return -EINVAL;
	cpumask_andnot(&other, cpu_online_mask, cpumask_of(target));
	if (cpumask_empty(&other))
		return 0;
	return set_cpus_allowed_ptr(current, cpumask_of(cpumask_first(&other)));
}

/**
 * bench_move_back - Undo bench_move()
 */
void bench_move_back(void)
{
	set_cpus_allowed_ptr(current, &bench_old_mask);
}

static const struct bench *bench_find(const char *name)
{
	static const struct bench * const list[] = { bench_time_list, bench_queue_list };
	const struct bench *bench;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(list); i++) {
		for (bench = list[i]; bench->name; bench++) {
			if (!strcmp(bench->name, name))
				return bench;
		}
	}
	return NULL;
}

static int bench_run(char *command)
{
	unsigned long arg[BENCH_ARGS] = {};
	const struct bench *bench;
	unsigned int nr = 0;
	char *word;
	int ret;

	bench_figures_len = 0;
	word = strsep(&command, " ");
	bench = bench_find(word);
	if (!bench)
		return -ENOENT;
	while ((word = strsep(&command, " "))) {
		if (nr == bench->max_args)
			return -EINVAL;
		ret = kstrtoul(word, 0, &arg[nr++]);
		if (ret)
			return ret;
	}
	if (nr < bench->min_args)
		return -EINVAL;
	ret = bench->run(arg);
	if (ret)
		bench_figures_len = 0;
	return ret;
}

static ssize_t bench_run_write(struct file *file, const char __user *buf,
			       size_t count, loff_t *ppos)
{
	int ret;

	if (count >= sizeof(bench_command))
		return -EINVAL;
	if (mutex_lock_interruptible(&bench_mutex))
		return -EINTR;

	ret = -EFAULT;
	if (!copy_from_user(bench_command, buf, count)) {
		bench_command[count] = '\0';
		ret = bench_run(strim(bench_command));
	}
	mutex_unlock(&bench_mutex);
	return ret ?: count;
}

static const struct file_operations bench_run_fops = {
	.owner		= THIS_MODULE,
	.write		= bench_run_write,
};

static int result_show(struct seq_file *m, void *unused)
{
	guard(mutex)(&bench_mutex);
	seq_write(m, bench_figures, bench_figures_len);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(result);

static int __init bench_init(void)
{
	bench_dir = debugfs_create_dir("smp_bench", NULL);
	debugfs_create_file("run", 0200, bench_dir, NULL, &bench_run_fops);
	debugfs_create_file("result", 0400, bench_dir, NULL, &result_fops);
	return 0;
}
module_init(bench_init);

static void __exit bench_exit(void)
{
	/* Waits for a measurement that is still running */
	debugfs_remove_recursive(bench_dir);
}
module_exit(bench_exit);

MODULE_DESCRIPTION("Measures stop_machine and function calls between CPUs");
MODULE_LICENSE("GPL");
