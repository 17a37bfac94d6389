// SPDX-License-Identifier: GPL-2.0
/*
 * Time of calls that do nothing, and counters of the kernel
 */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/stop_machine.h>
#include <linux/timekeeping.h>

#include "smp_bench.h"

#define BENCH_PERIOD_NS		(100 * NSEC_PER_USEC)
#define BENCH_TICK_LIMIT_MS	1000
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

static int bench_stop_fn(void *unused)
{
	return 0;
}

static void bench_call_fn(void *unused)
{
	WRITE_ONCE(bench_ran, bench_ran + 1);
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
	bench_sort(ns, i);
	bench_figure("stop_p50", bench_percentile(ns, i, 50), "ns");
	bench_figure("stop_p99", bench_percentile(ns, i, 99), "ns");
	bench_figure("stop_max", bench_percentile(ns, i, 100), "ns");
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
	bench_sort(ns, nr);
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
		bench_figure("irqsoff_noise", bench_percentile(ns, arg[0], 50), "ns");
		ret = bench_gaps(&bench_timer, ns, arg[0], true);
	}
	if (!ret) {
		bench_figure("irqsoff_p50", bench_percentile(ns, arg[0], 50), "ns");
		bench_figure("irqsoff_p99", bench_percentile(ns, arg[0], 99), "ns");
	}
	hrtimer_cancel(&bench_timer.timer);
	cpu_hotplug_enable();
	kvfree(ns);
	return ret;
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
	ret = bench_move(arg[1]);
	for (i = 0; i < arg[0] && !ret; i++) {
		start = ktime_get_ns();
		ret = smp_call_function_single(arg[1], bench_call_fn, NULL, true);
		ns[i] = ktime_get_ns() - start;
		cond_resched();
	}
	if (!ret) {
		bench_sort(ns, arg[0]);
		bench_figure("ipi_p50", bench_percentile(ns, arg[0], 50), "ns");
		bench_figure("ipi_p99", bench_percentile(ns, arg[0], 99), "ns");
	}
	bench_move_back();
	kvfree(ns);
	return ret;
}

static void bench_rate(const char *name, unsigned long nr, u64 ns)
{
	bench_figure(name, div64_u64((u64)nr * NSEC_PER_SEC, max_t(u64, ns, 1)), "1/s");
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
	ret = bench_move(arg[1]);
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
	bench_move_back();
	return ret;
}

static int bench_counts(const unsigned long *arg)
{
	bench_figure("gp", rcu_get_gp_seq() >> BENCH_RCU_SEQ_SHIFT, "count");
	bench_figure("gp_exp", rcu_exp_batches_completed() >> BENCH_RCU_SEQ_SHIFT, "count");
	return 0;
}

const struct bench bench_time_list[] = {
	{
		.name		= "bench_stop",
		.run		= bench_stop,
		.min_args	= 1,
		.max_args	= 1,
	}, {
		.name		= "bench_irqsoff",
		.run		= bench_irqsoff,
		.min_args	= 1,
		.max_args	= 1,
	}, {
		.name		= "bench_ipi",
		.run		= bench_ipi,
		.min_args	= 2,
		.max_args	= 2,
	}, {
		.name		= "bench_ipi_many",
		.run		= bench_ipi_many,
		.min_args	= 1,
		.max_args	= 1,
	}, {
		.name		= "bench_ipi_async",
		.run		= bench_ipi_async,
		.min_args	= 2,
		.max_args	= 2,
	}, {
		.name		= "counts",
		.run		= bench_counts,
	},
	{ }
};
