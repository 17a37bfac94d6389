// SPDX-License-Identifier: GPL-2.0
/*
 * While the function of stop_machine() runs, nothing else does: each CPU,
 * whether it runs the function or not, has a witness.
 *
 *  - A function call from the CPU that runs the function first, to each other
 *    CPU. It must run there, but not before the function has ended on all.
 *  - A timer per CPU, which must not fire.
 *  - A thread per CPU, which must not get on, and must not be inside of a
 *    region with preemption disabled.
 *
 * Each test first shows on running CPUs that its witnesses would speak up, and
 * how long they need: the function then takes twice as long.
 */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/stop_machine.h>
#include <linux/workqueue.h>

#include "smp_test.h"

#define WITNESS_PERIOD_NS	NSEC_PER_MSEC
#define WITNESS_DWELL_MIN_US	2000
#define WITNESS_DWELL_MAX_US	512000
#define WITNESS_ROUNDS		8
#define WITNESS_REGION_US	20
#define WITNESS_CONTROL_SAMPLES	200000
#define WITNESS_CALL_LIMIT_MS	10000

struct witness_cpu {
	call_single_data_t	csd;
	struct witness		*witness;
	unsigned int		called;
	unsigned int		early;
	int			call_ret;

	struct hrtimer		timer;
	unsigned long		ticks;
	unsigned long		ticks_before;

	struct task_struct	*thread;
	unsigned long		steps;
	unsigned long		steps_before;
	bool			in_region;
};

/**
 * struct witness - one call under observation
 * @first:	set by the first CPU that runs the function, which does the work
 * @done:	number of CPUs on which the function has ended
 * @want:	number of CPUs on which it will
 * @dwell_us:	how long it takes
 * @first_longer: whether the first CPU or the others take twice as long
 * @observer:	the first CPU
 * @called:	CPUs to which a function call was sent
 * @ticked:	CPUs whose timer fired while the function ran
 * @stepped:	CPUs whose thread got on while the function ran
 * @regions:	CPUs that were inside of a region with preemption disabled
 * @cpu:	the witnesses
 */
struct witness {
	atomic_t		first;
	atomic_t		done;
	int			want;
	unsigned int		dwell_us;
	bool			first_longer;
	unsigned int		observer;
	struct cpumask		called;
	struct cpumask		ticked;
	struct cpumask		stepped;
	struct cpumask		regions;
	struct witness_cpu	cpu[];
};

static void witness_called(void *data)
{
	struct witness_cpu *me = data;

	if (atomic_read(&me->witness->done) < me->witness->want)
		me->early++;
	/* Pairs with the acquire of the task that waits for the calls */
	smp_store_release(&me->called, me->called + 1);
}

static enum hrtimer_restart witness_tick(struct hrtimer *timer)
{
	struct witness_cpu *me = container_of(timer, struct witness_cpu, timer);

	WRITE_ONCE(me->ticks, me->ticks + 1);
	hrtimer_forward_now(timer, ns_to_ktime(WITNESS_PERIOD_NS));
	return HRTIMER_RESTART;
}

static void witness_timer_start(void *data)
{
	struct witness_cpu *me = data;

	hrtimer_start(&me->timer, ns_to_ktime(WITNESS_PERIOD_NS),
		      HRTIMER_MODE_REL_PINNED_HARD);
}

static int witness_thread(void *data)
{
	struct witness_cpu *me = data;
	unsigned int i;

	while (!kthread_should_stop()) {
		for (i = 0; i < 50; i++) {
			preempt_disable();
			WRITE_ONCE(me->in_region, true);
			udelay(WITNESS_REGION_US);
			WRITE_ONCE(me->in_region, false);
			WRITE_ONCE(me->steps, me->steps + 1);
			preempt_enable();
		}
		usleep_range(100, 200);
	}
	return 0;
}

/* The function that is given to stop_machine() */
static int witness_fn(void *data)
{
	unsigned int me = smp_processor_id(), cpu;
	struct witness *w = data;
	bool first;

	first = !atomic_xchg(&w->first, 1);
	if (first) {
		w->observer = me;
		for_each_online_cpu(cpu) {
			struct witness_cpu *it = &w->cpu[cpu];

			it->ticks_before = READ_ONCE(it->ticks);
			it->steps_before = READ_ONCE(it->steps);
			if (cpu == me)
				continue;
			if (READ_ONCE(it->in_region))
				cpumask_set_cpu(cpu, &w->regions);
			it->call_ret = smp_call_function_single_async(cpu, &it->csd);
			if (!it->call_ret)
				cpumask_set_cpu(cpu, &w->called);
		}
	}

	smp_dwell(w->dwell_us);
	if (first == w->first_longer)
		smp_dwell(w->dwell_us);

	if (first) {
		for_each_online_cpu(cpu) {
			struct witness_cpu *it = &w->cpu[cpu];

			if (READ_ONCE(it->ticks) != it->ticks_before)
				cpumask_set_cpu(cpu, &w->ticked);
			if (READ_ONCE(it->steps) != it->steps_before)
				cpumask_set_cpu(cpu, &w->stepped);
		}
	}
	atomic_inc(&w->done);
	return 0;
}

static void witness_reset(struct witness *w, int want)
{
	unsigned int cpu;

	atomic_set(&w->first, 0);
	atomic_set(&w->done, 0);
	w->want = want;
	w->observer = nr_cpu_ids;
	cpumask_clear(&w->called);
	cpumask_clear(&w->ticked);
	cpumask_clear(&w->stepped);
	cpumask_clear(&w->regions);
	for_each_possible_cpu(cpu) {
		w->cpu[cpu].called = 0;
		w->cpu[cpu].early = 0;
		w->cpu[cpu].call_ret = 0;
	}
}

/*
 * The calls were only held up, not lost, and not made twice. Returns false
 * when one of them is still out: the record must not be freed then.
 */
static bool witness_wait(struct witness *w)
{
	unsigned int cpu, ms;

	for_each_cpu(cpu, &w->called) {
		/* Pairs with the release in the called function */
		for (ms = 0; !smp_load_acquire(&w->cpu[cpu].called); ms++) {
			if (ms > WITNESS_CALL_LIMIT_MS) {
				smp_fail("the call to CPU %u never ran", cpu);
				return false;
			}
			fsleep(USEC_PER_MSEC);
		}
		if (w->cpu[cpu].called != 1)
			smp_fail("the call to CPU %u ran %u times", cpu,
				 w->cpu[cpu].called);
	}
	return true;
}

static bool witness_heard(struct witness *w, unsigned int cpu, bool threads)
{
	if (threads)
		return cpumask_test_cpu(cpu, &w->stepped);
	return w->cpu[cpu].early && cpumask_test_cpu(cpu, &w->ticked);
}

/*
 * The same function without stop_machine(): all other CPUs run, and all their
 * witnesses must be heard. The time doubles until they are.
 */
static bool witness_control(struct witness *w, bool threads)
{
	unsigned int cpu, missing;

	for (w->dwell_us = WITNESS_DWELL_MIN_US; w->dwell_us <= WITNESS_DWELL_MAX_US;
	     w->dwell_us *= 2) {
		witness_reset(w, 1);
		if (threads) {
			preempt_disable();
			witness_fn(w);
			preempt_enable();
		} else {
			local_irq_disable();
			witness_fn(w);
			local_irq_enable();
		}
		if (!witness_wait(w))
			return false;
		missing = nr_cpu_ids;
		for_each_online_cpu(cpu) {
			if (cpu != w->observer && !witness_heard(w, cpu, threads))
				missing = cpu;
		}
		if (missing == nr_cpu_ids)
			return true;
	}
	smp_fail("control: the witness of CPU %u is not heard", missing);
	return true;
}

/* Runs on another CPU than the one that is watched */
static long witness_look(void *arg)
{
	const struct witness_cpu *it = arg;
	unsigned int i;

	for (i = 0; i < WITNESS_CONTROL_SAMPLES; i++) {
		if (READ_ONCE(it->in_region))
			return true;
		if (i % 64)
			udelay(1);
		else
			usleep_range(50, 100);
	}
	return false;
}

/* Each thread can be seen inside of its region */
static void witness_control_regions(struct witness *w)
{
	unsigned int cpu, other;

	for_each_online_cpu(cpu) {
		other = cpumask_any_but(cpu_online_mask, cpu);
		/* A single CPU cannot watch itself */
		if (other >= nr_cpu_ids)
			return;
		if (!work_on_cpu(other, witness_look, &w->cpu[cpu]))
			smp_fail("control: the thread of CPU %u is never seen", cpu);
	}
}

static bool witness_one(struct witness *w, const struct cpumask *mask, bool threads)
{
	int want = mask ? cpumask_weight(mask) : 1;
	unsigned int cpu;
	int ret;

	witness_reset(w, want);
	ret = stop_machine(witness_fn, w, mask);
	if (!witness_wait(w))
		return false;

	if (ret || atomic_read(&w->done) != want)
		smp_fail("ran on %d CPUs, not %d, and returned %d",
			 atomic_read(&w->done), want, ret);
	if (threads) {
		if (!cpumask_empty(&w->regions))
			smp_fail("CPUs %*pbl with preemption disabled when it ran",
				 cpumask_pr_args(&w->regions));
		if (!cpumask_empty(&w->stepped))
			smp_fail("threads of CPUs %*pbl ran beside it",
				 cpumask_pr_args(&w->stepped));
		return true;
	}
	for_each_online_cpu(cpu) {
		if (w->cpu[cpu].call_ret)
			smp_fail("call to CPU %u: error %d", cpu, w->cpu[cpu].call_ret);
		if (w->cpu[cpu].early)
			smp_fail("CPU %u took a call while it ran (CPUs %*pbl)", cpu,
				 cpumask_pr_args(mask ?: cpu_none_mask));
	}
	if (cpumask_weight(&w->called) != num_online_cpus() - 1)
		smp_fail("%u other CPUs were called", cpumask_weight(&w->called));
	if (!cpumask_empty(&w->ticked))
		smp_fail("timers of CPUs %*pbl fired while it ran",
			 cpumask_pr_args(&w->ticked));
	return true;
}

static bool witness_all(struct witness *w, bool threads)
{
	static struct cpumask mask;
	unsigned int round, cpu, calls = 0;

	if (!witness_control(w, threads))
		return false;
	if (threads)
		witness_control_regions(w);
	if (smp_failed())
		return true;
	w->dwell_us = min(w->dwell_us * 2, (unsigned int)WITNESS_DWELL_MAX_US);
	smp_value("dwell", w->dwell_us, "us");

	for (round = 0; round < WITNESS_ROUNDS && !smp_failed(); round++) {
		w->first_longer = round & 1;
		if (!witness_one(w, NULL, threads) ||
		    !witness_one(w, cpu_online_mask, threads))
			return false;
		smp_random_mask(&mask, cpu_online_mask);
		if (!witness_one(w, &mask, threads))
			return false;
		/* A different CPU is alone with the function in each round */
		cpu = cpumask_nth(round % num_online_cpus(), cpu_online_mask);
		if (!witness_one(w, cpumask_of(cpu), threads))
			return false;
		calls += 4;
	}
	smp_value("calls", calls, "count");
	return true;
}

static int witness_start(struct witness *w, bool threads)
{
	struct task_struct *thread;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct witness_cpu *it = &w->cpu[cpu];

		it->witness = w;
		INIT_CSD(&it->csd, witness_called, it);
		hrtimer_setup(&it->timer, witness_tick, CLOCK_MONOTONIC,
			      HRTIMER_MODE_REL_PINNED_HARD);
	}
	for_each_online_cpu(cpu) {
		if (!threads) {
			smp_call_function_single(cpu, witness_timer_start,
						 &w->cpu[cpu], true);
			continue;
		}
		thread = kthread_run_on_cpu(witness_thread, &w->cpu[cpu], cpu,
					    "smp_witness/%u");
		if (IS_ERR(thread))
			return PTR_ERR(thread);
		w->cpu[cpu].thread = thread;
	}
	return 0;
}

static int witness_run(bool threads)
{
	unsigned int cpu, silent = 0;
	bool all_back = true;
	struct witness *w;
	int ret;

	w = kzalloc_flex(*w, cpu, nr_cpu_ids);
	if (!w)
		return -ENOMEM;
	cpu_hotplug_disable();
	ret = witness_start(w, threads);
	if (!ret)
		all_back = witness_all(w, threads);
	for_each_online_cpu(cpu) {
		struct witness_cpu *it = &w->cpu[cpu];

		if (it->thread)
			kthread_stop(it->thread);
		hrtimer_cancel(&it->timer);
		silent += !(threads ? it->steps : it->ticks);
	}
	cpu_hotplug_enable();
	if (!ret && silent)
		smp_fail("%u witnesses have not run at all", silent);
	/* A call that is still out would find its data and its code gone */
	if (all_back)
		kfree(w);
	else
		__module_get(THIS_MODULE);
	return ret;
}

static int stop_irqs(const unsigned long *arg)
{
	return witness_run(false);
}

static int stop_threads(const unsigned long *arg)
{
	return witness_run(true);
}

const struct smp_test smp_stop_witness_tests[] = {
	{ .name = "stop_irqs", .run = stop_irqs, },
	{ .name = "stop_threads", .run = stop_threads, },
	{ }
};
