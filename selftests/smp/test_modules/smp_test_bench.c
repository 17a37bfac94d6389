// SPDX-License-Identifier: GPL-2.0
/*
 * Figures: time of calls that do nothing, and counters of the kernel. Every
 * line of the result is "NAME VALUE UNIT". No figure is a verdict.
 */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/smpboot.h>
#include <linux/stop_machine.h>
#include <linux/timekeeping.h>

#include "smp_test.h"

#define BENCH_CALLS_MAX		1000000UL
#define BENCH_PERIOD_NS		(100 * NSEC_PER_USEC)
#define BENCH_TICK_LIMIT_MS	1000
#define BENCH_THREADS_MAX	8
/* The low bits of the sequence are the state of the grace period */
#define BENCH_RCU_SEQ_SHIFT	2

/**
 * struct bench_timer - timer on the CPU that is watched
 * @timer:	fires each BENCH_PERIOD_NS
 * @last:	when it fired last
 * @longest:	the longest time without it since this was set to zero
 * @ticks:	how often it fired
 */
struct bench_timer {
	struct hrtimer	timer;
	u64		last;
	u64		longest;
	unsigned long	ticks;
};

static struct bench_timer bench_timer;
static unsigned long bench_ran;
static struct cpumask bench_old_mask;

static DEFINE_PER_CPU(struct task_struct *, bench_thread[BENCH_THREADS_MAX]);
static struct smp_hotplug_thread bench_hotplug_thread[BENCH_THREADS_MAX];
static unsigned int bench_nr_threads;

static int bench_stop_fn(void *unused)
{
	return 0;
}

static void bench_call_fn(void *unused)
{
	WRITE_ONCE(bench_ran, bench_ran + 1);
}

static u64 *bench_samples(unsigned long nr)
{
	u64 *ns;

	if (!nr || nr > BENCH_CALLS_MAX)
		return ERR_PTR(-EINVAL);
	ns = kvmalloc_objs(*ns, nr);
	return ns ?: ERR_PTR(-ENOMEM);
}

static int bench_stop(const unsigned long *arg)
{
	u64 *ns = bench_samples(arg[0]);
	unsigned long i;
	u64 start;

	if (IS_ERR(ns))
		return PTR_ERR(ns);
	for (i = 0; i < arg[0] && !signal_pending(current); i++) {
		start = ktime_get_ns();
		stop_machine(bench_stop_fn, NULL, NULL);
		ns[i] = ktime_get_ns() - start;
	}
	smp_sort(ns, i);
	smp_value("stop_p50", smp_percentile(ns, i, 50), "ns");
	smp_value("stop_p99", smp_percentile(ns, i, 99), "ns");
	smp_value("stop_max", smp_percentile(ns, i, 100), "ns");
	kvfree(ns);
	return i == arg[0] ? 0 : -EINTR;
}

static enum hrtimer_restart bench_tick(struct hrtimer *timer)
{
	struct bench_timer *me = container_of(timer, struct bench_timer, timer);
	u64 now = ktime_get_ns();

	if (now - me->last > READ_ONCE(me->longest))
		WRITE_ONCE(me->longest, now - me->last);
	me->last = now;
	WRITE_ONCE(me->ticks, me->ticks + 1);
	hrtimer_forward_now(timer, ns_to_ktime(BENCH_PERIOD_NS));
	return HRTIMER_RESTART;
}

static void bench_timer_start(void *data)
{
	struct bench_timer *me = data;

	me->last = ktime_get_ns();
	hrtimer_start(&me->timer, ns_to_ktime(BENCH_PERIOD_NS),
		      HRTIMER_MODE_REL_PINNED_HARD);
}

/* Wait until the timer has fired @nr more times */
static int bench_wait_ticks(struct bench_timer *me, unsigned long nr)
{
	unsigned long start = READ_ONCE(me->ticks);
	u64 limit = ktime_get_ns() + BENCH_TICK_LIMIT_MS * NSEC_PER_MSEC;

	while (READ_ONCE(me->ticks) - start < nr) {
		if (ktime_get_ns() > limit)
			return -ETIMEDOUT;
		cond_resched();
		cpu_relax();
	}
	return 0;
}

static int bench_gaps(struct bench_timer *me, u64 *ns, unsigned long nr, bool stop)
{
	unsigned long i;
	int ret;

	for (i = 0; i < nr; i++) {
		if (signal_pending(current))
			return -EINTR;
		ret = bench_wait_ticks(me, 2);
		if (ret)
			return ret;
		WRITE_ONCE(me->longest, 0);
		if (stop)
			stop_machine(bench_stop_fn, NULL, NULL);
		/* The gap ends with the first tick after the call */
		ret = bench_wait_ticks(me, 2);
		if (ret)
			return ret;
		ns[i] = READ_ONCE(me->longest);
	}
	smp_sort(ns, nr);
	return 0;
}

/*
 * The longest gap between two ticks on the CPU with the highest number, around
 * a call that does not run there. It is up to one period longer than the time
 * with interrupts off; the noise is the same without a call.
 */
static int bench_irqsoff(const unsigned long *arg)
{
	u64 *ns = bench_samples(arg[0]);
	int ret;

	if (IS_ERR(ns))
		return PTR_ERR(ns);
	cpu_hotplug_disable();
	memset(&bench_timer, 0, sizeof(bench_timer));
	hrtimer_setup(&bench_timer.timer, bench_tick, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_HARD);
	smp_call_function_single(cpumask_last(cpu_online_mask), bench_timer_start,
				 &bench_timer, true);
	ret = bench_gaps(&bench_timer, ns, arg[0], false);
	if (!ret) {
		smp_value("irqsoff_noise", smp_percentile(ns, arg[0], 50), "ns");
		ret = bench_gaps(&bench_timer, ns, arg[0], true);
	}
	if (!ret) {
		smp_value("irqsoff_p50", smp_percentile(ns, arg[0], 50), "ns");
		smp_value("irqsoff_p99", smp_percentile(ns, arg[0], 99), "ns");
	}
	hrtimer_cancel(&bench_timer.timer);
	cpu_hotplug_enable();
	kvfree(ns);
	return ret;
}

/**
 * smp_bench_move - Move to another CPU than one that is called, if there is one
 * @target:	the CPU that is called
 *
 * To be followed by smp_bench_move_back(), also after an error.
 *
 * Return: 0 or an error.
 */
int smp_bench_move(unsigned long target)
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
 * smp_bench_move_back - Undo smp_bench_move()
 */
void smp_bench_move_back(void)
{
	set_cpus_allowed_ptr(current, &bench_old_mask);
}

static int bench_ipi(const unsigned long *arg)
{
	unsigned long i;
	u64 start;
	u64 *ns;
	int ret;

	ns = bench_samples(arg[0]);
	if (IS_ERR(ns))
		return PTR_ERR(ns);
	ret = smp_bench_move(arg[1]);
	for (i = 0; i < arg[0] && !ret; i++) {
		start = ktime_get_ns();
		ret = smp_call_function_single(arg[1], bench_call_fn, NULL, true);
		ns[i] = ktime_get_ns() - start;
		cond_resched();
	}
	if (!ret) {
		smp_sort(ns, arg[0]);
		smp_value("ipi_p50", smp_percentile(ns, arg[0], 50), "ns");
		smp_value("ipi_p99", smp_percentile(ns, arg[0], 99), "ns");
	}
	smp_bench_move_back();
	kvfree(ns);
	return ret;
}

static void bench_rate(const char *name, unsigned long nr, u64 ns)
{
	smp_value(name, div64_u64((u64)nr * NSEC_PER_SEC, max_t(u64, ns, 1)), "1/s");
}

static int bench_ipi_many(const unsigned long *arg)
{
	unsigned long i;
	u64 start;

	if (!arg[0] || arg[0] > BENCH_CALLS_MAX)
		return -EINVAL;
	start = ktime_get_ns();
	for (i = 0; i < arg[0]; i++) {
		preempt_disable();
		smp_call_function_many(cpu_online_mask, bench_call_fn, NULL, true);
		preempt_enable();
		cond_resched();
	}
	bench_rate("ipi_many_per_s", arg[0], ktime_get_ns() - start);
	return 0;
}

static int bench_ipi_async(const unsigned long *arg)
{
	unsigned long i;
	u64 start;
	int ret;

	if (!arg[0] || arg[0] > BENCH_CALLS_MAX)
		return -EINVAL;
	ret = smp_bench_move(arg[1]);
	start = ktime_get_ns();
	for (i = 0; i < arg[0] && !ret; i++) {
		ret = smp_call_function_single(arg[1], bench_call_fn, NULL, false);
		cond_resched();
	}
	/* Calls run in their order, so this one is the last */
	if (!ret)
		ret = smp_call_function_single(arg[1], bench_call_fn, NULL, true);
	if (!ret)
		bench_rate("ipi_async_per_s", arg[0], ktime_get_ns() - start);
	smp_bench_move_back();
	return ret;
}

static int bench_counts(const unsigned long *arg)
{
	smp_value("gp", rcu_get_gp_seq() >> BENCH_RCU_SEQ_SHIFT, "count");
	smp_value("gp_exp", rcu_exp_batches_completed() >> BENCH_RCU_SEQ_SHIFT, "count");
	return 0;
}

static int bench_thread_should_run(unsigned int cpu)
{
	return 0;
}

static void bench_thread_fn(unsigned int cpu)
{
}

/*
 * From now on each CPU has arg[0] hotplug threads that never have work, so that
 * a CPU that goes down has to park them. Zero takes them away.
 */
static int bench_threads(const unsigned long *arg)
{
	struct smp_hotplug_thread *ht;
	u64 start = ktime_get_ns();
	int ret;

	if (arg[0] > BENCH_THREADS_MAX)
		return -EINVAL;
	while (bench_nr_threads < arg[0]) {
		ht = &bench_hotplug_thread[bench_nr_threads];
		*ht = (struct smp_hotplug_thread) {
			.store			= &bench_thread[bench_nr_threads],
			.thread_should_run	= bench_thread_should_run,
			.thread_fn		= bench_thread_fn,
			.thread_comm		= "smp_bench/%u",
		};
		ret = smpboot_register_percpu_thread(ht);
		if (ret)
			return ret;
		bench_nr_threads++;
	}
	while (bench_nr_threads > arg[0])
		smpboot_unregister_percpu_thread(&bench_hotplug_thread[--bench_nr_threads]);
	smp_value("threads_changed", ktime_get_ns() - start, "ns");
	return 0;
}

void smp_bench_exit(void)
{
	const unsigned long none = 0;

	bench_threads(&none);
}

const struct smp_test smp_bench_tests[] = {
	{
		.name		= "bench_stop",
		.run		= bench_stop,
		.min_args	= 1,
		.max_args	= 1,
		.figures	= true,
	}, {
		.name		= "bench_irqsoff",
		.run		= bench_irqsoff,
		.min_args	= 1,
		.max_args	= 1,
		.figures	= true,
	}, {
		.name		= "bench_ipi",
		.run		= bench_ipi,
		.min_args	= 2,
		.max_args	= 2,
		.figures	= true,
	}, {
		.name		= "bench_ipi_many",
		.run		= bench_ipi_many,
		.min_args	= 1,
		.max_args	= 1,
		.figures	= true,
	}, {
		.name		= "bench_ipi_async",
		.run		= bench_ipi_async,
		.min_args	= 2,
		.max_args	= 2,
		.figures	= true,
	}, {
		.name		= "bench_threads",
		.run		= bench_threads,
		.min_args	= 1,
		.max_args	= 1,
		.figures	= true,
	}, {
		.name		= "counts",
		.run		= bench_counts,
		.figures	= true,
	},
	{ }
};
