// SPDX-License-Identifier: GPL-2.0
/*
 * Storms: function calls between CPUs, stop_machine() and CPU hotplug, each
 * alone and all at once, with counters that show that nothing was lost and
 * nothing was done twice.
 */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "smp_test.h"
#include "smp_test_storm.h"

#define STORM_SECONDS_MAX	86400UL
#define STORM_STOP_CALLERS	4
#define STORM_SENDERS_MAX	8
#define STORM_LIMIT_MS		20000

/* The ways to call a function on another CPU */
enum sender_way {
	WAY_SINGLE,
	WAY_SINGLE_WAIT,
	WAY_MANY,
	WAY_MANY_WAIT,
	WAY_ALL,
	WAY_ALL_WAIT,
	WAY_ASYNC,
	NR_WAYS,
};

static const char * const way_name[NR_WAYS] = {
	[WAY_SINGLE]		= "ipi_single",
	[WAY_SINGLE_WAIT]	= "ipi_single_wait",
	[WAY_MANY]		= "ipi_many",
	[WAY_MANY_WAIT]		= "ipi_many_wait",
	[WAY_ALL]		= "ipi_all",
	[WAY_ALL_WAIT]		= "ipi_all_wait",
	[WAY_ASYNC]		= "ipi_async",
};

/**
 * struct lane_cpu - one way of one sender to one CPU
 * @sent:	number of calls, counted by the sender
 * @ran:	number of runs, counted on the CPU with interrupts off
 * @seen:	number of the call that the last run saw
 * @csd:	for the way that brings its own, WAY_ASYNC
 */
struct lane_cpu {
	unsigned long		sent;
	unsigned long		ran;
	unsigned long		seen;
	call_single_data_t	csd;
};

struct lane {
	unsigned long		seq;
	unsigned long		calls;
	unsigned long		refused;
	atomic_t		irqs_on;
	struct lane_cpu		*cpu;
};

struct sender {
	struct task_struct	*task;
	struct cpumask		mask;
	struct lane		lane[NR_WAYS];
};

static struct sender *senders;
static unsigned int senders_nr;
static struct cpumask sender_targets;

static void sender_fn(void *data)
{
	struct lane *lane = data;
	struct lane_cpu *me = &lane->cpu[smp_processor_id()];

	me->seen = READ_ONCE(lane->seq);
	WRITE_ONCE(me->ran, me->ran + 1);
	if (!irqs_disabled())
		atomic_inc(&lane->irqs_on);
}

/* After waiting, the run is over and what it did can be seen */
static void sender_check_waited(struct lane *lane, enum sender_way way,
				const struct cpumask *mask)
{
	unsigned int cpu;

	for_each_cpu(cpu, mask) {
		struct lane_cpu *it = &lane->cpu[cpu];

		if (READ_ONCE(it->ran) != it->sent || it->seen != lane->seq)
			smp_fail("%s to CPU %u: %lu runs of %lu, saw call %lu of %lu",
				 way_name[way], cpu, it->ran, it->sent, it->seen,
				 lane->seq);
	}
}

static void sender_single(struct sender *me, enum sender_way way)
{
	unsigned int cpu = smp_random_cpu(&sender_targets);
	bool wait = way == WAY_SINGLE_WAIT;
	struct lane *lane = &me->lane[way];
	int ret;

	WRITE_ONCE(lane->seq, lane->seq + 1);
	ret = smp_call_function_single(cpu, sender_fn, lane, wait);
	if (!ret) {
		lane->cpu[cpu].sent++;
		if (wait)
			sender_check_waited(lane, way, cpumask_of(cpu));
	} else if (ret == -ENXIO) {
		lane->refused++;
	} else {
		smp_fail("%s to CPU %u: error %d", way_name[way], cpu, ret);
	}
	lane->calls++;
}

/* With interrupts off, which only this call allows */
static void sender_async(struct sender *me, enum sender_way way)
{
	unsigned int cpu = smp_random_cpu(&sender_targets);
	struct lane *lane = &me->lane[way];
	unsigned long flags;
	int ret;

	WRITE_ONCE(lane->seq, lane->seq + 1);
	local_irq_save(flags);
	ret = smp_call_function_single_async(cpu, &lane->cpu[cpu].csd);
	local_irq_restore(flags);
	/* The call before is still under way, or the CPU is offline */
	if (ret == -EBUSY || ret == -ENXIO)
		lane->refused++;
	else if (ret)
		smp_fail("%s to CPU %u: error %d", way_name[way], cpu, ret);
	else
		lane->cpu[cpu].sent++;
	lane->calls++;
}

/*
 * To many CPUs or all of them. The lock keeps the CPUs where they are, so that
 * it is known where the function has to run.
 */
static void sender_group(struct sender *me, enum sender_way way)
{
	bool wait = way == WAY_MANY_WAIT || way == WAY_ALL_WAIT;
	bool many = way == WAY_MANY || way == WAY_MANY_WAIT;
	struct lane *lane = &me->lane[way];
	unsigned int cpu;

	cpus_read_lock();
	if (many)
		smp_random_mask(&me->mask, &sender_targets);
	preempt_disable();
	WRITE_ONCE(lane->seq, lane->seq + 1);
	if (many) {
		smp_call_function_many(&me->mask, sender_fn, lane, wait);
		cpumask_clear_cpu(smp_processor_id(), &me->mask);
	} else {
		cpumask_copy(&me->mask, cpu_online_mask);
		on_each_cpu(sender_fn, lane, wait);
	}
	preempt_enable();
	cpumask_and(&me->mask, &me->mask, cpu_online_mask);
	cpus_read_unlock();

	for_each_cpu(cpu, &me->mask)
		lane->cpu[cpu].sent++;
	if (wait)
		sender_check_waited(lane, way, &me->mask);
	lane->calls++;
}

/* The same without the lock: a CPU that comes online may be left out, or not */
static void sender_group_unlocked(struct sender *me, enum sender_way way)
{
	struct lane *lane = &me->lane[way];
	unsigned int cpu;

	smp_random_mask(&me->mask, &sender_targets);
	preempt_disable();
	cpumask_and(&me->mask, &me->mask, cpu_online_mask);
	WRITE_ONCE(lane->seq, lane->seq + 1);
	on_each_cpu_mask(&me->mask, sender_fn, lane, true);
	preempt_enable();

	/* All in the mask were online, and stayed so with preemption disabled */
	for_each_cpu(cpu, &me->mask)
		lane->cpu[cpu].sent++;
	sender_check_waited(lane, way, &me->mask);
	lane->calls++;
}

static int sender_thread(void *data)
{
	struct sender *me = data;
	unsigned int i = 0;

	while (!kthread_should_stop()) {
		enum sender_way way = get_random_u32_below(NR_WAYS);

		switch (way) {
		case WAY_SINGLE:
		case WAY_SINGLE_WAIT:
			sender_single(me, way);
			break;
		case WAY_ASYNC:
			sender_async(me, way);
			break;
		case WAY_ALL_WAIT:
			if (get_random_u32_below(2)) {
				sender_group_unlocked(me, way);
				break;
			}
			fallthrough;
		default:
			sender_group(me, way);
			break;
		}
		/* Leave some time to the rest of the system */
		if (++i % 256)
			cond_resched();
		else
			usleep_range(100, 200);
	}
	return 0;
}

static void senders_free(void)
{
	unsigned int i;
	int way;

	for (i = 0; i < senders_nr; i++) {
		if (senders[i].task)
			kthread_stop(senders[i].task);
		for (way = 0; way < NR_WAYS; way++)
			kvfree(senders[i].lane[way].cpu);
	}
	kvfree(senders);
	senders = NULL;
}

static int sender_setup(struct sender *it)
{
	struct lane_cpu *cpus;
	unsigned int cpu;
	int way;

	for (way = 0; way < NR_WAYS; way++) {
		cpus = kvzalloc_objs(*cpus, nr_cpu_ids);
		if (!cpus)
			return -ENOMEM;
		it->lane[way].cpu = cpus;
		for_each_possible_cpu(cpu)
			INIT_CSD(&cpus[cpu].csd, sender_fn, &it->lane[way]);
	}
	return 0;
}

/**
 * smp_senders_start - Start threads that call functions on CPUs all the time
 * @targets:	the CPUs
 *
 * Return: 0 or an error.
 */
int smp_senders_start(const struct cpumask *targets)
{
	struct task_struct *task;
	unsigned int i;
	int ret;

	cpumask_copy(&sender_targets, targets);
	senders_nr = min_t(unsigned int, cpumask_weight(targets), STORM_SENDERS_MAX);
	senders = kvzalloc_objs(*senders, senders_nr);
	if (!senders)
		return -ENOMEM;
	for (i = 0; i < senders_nr; i++) {
		ret = sender_setup(&senders[i]);
		if (ret)
			goto out;
	}
	for (i = 0; i < senders_nr; i++) {
		task = kthread_run(sender_thread, &senders[i], "smp_sender/%u", i);
		if (IS_ERR(task)) {
			ret = PTR_ERR(task);
			goto out;
		}
		senders[i].task = task;
	}
	return 0;
out:
	senders_free();
	return ret;
}
EXPORT_SYMBOL_GPL(smp_senders_start);

/* The number of calls that have not run yet; more runs than calls fail */
static unsigned long senders_missing(enum sender_way way)
{
	unsigned long missing = 0;
	unsigned int i, cpu;

	for (i = 0; i < senders_nr; i++) {
		for_each_possible_cpu(cpu) {
			struct lane_cpu *it = &senders[i].lane[way].cpu[cpu];
			unsigned long ran = READ_ONCE(it->ran);

			if (ran > it->sent)
				smp_fail("%s: CPU %u ran %lu times for %lu calls",
					 way_name[way], cpu, ran, it->sent);
			else
				missing += it->sent - ran;
		}
	}
	return missing;
}

static void senders_report(enum sender_way way)
{
	unsigned long calls = 0, runs = 0, refused = 0;
	unsigned int i, cpu;
	char name[32];

	for (i = 0; i < senders_nr; i++) {
		struct lane *lane = &senders[i].lane[way];

		calls += lane->calls;
		refused += lane->refused;
		for_each_possible_cpu(cpu)
			runs += lane->cpu[cpu].ran;
		if (atomic_read(&lane->irqs_on))
			smp_fail("%s ran %d times with interrupts on", way_name[way],
				 atomic_read(&lane->irqs_on));
	}
	if (!calls)
		smp_fail("%s was never called", way_name[way]);
	scnprintf(name, sizeof(name), "%s_calls", way_name[way]);
	smp_value(name, calls, "count");
	scnprintf(name, sizeof(name), "%s_runs", way_name[way]);
	smp_value(name, runs, "count");
	scnprintf(name, sizeof(name), "%s_refused", way_name[way]);
	smp_value(name, refused, "count");
}

/**
 * smp_senders_stop - Stop what smp_senders_start() began, and check
 */
void smp_senders_stop(void)
{
	unsigned long missing, all_missing = 0;
	unsigned int i, ms;
	int way;

	for (i = 0; i < senders_nr; i++) {
		kthread_stop(senders[i].task);
		senders[i].task = NULL;
	}
	for (way = 0; way < NR_WAYS; way++) {
		for (ms = 0; (missing = senders_missing(way)); ms += 10) {
			if (ms > STORM_LIMIT_MS)
				break;
			fsleep(10 * USEC_PER_MSEC);
		}
		if (missing)
			smp_fail("%s: %lu calls never ran", way_name[way], missing);
		all_missing += missing;
	}
	/* What would run a second time gets the time to do so */
	msleep(100);
	for (way = 0; way < NR_WAYS; way++) {
		senders_missing(way);
		senders_report(way);
	}
	/* A call that is still out would find its data and its code gone */
	if (all_missing)
		__module_get(THIS_MODULE);
	else
		senders_free();
}
EXPORT_SYMBOL_GPL(smp_senders_stop);

/* Which parts a storm has */
#define STORM_HOTPLUG	BIT(0)
#define STORM_STOP	BIT(1)
#define STORM_IPI	BIT(2)

static int storm(const unsigned long *arg, unsigned int parts)
{
	static struct cpumask targets;
	unsigned long second;
	int ret;

	if (!arg[0] || arg[0] > STORM_SECONDS_MAX)
		return -EINVAL;
	cpumask_copy(&targets, cpu_online_mask);

	if (parts & STORM_HOTPLUG) {
		ret = smp_toggler_start();
		if (ret)
			return ret == -ENODEV ? 0 : ret;
	}
	if (parts & STORM_STOP) {
		ret = smp_stoppers_start(STORM_STOP_CALLERS);
		if (ret)
			goto out_hotplug;
	}
	if (parts & STORM_IPI) {
		ret = smp_senders_start(&targets);
		if (ret)
			goto out_stop;
	}

	for (second = 0; second < arg[0] && !ret && !smp_failed(); second++)
		ret = smp_sleep(MSEC_PER_SEC);
	smp_value("seconds", second, "s");

	if (parts & STORM_IPI)
		smp_senders_stop();
out_stop:
	if (parts & STORM_STOP)
		smp_stoppers_stop();
out_hotplug:
	if (parts & STORM_HOTPLUG)
		smp_toggler_stop();
	return ret;
}

static int storm_hotplug(const unsigned long *arg)
{
	return storm(arg, STORM_HOTPLUG);
}

static int storm_stop(const unsigned long *arg)
{
	return storm(arg, STORM_STOP);
}

static int storm_ipi(const unsigned long *arg)
{
	return storm(arg, STORM_IPI);
}

static int storm_all(const unsigned long *arg)
{
	return storm(arg, STORM_HOTPLUG | STORM_STOP | STORM_IPI);
}

static int ipi_hotplug(const unsigned long *arg)
{
	return storm(arg, STORM_HOTPLUG | STORM_IPI);
}

static const struct smp_test storm_tests[] = {
	{ .name = "ipi_hotplug", .run = ipi_hotplug, .min_args = 1, .max_args = 1, },
	{ .name = "storm_hotplug", .run = storm_hotplug, .min_args = 1, .max_args = 1, },
	{ .name = "storm_stop", .run = storm_stop, .min_args = 1, .max_args = 1, },
	{ .name = "storm_ipi", .run = storm_ipi, .min_args = 1, .max_args = 1, },
	{ .name = "storm_all", .run = storm_all, .min_args = 1, .max_args = 1, },
	{ }
};

static struct smp_tests tests = { .test = storm_tests };

static int __init smp_test_storm_init(void)
{
	smp_tests_register(&tests);
	return 0;
}
module_init(smp_test_storm_init);

static void __exit smp_test_storm_exit(void)
{
	smp_tests_unregister(&tests);
}
module_exit(smp_test_storm_exit);

MODULE_DESCRIPTION("Storms of hotplug, stop_machine and calls between CPUs");
MODULE_LICENSE("GPL");
