// SPDX-License-Identifier: GPL-2.0
/*
 * Storm of smp_call_function_single_async(): several producers per target, which
 * nothing serializes.
 *
 * Loss and duplication are found by two counts, exact to one run:
 *
 *  - calls that returned 0 == runs, for each target, when all is quiet. Both are
 *    plain counters, each with a single writer: a lost run or a doubled one is
 *    seen after any number of calls.
 *  - the number that a producer has stored before its last call that was
 *    accepted, merged or not, was seen by a run.
 *
 * A call that is merged but not seen by its run is hidden by the next run, whoever
 * has queued that. So strict storms go in rounds: each producer makes one call, all
 * to the same CPU, and nobody makes another before all have been seen. A single
 * miss then stops the round for ever. The calls of a round are spread over the time
 * that a run takes to begin: the barriers matter when one comes at that moment.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "smp_test_queue.h"
#include "smp_test_storm.h"

#define QS_PRODUCERS_MAX	16U
#define QS_SECONDS_MAX		86400UL
/* Loops by which the calls of a strict round are apart at most */
#define QS_SPREAD		2048
/* Looks before a producer sleeps: those that it waits for may need its CPU */
#define QS_SPINS		64

/* What happens to the CPUs meanwhile */
enum qs_hotplug { QS_STAY, QS_COME_AND_GO, QS_OFFLINE };

/**
 * struct qs_slot - what one producer and one target share
 * @stored:	written by the producer before a call
 * @seen:	written by the target: @stored when the function ran last
 */
struct qs_slot {
	unsigned long		stored ____cacheline_aligned_in_smp;
	unsigned long		seen ____cacheline_aligned_in_smp;
};

struct qs_target {
	call_single_data_t	csd;
	unsigned int		cpu;
	unsigned long		runs;
	unsigned long		wrong;
	struct qs_slot		slot[QS_PRODUCERS_MAX];
};

struct qs_producer {
	struct task_struct	*task;
	unsigned int		nr;
	unsigned long		queued[NR_CPUS];
	unsigned long		accepted[NR_CPUS];
	unsigned long		calls, merged, refused;
};

static struct qs_target *qs_targets;
static struct qs_producer *qs_producers;
static unsigned int qs_nr;
static struct cpumask qs_mask;
static bool qs_strict;
static enum qs_hotplug qs_hotplug;
static atomic_long_t qs_arrived;
static atomic_long_t qs_deaths;

static void qs_fn(void *info)
{
	struct qs_target *t = info;
	unsigned int i;

	if (!irqs_disabled() || raw_smp_processor_id() != t->cpu)
		t->wrong++;
	for (i = 0; i < qs_nr; i++)
		WRITE_ONCE(t->slot[i].seen, READ_ONCE(t->slot[i].stored));
	WRITE_ONCE(t->runs, t->runs + 1);
}

static void qs_relax(unsigned int *spins)
{
	if (++*spins % QS_SPINS)
		cpu_relax();
	else
		usleep_range(5, 10);
}

static bool qs_wait_seen(struct qs_target *t, unsigned int nr, unsigned long want)
{
	unsigned int spins = 0;
	u64 limit = 0;

	while (READ_ONCE(t->slot[nr].seen) < want) {
		if (!limit)
			limit = ktime_get_ns() + QUEUE_LIMIT_MS * NSEC_PER_MSEC;
		else if (ktime_get_ns() > limit)
			return READ_ONCE(t->slot[nr].seen) >= want;
		qs_relax(&spins);
	}
	return true;
}

static void qs_call(struct qs_producer *me, unsigned int cpu)
{
	struct qs_target *t = &qs_targets[cpu];
	struct qs_slot *slot = &t->slot[me->nr];
	bool irqsoff = me->calls & 1;
	unsigned long flags = 0, mine;
	int ret;

	mine = slot->stored + 1;
	if (irqsoff)
		local_irq_save(flags);
	WRITE_ONCE(slot->stored, mine);
	ret = smp_call_function_single_async(cpu, &t->csd);
	if (irqsoff)
		local_irq_restore(flags);

	me->calls++;
	if (!ret) {
		me->queued[cpu]++;
	} else if (ret == -EBUSY) {
		me->merged++;
	} else {
		if (ret != -ENXIO)
			smp_fail("call to CPU %u: error %d", cpu, ret);
		me->refused++;
		return;
	}
	me->accepted[cpu] = mine;
	if (qs_strict && !qs_wait_seen(t, me->nr, mine))
		smp_fail("CPU %u saw %lu of producer %u, not %lu, after it was %s", cpu,
			 READ_ONCE(slot->seen), me->nr, mine, ret ? "merged" : "queued");
}

/* Wait for all producers. Returns false at the end of the storm. */
static bool qs_meet(unsigned long round)
{
	unsigned int spins = 0;

	atomic_long_inc(&qs_arrived);
	while ((unsigned long)atomic_long_read(&qs_arrived) < (round + 1) * qs_nr) {
		if (kthread_should_stop() || smp_failed())
			return false;
		qs_relax(&spins);
	}
	return true;
}

static void qs_rounds(struct qs_producer *me)
{
	unsigned int cpu, spread;
	unsigned long round;

	for (round = 0; qs_meet(round); round++) {
		/* The same one for all, and the number of CPUs is not changed here */
		cpu = cpumask_nth(round % cpumask_weight(&qs_mask), &qs_mask);
		for (spread = get_random_u32_below(QS_SPREAD); spread; spread--)
			barrier();
		qs_call(me, cpu);
	}
}

static int qs_thread(void *data)
{
	struct qs_producer *me = data;
	unsigned int i = 0;

	if (qs_strict)
		qs_rounds(me);
	while (!kthread_should_stop()) {
		if (smp_failed() || qs_strict) {
			fsleep(USEC_PER_MSEC);
			continue;
		}
		/* Bursts to one target, so that there is something to merge */
		unsigned int cpu = smp_random_cpu(&qs_mask);
		unsigned int burst = get_random_u32_below(64) + 1;

		while (burst--)
			qs_call(me, cpu);
		if (++i % 64)
			cond_resched();
		else
			usleep_range(50, 100);
	}
	return 0;
}

static void qs_free(void)
{
	kvfree(qs_targets);
	kvfree(qs_producers);
	qs_targets = NULL;
	qs_producers = NULL;
}

static int qs_start(unsigned int nr)
{
	struct task_struct *task;
	unsigned int i, cpu;

	qs_nr = nr;
	atomic_long_set(&qs_arrived, 0);
	qs_targets = kvzalloc_objs(*qs_targets, nr_cpu_ids);
	qs_producers = kvzalloc_objs(*qs_producers, nr);
	if (!qs_targets || !qs_producers) {
		qs_free();
		return -ENOMEM;
	}
	for_each_possible_cpu(cpu) {
		qs_targets[cpu].cpu = cpu;
		INIT_CSD(&qs_targets[cpu].csd, qs_fn, &qs_targets[cpu]);
	}
	for (i = 0; i < nr; i++) {
		qs_producers[i].nr = i;
		task = kthread_run(qs_thread, &qs_producers[i], "smp_queue/%u", i);
		if (IS_ERR(task)) {
			smp_fail("no thread %u", i);
			break;
		}
		qs_producers[i].task = task;
	}
	return 0;
}

static void qs_check(unsigned int cpu)
{
	struct qs_target *t = &qs_targets[cpu];
	unsigned long queued = 0;
	unsigned int i;

	for (i = 0; i < qs_nr; i++) {
		queued += qs_producers[i].queued[cpu];
		if (t->slot[i].seen < qs_producers[i].accepted[cpu])
			smp_fail("CPU %u saw %lu of producer %u, %lu was accepted", cpu,
				 t->slot[i].seen, i, qs_producers[i].accepted[cpu]);
	}
	if (t->runs != queued)
		smp_fail("CPU %u: %lu runs, %lu queued", cpu, t->runs, queued);
	if (t->wrong)
		smp_fail("CPU %u: %lu runs elsewhere or with interrupts on", cpu, t->wrong);
}

/* CPUs may still come and go: a run that is pending on an offline CPU is lost */
static void qs_stop(void)
{
	unsigned long calls = 0, merged = 0, refused = 0, runs = 0;
	bool pending = false;
	unsigned int i, cpu;
	u64 limit;

	for (i = 0; i < qs_nr; i++) {
		if (qs_producers[i].task)
			kthread_stop(qs_producers[i].task);
		calls += qs_producers[i].calls;
		merged += qs_producers[i].merged;
		refused += qs_producers[i].refused;
	}
	limit = ktime_get_ns() + QUEUE_LIMIT_MS * NSEC_PER_MSEC;
	for_each_possible_cpu(cpu) {
		while (queue_pending(&qs_targets[cpu].csd) && ktime_get_ns() < limit)
			fsleep(USEC_PER_MSEC);
		if (queue_pending(&qs_targets[cpu].csd)) {
			smp_fail("CPU %u: a run is pending for ever", cpu);
			pending = true;
		}
	}
	/* What would run a second time gets the time to do so */
	msleep(100);
	/* The functions that have begun have interrupts disabled */
	synchronize_rcu();
	for_each_possible_cpu(cpu) {
		qs_check(cpu);
		runs += qs_targets[cpu].runs;
	}
	smp_value("queue_calls", calls, "count");
	smp_value("queue_runs", runs, "count");
	smp_value("queue_merged", merged, "count");
	smp_value("queue_refused", refused, "count");
	if (!merged && qs_nr > 1 && qs_hotplug != QS_OFFLINE)
		smp_fail("no call was merged");
	if (!pending)
		qs_free();
}

/*
 * The CPU is dead, and has run in its last moments what was accepted. What comes
 * too late is run when it is online again, so only a look at it here finds that.
 */
static int qs_dead(unsigned int cpu)
{
	if (queue_pending(&qs_targets[cpu].csd))
		smp_fail("CPU %u went down with a run pending", cpu);
	atomic_long_inc(&qs_deaths);
	return 0;
}

/*
 * Where callers have to be serialized, two of them may add one csd to a list twice,
 * and the target hangs in its interrupt. Such a kernel gives another answer here: it
 * looks at the csd before it looks at the CPU.
 */
static bool qs_serialized(void)
{
	static call_single_data_t locked = { .node = { .u_flags = CSD_FLAG_LOCK, }, };

	return smp_call_function_single_async(nr_cpu_ids, &locked) == -EBUSY;
}

/* The only target is offline: all calls are refused, none is taken for merged */
static int qs_offline(unsigned int cpu)
{
	if (!smp_cpu_can_go(cpu)) {
		smp_skip("no CPU can go offline");
		return -ENODEV;
	}
	cpumask_copy(&qs_mask, cpumask_of(cpu));
	return remove_cpu(cpu);
}

static int qs_run(unsigned long seconds, unsigned long nr)
{
	int state = 0;
	int ret;

	ret = qs_start(nr);
	if (qs_hotplug == QS_COME_AND_GO && !ret) {
		atomic_long_set(&qs_deaths, 0);
		state = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "smp_test:queue",
						  NULL, qs_dead);
		if (state < 0)
			ret = state;
	}
	for (; seconds && !ret && !smp_failed(); seconds--)
		ret = smp_sleep(MSEC_PER_SEC);
	if (state > 0) {
		cpuhp_remove_state_nocalls(state);
		smp_value("queue_deaths", atomic_long_read(&qs_deaths), "count");
	}
	if (qs_producers)
		qs_stop();
	return ret;
}

/* storm_queue SECONDS PRODUCERS STRICT HOTPLUG UNSAFE, 0 producers: one per CPU */
int storm_queue(const unsigned long *arg)
{
	unsigned long nr = arg[1] ?: min(num_online_cpus(), QS_PRODUCERS_MAX);
	unsigned int last = cpumask_last(cpu_online_mask);
	int ret = 0;

	if (!arg[0] || arg[0] > QS_SECONDS_MAX || nr > QS_PRODUCERS_MAX || arg[3] > QS_OFFLINE)
		return -EINVAL;
	if (num_online_cpus() < 2) {
		smp_skip("one CPU");
		return 0;
	}
	if (qs_serialized() && !arg[4]) {
		smp_skip("concurrent callers can hang this kernel");
		return 0;
	}
	qs_strict = arg[2];
	qs_hotplug = arg[3];
	cpumask_copy(&qs_mask, cpu_online_mask);
	if (qs_hotplug == QS_COME_AND_GO)
		ret = smp_toggler_start();
	else if (qs_hotplug == QS_OFFLINE)
		ret = qs_offline(last);
	if (ret)
		return ret == -ENODEV ? 0 : ret;
	ret = qs_run(arg[0], nr);
	if (qs_hotplug == QS_COME_AND_GO)
		smp_toggler_stop();
	else if (qs_hotplug == QS_OFFLINE)
		ret = add_cpu(last) ?: ret;
	return ret;
}
