// SPDX-License-Identifier: GPL-2.0
/*
 * Hotplug threads when there is no memory: the first allocation fails, then the
 * second, and so on until there is none left to fail. Once those of the caller
 * and once those of kthreadd, which is who forks: for kthreads that somebody
 * else creates meanwhile, too.
 */
#include <linux/cpu.h>
#include <linux/errno.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include "smp_test.h"
#include "smp_test_threads.h"

#define NOMEM_SETS	(BIT(THREADS_FULL) | BIT(THREADS_SECOND))
#define NOMEM_LIMIT	10000
#define NOMEM_KTHREADD	2

/* Whose allocations fail, as the script tells */
enum nomem_who {
	NOMEM_CALLER,
	NOMEM_FORK,
	NOMEM_WHO,
};

/**
 * struct nomem_count - what registrations came to
 * @errors:	those that failed
 * @odd:	those with another error than kthread_create() says
 * @odd_error:	the last such error
 */
struct nomem_count {
	unsigned int	errors;
	unsigned int	odd;
	int		odd_error;
};

/* Returns a reference */
static struct task_struct *nomem_task(unsigned long who)
{
	struct task_struct *task = current;

	guard(rcu)();
	if (who == NOMEM_FORK)
		task = pid_task(find_pid_ns(NOMEM_KTHREADD, &init_pid_ns), PIDTYPE_PID);
	return task ? get_task_struct(task) : NULL;
}

static bool nomem_possible(void)
{
	if (IS_ENABLED(CONFIG_FAULT_INJECTION))
		return true;
	smp_skip("kernel without CONFIG_FAULT_INJECTION");
	return false;
}

/* One registration; true when its allocations are used up */
static bool nomem_register_one(struct threads_fault *fault, struct nomem_count *count)
{
	int ret;

	ret = threads_record_begin();
	if (ret) {
		smp_fail("record: error %d", ret);
		return true;
	}
	ret = threads_register(BIT(THREADS_FULL), fault);
	if (ret && fault->left)
		smp_fail("error %d with no allocation failing", ret);
	if (ret)
		count->errors++;
	if (ret && ret != -ENOMEM) {
		count->odd++;
		count->odd_error = ret;
	}
	threads_unregister();
	/* Checks that no thread is left, and the record */
	threads_record_end();
	return !ret && fault->left;
}

static int nomem_register(const unsigned long *arg)
{
	struct threads_fault fault = {};
	struct nomem_count count = {};

	if (arg[0] >= NOMEM_WHO)
		return -EINVAL;
	if (threads_registered())
		return -EBUSY;
	if (!nomem_possible())
		return 0;
	fault.task = nomem_task(arg[0]);
	if (!fault.task)
		return -ESRCH;
	do {
		fault.nth++;
		if (nomem_register_one(&fault, &count))
			break;
	} while (fault.nth < NOMEM_LIMIT && !smp_failed());
	put_task_struct(fault.task);

	smp_value("allocations", fault.nth - 1, "count");
	smp_value("errors", count.errors, "count");
	smp_value("odd", count.odd, "count");
	smp_value("odd_error", -count.odd_error, "errno");
	if (fault.nth == NOMEM_LIMIT)
		smp_fail("there is always one more allocation");
	if (!count.errors)
		smp_fail("no allocation failed");
	return 0;
}

/*
 * Bring up a CPU whose threads do not exist yet; the value left tells whether
 * an allocation has failed.
 */
static int nomem_add_cpu(const unsigned long *arg)
{
	struct threads_fault fault = { .nth = arg[2] };
	unsigned int cpu = arg[0];
	int ret;

	if (cpu >= nr_cpu_ids || cpu_online(cpu) || arg[1] >= NOMEM_WHO || !arg[2])
		return -EINVAL;
	if (threads_registered())
		return -EBUSY;
	if (!nomem_possible())
		return 0;
	fault.task = nomem_task(arg[1]);
	if (!fault.task)
		return -ESRCH;
	ret = threads_record_begin();
	if (ret)
		goto out_put;
	ret = threads_register(NOMEM_SETS, &THREADS_NO_FAULT);
	if (ret) {
		threads_record_end();
		goto out_put;
	}

	ret = threads_add_cpu(cpu, &fault);
	smp_value("error", -ret, "errno");
	smp_value("odd", ret && ret != -ENOMEM, "count");
	smp_value("left", fault.left, "count");
	if (ret && fault.left)
		smp_fail("error %d with no allocation failing", ret);
	if (cpu_online(cpu) != !ret)
		smp_fail("CPU %u is %s after error %d", cpu,
			 cpu_online(cpu) ? "online" : "offline", ret);
	if (ret)
		threads_check_parked(cpu);
	else
		threads_settle();
	ret = 0;
out_put:
	put_task_struct(fault.task);
	return ret;
}

/* The same CPU once more with memory, then everything as it was */
static int nomem_add_cpu_again(const unsigned long *arg)
{
	unsigned int cpu = arg[0];
	int ret;

	if (!threads_registered())
		return -ENOENT;
	if (cpu >= nr_cpu_ids)
		return -EINVAL;
	if (!cpu_online(cpu)) {
		ret = threads_add_cpu(cpu, &THREADS_NO_FAULT);
		if (ret)
			smp_fail("CPU %u on, with memory: error %d", cpu, ret);
		else
			threads_settle();
	}
	if (cpu_online(cpu)) {
		ret = remove_cpu(cpu);
		if (ret)
			smp_fail("CPU %u off: error %d", cpu, ret);
	}
	threads_unregister();
	threads_record_end();
	return 0;
}

const struct smp_test smp_threads_nomem_tests[] = {
	{ .name = "nomem_register", .run = nomem_register, .min_args = 1, .max_args = 1, },
	{ .name = "nomem_add_cpu", .run = nomem_add_cpu, .min_args = 3, .max_args = 3, },
	{ .name = "nomem_again", .run = nomem_add_cpu_again, .min_args = 1, .max_args = 1, },
	{ }
};
