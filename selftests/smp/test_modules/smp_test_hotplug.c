// SPDX-License-Identifier: GPL-2.0
/*
 * CPUs that go offline and come back: the toggler that does it, and storms of
 * stop_machine() calls.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/kthread.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/stop_machine.h>
#include <linux/timekeeping.h>

#include "smp_test.h"
#include "smp_test_storm.h"

#define STOPPER_SAMPLES		1024
#define STOPPER_DWELL_US	50

/* CPUs that were online before, and are again afterwards */
static struct cpumask toggler_base;
/* CPUs that are offline or on their way; the count moves with each change */
static struct cpumask toggler_away;
static atomic_t toggler_moves;

static struct task_struct *toggler_task;
static enum cpuhp_state toggler_online_state, toggler_prepare_state;
static u64 toggler_offs, toggler_ons, toggler_busy;

/* What the callbacks of a hotplug state count, each on the CPU it is for */
struct toggler_counts {
	unsigned int	prepare;
	unsigned int	dead;
	unsigned int	online;
	unsigned int	offline;
};

/* By CPU */
static struct toggler_counts *toggler_counts;
static atomic_t toggler_wrong_cpu;

static int toggler_prepare(unsigned int cpu)
{
	toggler_counts[cpu].prepare++;
	return 0;
}

static int toggler_dead(unsigned int cpu)
{
	toggler_counts[cpu].dead++;
	return 0;
}

static int toggler_online(unsigned int cpu)
{
	if (cpu != raw_smp_processor_id())
		atomic_inc(&toggler_wrong_cpu);
	toggler_counts[cpu].online++;
	return 0;
}

static int toggler_offline(unsigned int cpu)
{
	if (cpu != raw_smp_processor_id())
		atomic_inc(&toggler_wrong_cpu);
	toggler_counts[cpu].offline++;
	return 0;
}

/* Nothing of a CPU going or coming is lost or done twice */
static void toggler_check(unsigned int cpu, bool up, int ret)
{
	struct toggler_counts *it = &toggler_counts[cpu];
	bool done = !ret;

	if (ret && ret != -EBUSY) {
		smp_fail("CPU %u %s: error %d", cpu, up ? "on" : "off", ret);
		return;
	}
	if (ret == -EBUSY)
		toggler_busy++;
	if (done && cpu_online(cpu) != up)
		smp_fail("CPU %u is %s after success", cpu, up ? "offline" : "online");
	if (it->prepare != (done && up) || it->online != (done && up) ||
	    it->offline != (done && !up) || it->dead != (done && !up))
		smp_fail("CPU %u %s: %u prepare %u online %u offline %u dead callbacks",
			 cpu, up ? "on" : "off", it->prepare, it->online,
			 it->offline, it->dead);
	memset(it, 0, sizeof(*it));
	if (done && up)
		toggler_ons++;
	else if (done)
		toggler_offs++;
}

static void toggler_set_away(unsigned int cpu, bool away)
{
	if (away)
		cpumask_set_cpu(cpu, &toggler_away);
	else
		cpumask_clear_cpu(cpu, &toggler_away);
	/* Fully ordered, pairs with the barrier in stopper_note_away() */
	atomic_inc_return(&toggler_moves);
}

static void toggler_down(unsigned int cpu)
{
	int ret;

	toggler_set_away(cpu, true);
	ret = remove_cpu(cpu);
	toggler_check(cpu, false, ret);
	if (ret)
		toggler_set_away(cpu, false);
}

static void toggler_up(unsigned int cpu)
{
	int ret = add_cpu(cpu);

	toggler_check(cpu, true, ret);
	if (!ret)
		toggler_set_away(cpu, false);
}

/* Up to half of the CPUs are away, so that there are always some to test with */
static bool toggler_more(void)
{
	return 2 * cpumask_weight(&toggler_away) < cpumask_weight(&toggler_base);
}

static int toggler_thread(void *unused)
{
	unsigned int cpu;

	while (!kthread_should_stop()) {
		cpu = smp_random_cpu(&toggler_base);
		if (cpumask_test_cpu(cpu, &toggler_away))
			toggler_up(cpu);
		else if (smp_cpu_can_go(cpu) && toggler_more())
			toggler_down(cpu);
		cond_resched();
	}
	return 0;
}

static bool toggler_possible(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		if (smp_cpu_can_go(cpu))
			return true;
	}
	return false;
}

/**
 * smp_toggler_start - Start to take CPUs down and up at random
 *
 * Return: 0, or -ENODEV after smp_skip() when no CPU can go, or an error.
 */
int smp_toggler_start(void)
{
	int ret;

	cpumask_copy(&toggler_base, cpu_online_mask);
	cpumask_clear(&toggler_away);
	if (!toggler_possible()) {
		smp_skip("no CPU can go offline");
		return -ENODEV;
	}
	toggler_offs = 0;
	toggler_ons = 0;
	toggler_busy = 0;
	atomic_set(&toggler_wrong_cpu, 0);
	toggler_counts = kzalloc_objs(*toggler_counts, nr_cpu_ids);
	if (!toggler_counts)
		return -ENOMEM;

	ret = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "smp_test:prepare",
					toggler_prepare, toggler_dead);
	if (ret < 0)
		goto out_counts;
	toggler_prepare_state = ret;
	ret = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "smp_test:online",
					toggler_online, toggler_offline);
	if (ret < 0)
		goto out_prepare;
	toggler_online_state = ret;

	toggler_task = kthread_run(toggler_thread, NULL, "smp_toggler");
	if (!IS_ERR(toggler_task))
		return 0;
	ret = PTR_ERR(toggler_task);
	toggler_task = NULL;
	cpuhp_remove_state_nocalls(toggler_online_state);
out_prepare:
	cpuhp_remove_state_nocalls(toggler_prepare_state);
out_counts:
	kfree(toggler_counts);
	return ret;
}
EXPORT_SYMBOL_GPL(smp_toggler_start);

/**
 * smp_toggler_stop - Stop what smp_toggler_start() began, with all CPUs back
 */
void smp_toggler_stop(void)
{
	unsigned int cpu;

	kthread_stop(toggler_task);
	toggler_task = NULL;
	for_each_cpu(cpu, &toggler_away)
		toggler_up(cpu);
	cpuhp_remove_state_nocalls(toggler_online_state);
	cpuhp_remove_state_nocalls(toggler_prepare_state);
	kfree(toggler_counts);

	if (!cpumask_equal(&toggler_base, cpu_online_mask))
		smp_fail("CPUs %*pbl are online, not %*pbl",
			 cpumask_pr_args(cpu_online_mask),
			 cpumask_pr_args(&toggler_base));
	if (atomic_read(&toggler_wrong_cpu))
		smp_fail("%d callbacks ran on a wrong CPU",
			 atomic_read(&toggler_wrong_cpu));
	if (toggler_offs != toggler_ons)
		smp_fail("%llu times off, %llu times on", toggler_offs, toggler_ons);
	if (!toggler_offs)
		smp_fail("no CPU went offline");
	smp_value("hotplug_off", toggler_offs, "count");
	smp_value("hotplug_on", toggler_ons, "count");
	smp_value("hotplug_busy", toggler_busy, "count");
}
EXPORT_SYMBOL_GPL(smp_toggler_stop);

/**
 * struct stopper - one caller of a storm
 * @task:	its thread
 * @call:	record of the current call
 * @mask:	CPUs of the current call
 * @away:	CPUs that were away before the current call
 * @moves:	how often something had moved by then
 * @calls:	number of calls
 * @empty:	number of calls that found no CPU of their mask online
 * @ran:	by CPU, how often the function was seen there by the checker
 * @max_ns:	the longest call
 * @samples:	number of calls that are in @ns
 * @ns:		how long calls took, a random choice of them
 */
struct stopper {
	struct task_struct	*task;
	struct smp_stop_call	*call;
	struct cpumask		mask;
	struct cpumask		away;
	int			moves;
	unsigned long		calls;
	unsigned long		empty;
	unsigned long		*ran;
	u64			max_ns;
	unsigned int		samples;
	u64			ns[STOPPER_SAMPLES];
};

static struct stopper *stoppers;
static unsigned int stoppers_nr;
/* By CPU, counted where the function runs, so not by the record of a call */
static unsigned long *stopper_ran;

static int stopper_fn(void *data)
{
	stopper_ran[smp_processor_id()]++;
	return smp_stop_record(data);
}

static void stopper_sample(struct stopper *me, u64 ns)
{
	unsigned int at = me->samples;

	me->max_ns = max(me->max_ns, ns);
	if (at < STOPPER_SAMPLES)
		me->samples++;
	else
		at = get_random_u32_below(STOPPER_SAMPLES);
	me->ns[at] = ns;
}

/*
 * Without a run there is no record of what was online. That is right only when
 * all CPUs of the mask were away, or something has moved meanwhile.
 */
static void stopper_check_empty(struct stopper *me)
{
	if (atomic_read(&toggler_moves) == me->moves &&
	    !cpumask_subset(&me->mask, &me->away))
		smp_fail("no run on CPUs %*pbl with %*pbl away",
			 cpumask_pr_args(&me->mask), cpumask_pr_args(&me->away));
	me->empty++;
}

static void stopper_note_away(struct stopper *me)
{
	me->moves = atomic_read(&toggler_moves);
	/* Pairs with toggler_set_away(): the mask is not older than the count */
	smp_mb();
	cpumask_copy(&me->away, &toggler_away);
}

static void stopper_one(struct stopper *me)
{
	const struct cpumask *mask = &me->mask;
	unsigned int choice, cpu;
	u64 start;
	int ret;

	choice = get_random_u32_below(8);
	if (choice == 0)
		mask = NULL;
	else if (choice == 1)
		mask = cpu_online_mask;
	else if (choice == 2)
		cpumask_copy(&me->mask, cpumask_of(smp_random_cpu(&toggler_base)));
	else
		smp_random_mask(&me->mask, &toggler_base);

	smp_stop_call_reset(me->call);
	me->call->dwell_us = get_random_u32_below(STOPPER_DWELL_US);
	stopper_note_away(me);
	start = ktime_get_ns();
	ret = stop_machine(stopper_fn, me->call, mask);
	stopper_sample(me, ktime_get_ns() - start);
	me->calls++;

	if (ret)
		smp_fail("stop_machine() returned %d", ret);
	if (!atomic_read(&me->call->entered) && mask == &me->mask) {
		stopper_check_empty(me);
		return;
	}
	/* What is online may have changed, but the record has it as it was */
	if (mask == cpu_online_mask) {
		if (!atomic_read(&me->call->entered))
			smp_fail("no run on the CPUs that are online");
		mask = &me->call->online;
	}
	smp_stop_check(me->call, mask, "storm");
	for_each_possible_cpu(cpu)
		me->ran[cpu] += me->call->cpu[cpu].runs;
}

static int stopper_thread(void *data)
{
	while (!kthread_should_stop()) {
		stopper_one(data);
		cond_resched();
	}
	return 0;
}

static void stoppers_free(void)
{
	unsigned int i;

	for (i = 0; i < stoppers_nr; i++) {
		if (stoppers[i].task)
			kthread_stop(stoppers[i].task);
		kfree(stoppers[i].ran);
		kfree(stoppers[i].call);
	}
	kvfree(stoppers);
	kfree(stopper_ran);
}

/**
 * smp_stoppers_start - Start threads that call stop_machine() all the time
 * @nr:		number of threads
 *
 * Return: 0 or an error.
 */
int smp_stoppers_start(unsigned int nr)
{
	int ret = -ENOMEM;
	unsigned int i;

	/* Without a toggler nothing is away */
	if (!toggler_task) {
		cpumask_copy(&toggler_base, cpu_online_mask);
		cpumask_clear(&toggler_away);
	}

	stoppers_nr = 0;
	stopper_ran = kzalloc_objs(*stopper_ran, nr_cpu_ids);
	stoppers = kvzalloc_objs(*stoppers, nr);
	if (!stopper_ran || !stoppers)
		goto out;
	stoppers_nr = nr;
	for (i = 0; i < nr; i++) {
		stoppers[i].call = smp_stop_call_alloc();
		stoppers[i].ran = kcalloc(nr_cpu_ids, sizeof(*stoppers[i].ran), GFP_KERNEL);
		if (!stoppers[i].call || !stoppers[i].ran)
			goto out;
	}
	for (i = 0; i < nr; i++) {
		struct task_struct *task;

		task = kthread_run(stopper_thread, &stoppers[i], "smp_stopper/%u", i);
		if (IS_ERR(task)) {
			ret = PTR_ERR(task);
			goto out;
		}
		stoppers[i].task = task;
	}
	return 0;
out:
	stoppers_free();
	return ret;
}
EXPORT_SYMBOL_GPL(smp_stoppers_start);

static void stoppers_report(void)
{
	unsigned long calls = 0, empty = 0, runs = 0;
	unsigned int i, nr = 0;
	u64 max_ns = 0;
	u64 *ns;

	ns = kvmalloc_objs(*ns, stoppers_nr * STOPPER_SAMPLES);
	for (i = 0; i < stoppers_nr; i++) {
		calls += stoppers[i].calls;
		empty += stoppers[i].empty;
		max_ns = max(max_ns, stoppers[i].max_ns);
		if (ns)
			memcpy(ns + nr, stoppers[i].ns, stoppers[i].samples * sizeof(*ns));
		nr += stoppers[i].samples;
		if (!stoppers[i].calls)
			smp_fail("caller %u of stop_machine() never got through", i);
	}
	for_each_possible_cpu(i)
		runs += stopper_ran[i];
	smp_value("stop_callers", stoppers_nr, "count");
	smp_value("stop_calls", calls, "count");
	smp_value("stop_runs", runs, "count");
	smp_value("stop_empty", empty, "count");
	if (ns) {
		smp_sort(ns, nr);
		smp_value("stop_p50", smp_percentile(ns, nr, 50), "ns");
		smp_value("stop_p99", smp_percentile(ns, nr, 99), "ns");
		kvfree(ns);
	}
	smp_value("stop_max", max_ns, "ns");
}

/**
 * smp_stoppers_stop - Stop what smp_stoppers_start() began, and check
 */
void smp_stoppers_stop(void)
{
	unsigned int i, cpu;

	for (i = 0; i < stoppers_nr; i++) {
		kthread_stop(stoppers[i].task);
		stoppers[i].task = NULL;
	}
	for_each_possible_cpu(cpu) {
		unsigned long seen = 0;

		for (i = 0; i < stoppers_nr; i++)
			seen += stoppers[i].ran[cpu];
		if (seen != stopper_ran[cpu])
			smp_fail("CPU %u ran the function %lu times, %lu were called for",
				 cpu, stopper_ran[cpu], seen);
	}
	stoppers_report();
	stoppers_free();
}
EXPORT_SYMBOL_GPL(smp_stoppers_stop);
