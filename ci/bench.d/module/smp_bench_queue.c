// SPDX-License-Identifier: GPL-2.0
/*
 * The ways to have a function called on another CPU by any number of callers,
 * side by side. Each request stores a number; it is served when the function has
 * seen it.
 *
 *   flag	an atomic flag and smp_call_function_single_async(), as net/core
 *		has it on 7.3 for deferred skbs
 *   irqwork	irq_work_queue_on()
 *   nowait	smp_call_function_single() without wait
 *   wait	smp_call_function_single() with wait
 *   queue	smp_queue_function_single(); on a kernel without it what it stands for,
 *		smp_call_function_single_async(), with one producer only
 *
 * bench_queue ROUNDS TARGET [PRODUCERS]: for each way
 *
 *   queue_<way>_per_s		requests per second of all producers together. Only
 *				"wait" waits for the function
 *   queue_<way>_runs		runs of the function per 1000000 of these requests
 *   queue_<way>_lost		producers, the last request of which was never seen;
 *				an error with smp_queue_function_single()
 *   queue_<way>_p50, _p99	from a request to when its producer finds it served,
 *				one request at a time
 *   queue_<way>_merge		of a request that is merged with a pending run: the
 *				target is held meanwhile (flag, irqwork, queue)
 *   queue_<way>_ipis		interrupts per 1000 bursts of BQ_BURST requests,
 *				with the target held until all are made (flag,
 *				irqwork, queue), or not (nowait, wait)
 */
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/math64.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/static_call.h>
#include <linux/timekeeping.h>
#include <trace/events/ipi.h>

#include "smp_bench.h"

#if !BENCH_HAS_QUEUE
/* As in the series, but for one caller at a time, and the last request may be lost */
static inline int smp_queue_function_single(int cpu, call_single_data_t *csd)
{
	int ret = smp_call_function_single_async(cpu, csd);

	return ret == -EBUSY ? 0 : ret;
}
#endif

#define BQ_PRODUCERS_MAX	16
#define BQ_BURST		64
#define BQ_BURSTS		1000
/* Merged requests take so much less time that these are as many times more */
#define BQ_MERGED		100
/* The target is held for less than the watchdogs bear */
#define BQ_MERGE_ROUNDS_MAX	10000000UL
#define BQ_LIMIT_NS		(20ULL * NSEC_PER_SEC)
#define BQ_HOLD_LIMIT_NS	(10ULL * NSEC_PER_SEC)

enum bq_way { BQ_FLAG, BQ_IRQWORK, BQ_NOWAIT, BQ_WAIT, BQ_QUEUE, BQ_WAYS };

static const char * const bq_name[BQ_WAYS] = { "flag", "irqwork", "nowait", "wait", "queue" };

/* What is written at different times or by different CPUs has a line of its own */
static struct {
	call_single_data_t	flag_csd ____cacheline_aligned_in_smp;
	int			flag;
	struct irq_work		work ____cacheline_aligned_in_smp;
	call_single_data_t	queue_csd ____cacheline_aligned_in_smp;
	unsigned int		cpu ____cacheline_aligned_in_smp;
	unsigned int		producers;
	unsigned long		runs ____cacheline_aligned_in_smp;
	struct {
		unsigned long	stored ____cacheline_aligned_in_smp;
		unsigned long	seen ____cacheline_aligned_in_smp;
	} slot[BQ_PRODUCERS_MAX];
} bq;

/**
 * struct bq_hold - keeps a CPU in a function, with interrupts disabled
 * @csd:	calls the function
 * @entered:	the CPU is in the function
 * @release:	it may leave
 */
struct bq_hold {
	call_single_data_t	csd;
	bool			entered;
	bool			release;
};

static struct bq_hold bq_hold;

static void bq_figure(const char *what, enum bq_way way, u64 value, const char *unit)
{
	char name[32];

	scnprintf(name, sizeof(name), "queue_%s_%s", bq_name[way], what);
	bench_figure(name, value, unit);
}

/* The other ways have nothing to merge */
static bool bq_merges(enum bq_way way)
{
	return way == BQ_FLAG || way == BQ_IRQWORK || way == BQ_QUEUE;
}

static bool no_irq_work(struct irq_work *work, int cpu)
{
	return false;
}

/*
 * Not exported. Where static calls are patched, a call costs what it costs those
 * who use the function.
 */
DEFINE_STATIC_CALL(bq_irq_work_queue_on, no_irq_work);

static unsigned long bq_ipis;

static void bq_serve(void)
{
	unsigned int i;

	for (i = 0; i < bq.producers; i++)
		WRITE_ONCE(bq.slot[i].seen, READ_ONCE(bq.slot[i].stored));
	WRITE_ONCE(bq.runs, bq.runs + 1);
}

static void bq_fn(void *unused)
{
	bq_serve();
}

/*
 * As trigger_rx_softirq() does, which clears the flag before the softirq looks at
 * the list, without a barrier in between
 */
static void bq_flag_fn(void *unused)
{
	/* No more than that, as there: the barrier is what the flag lacks */
	smp_store_release(&bq.flag, 0);
	bq_serve();
}

static void bq_work_fn(struct irq_work *work)
{
	bq_serve();
}

/* As kick_defer_list_purge(), which is not inlined */
static noinline int bq_flag_request(void)
{
	int ret = 0;

	if (!cmpxchg(&bq.flag, 0, 1)) {
		ret = smp_call_function_single_async(bq.cpu, &bq.flag_csd);
		if (ret)
			WRITE_ONCE(bq.flag, 0);
	}
	return ret;
}

/* The same with it */
static noinline int bq_queue_request(void)
{
	return smp_queue_function_single(bq.cpu, &bq.queue_csd);
}

static int bq_request(enum bq_way way)
{
	int ret = 0;

	switch (way) {
	case BQ_FLAG:
		ret = bq_flag_request();
		break;
	case BQ_IRQWORK:
		static_call(bq_irq_work_queue_on)(&bq.work, bq.cpu);
		break;
	case BQ_NOWAIT:
	case BQ_WAIT:
		ret = smp_call_function_single(bq.cpu, bq_fn, NULL, way == BQ_WAIT);
		break;
	case BQ_QUEUE:
		ret = bq_queue_request();
		break;
	default:
		break;
	}
	return ret < 0 ? ret : 0;
}

static bool bq_wait(unsigned int nr, unsigned long want)
{
	u64 limit = ktime_get_ns() + BQ_LIMIT_NS;

	while (READ_ONCE(bq.slot[nr].seen) < want) {
		if (ktime_get_ns() > limit)
			return false;
		cpu_relax();
	}
	return true;
}

/* Without the barriers, a request may be lost: not a failure of the others */
static bool bq_last(unsigned int nr)
{
	unsigned long want = bq.slot[nr].stored;
	u64 limit = ktime_get_ns() + NSEC_PER_SEC;

	while (READ_ONCE(bq.slot[nr].seen) < want && ktime_get_ns() < limit)
		cpu_relax();
	return READ_ONCE(bq.slot[nr].seen) >= want;
}

struct bq_producer {
	struct task_struct	*task;
	enum bq_way		way;
	unsigned int		nr;
	unsigned long		rounds;
	unsigned long		lost;
	u64			ns;
	struct completion	done;
};

static atomic_t bq_ready;

static int bq_producer_fn(void *data)
{
	struct bq_producer *me = data;
	unsigned long i;
	u64 start;

	/* All begin together */
	atomic_dec(&bq_ready);
	while (atomic_read(&bq_ready) > 0)
		cond_resched();
	start = ktime_get_ns();
	for (i = 0; i < me->rounds; i++) {
		WRITE_ONCE(bq.slot[me->nr].stored, bq.slot[me->nr].stored + 1);
		bq_request(me->way);
		if (!(i % 256))
			cond_resched();
	}
	me->ns = ktime_get_ns() - start;
	me->lost = !bq_last(me->nr);
	complete(&me->done);
	while (!kthread_should_stop())
		fsleep(USEC_PER_MSEC);
	return 0;
}

/* Producers have a CPU each, as far as there are any besides the target */
static int bq_rate(enum bq_way way, unsigned long rounds)
{
	static struct bq_producer p[BQ_PRODUCERS_MAX];
	unsigned int i, cpu = bq.cpu;
	unsigned long lost = 0;
	int ret = 0;
	u64 ns = 1;

	/* As many as take about the same time */
	if (bq_merges(way))
		rounds *= BQ_MERGED;
	bq.runs = 0;
	atomic_set(&bq_ready, bq.producers);
	for (i = 0; i < bq.producers; i++) {
		p[i] = (struct bq_producer){ .way = way, .nr = i, .rounds = rounds, };
		init_completion(&p[i].done);
		do {
			cpu = cpumask_next_wrap(cpu, cpu_online_mask);
		} while (cpu == bq.cpu && num_online_cpus() > 1);
		p[i].task = kthread_run_on_cpu(bq_producer_fn, &p[i], cpu, "smp_bench/%u");
		if (IS_ERR(p[i].task)) {
			ret = PTR_ERR(p[i].task);
			atomic_sub(bq.producers - i, &bq_ready);
			bq.producers = i;
			break;
		}
	}
	for (i = 0; i < bq.producers; i++) {
		wait_for_completion(&p[i].done);
		kthread_stop(p[i].task);
		ns = max(ns, p[i].ns);
		lost += p[i].lost;
	}
	if (ret)
		return ret;
	bq_figure("per_s", way, div64_u64((u64)rounds * bq.producers * NSEC_PER_SEC, ns),
		  "1/s");
	bq_figure("runs", way, div64_u64((u64)bq.runs * 1000000, rounds * bq.producers),
		  "1/1000000");
	bq_figure("lost", way, lost, "count");
	return lost && way == BQ_QUEUE && BENCH_HAS_QUEUE ? -EIO : 0;
}

static int bq_latency(enum bq_way way, unsigned long rounds, u64 *ns)
{
	unsigned long i;
	u64 start;

	for (i = 0; i < rounds; i++) {
		/* It may be cleared after the function was seen to have run */
		while (way == BQ_FLAG && READ_ONCE(bq.flag))
			cpu_relax();
		start = ktime_get_ns();
		WRITE_ONCE(bq.slot[0].stored, bq.slot[0].stored + 1);
		bq_request(way);
		if (!bq_wait(0, bq.slot[0].stored))
			return -ETIMEDOUT;
		ns[i] = ktime_get_ns() - start;
		cond_resched();
	}
	bench_sort(ns, rounds);
	bq_figure("p50", way, bench_percentile(ns, rounds, 50), "ns");
	bq_figure("p99", way, bench_percentile(ns, rounds, 99), "ns");
	return 0;
}

static void bq_hold_fn(void *unused)
{
	u64 limit = ktime_get_mono_fast_ns() + BQ_HOLD_LIMIT_NS;

	/* Pairs with the acquire in bq_hold_begin() */
	smp_store_release(&bq_hold.entered, true);
	/* Pairs with the release in bq_hold_end() */
	while (!smp_load_acquire(&bq_hold.release) && ktime_get_mono_fast_ns() < limit)
		cpu_relax();
}

static void bq_hold_end(void)
{
	/* Pairs with the acquire in bq_hold_fn() */
	smp_store_release(&bq_hold.release, true);
}

/* The CPU takes no interrupt until bq_hold_end(). Then comes bq_drain(). */
static int bq_hold_begin(void)
{
	u64 limit = ktime_get_ns() + BQ_LIMIT_NS;
	int ret;

	bq_hold.entered = false;
	bq_hold.release = false;
	INIT_CSD(&bq_hold.csd, bq_hold_fn, NULL);
	ret = smp_call_function_single_async(bq.cpu, &bq_hold.csd);
	if (ret)
		return ret;
	/* Pairs with the release in bq_hold_fn() */
	while (!smp_load_acquire(&bq_hold.entered)) {
		if (ktime_get_ns() > limit) {
			bq_hold_end();
			return -ETIMEDOUT;
		}
		cpu_relax();
	}
	return 0;
}

/* The functions of this way are over, and so is the one that holds the CPU */
static void bq_drain(void)
{
	smp_call_function_single(bq.cpu, bq_fn, NULL, true);
	/* The first may have been served before what was queued in front of it */
	smp_call_function_single(bq.cpu, bq_fn, NULL, true);
}

static int bq_merge(enum bq_way way, unsigned long rounds)
{
	unsigned long i, runs;
	int ret;
	u64 ns;

	ret = bq_hold_begin();
	if (ret)
		return ret;
	ret = bq_request(way);
	runs = READ_ONCE(bq.runs);
	ns = ktime_get_ns();
	for (i = 0; i < rounds && !ret; i++) {
		WRITE_ONCE(bq.slot[0].stored, bq.slot[0].stored + 1);
		ret = bq_request(way);
	}
	ns = ktime_get_ns() - ns;
	/* It was not held long enough */
	if (!ret && READ_ONCE(bq.runs) != runs)
		ret = -ETIMEDOUT;
	bq_hold_end();
	if (!ret && !bq_wait(0, bq.slot[0].stored))
		ret = -ETIMEDOUT;
	if (!ret)
		bq_figure("merge", way, div64_u64(ns * 1000, rounds), "ps");
	bq_drain();
	return ret;
}

static void bq_ipi_probe(void *unused, const unsigned int cpu, unsigned long callsite,
			 void *callback)
{
	/* Not those to reschedule */
	if (cpu == bq.cpu && callback)
		WRITE_ONCE(bq_ipis, bq_ipis + 1);
}

static int bq_bursts(enum bq_way way)
{
	bool hold = bq_merges(way);
	unsigned long ipis = 0;
	unsigned int i, burst;
	int ret = 0;

	for (burst = 0; burst < BQ_BURSTS && !ret; burst++) {
		if (hold)
			ret = bq_hold_begin();
		if (ret)
			break;
		WRITE_ONCE(bq_ipis, 0);
		for (i = 0; i < BQ_BURST; i++) {
			WRITE_ONCE(bq.slot[0].stored, bq.slot[0].stored + 1);
			ret = ret ?: bq_request(way);
		}
		ipis += READ_ONCE(bq_ipis);
		if (hold)
			bq_hold_end();
		if (!ret && !bq_wait(0, bq.slot[0].stored))
			ret = -ETIMEDOUT;
		/* The next burst holds it again */
		bq_drain();
	}
	if (ret)
		return ret;
	bq_figure("ipis", way, ipis * 1000 / BQ_BURSTS, "1/1000");
	return 0;
}

/* irq_work_queue_on() is not exported. A kprobe knows where it is. */
static bool bq_find_irq_work(void)
{
	struct kprobe kp = { .symbol_name = "irq_work_queue_on" };
	bool (*fn)(struct irq_work *work, int cpu);

	if (register_kprobe(&kp))
		return false;
	fn = (void *)kp.addr;
	unregister_kprobe(&kp);
	static_call_update(bq_irq_work_queue_on, fn);
	return true;
}

static int bench_queue(const unsigned long *arg)
{
	bool has_irq_work;
	enum bq_way way;
	u64 *ns;
	int ret;

	if (arg[2] > BQ_PRODUCERS_MAX)
		return -EINVAL;
	ns = bench_samples(arg[0]);
	if (IS_ERR(ns))
		return PTR_ERR(ns);
	cpu_hotplug_disable();
	ret = bench_move(arg[1]);
	if (!ret && num_online_cpus() < 2)
		ret = -EINVAL;
	if (ret)
		goto out;
	memset(&bq, 0, sizeof(bq));
	bq.cpu = arg[1];
	INIT_CSD(&bq.flag_csd, bq_flag_fn, NULL);
	INIT_CSD(&bq.queue_csd, bq_fn, NULL);
	bq.work = IRQ_WORK_INIT_HARD(bq_work_fn);
	has_irq_work = bq_find_irq_work();
	for (way = 0; way < BQ_WAYS && !ret; way++) {
		if ((way == BQ_QUEUE && !BENCH_HAS_QUEUE && arg[2] > 1) ||
		    (way == BQ_IRQWORK && !has_irq_work))
			continue;
		bq.producers = arg[2] ?: 1;
		ret = bq_rate(way, arg[0]);
		bq.producers = 1;
		if (!ret)
			ret = bq_latency(way, arg[0], ns);
		if (!ret && bq_merges(way))
			ret = bq_merge(way, min(arg[0] * BQ_MERGED, BQ_MERGE_ROUNDS_MAX));
		if (!ret)
			ret = register_trace_ipi_send_cpu(bq_ipi_probe, NULL);
		if (!ret) {
			ret = bq_bursts(way);
			unregister_trace_ipi_send_cpu(bq_ipi_probe, NULL);
			tracepoint_synchronize_unregister();
		}
	}
	/* What an error has left behind is in this module */
	bq_drain();
out:
	bench_move_back();
	cpu_hotplug_enable();
	kvfree(ns);
	return ret;
}

const struct bench bench_queue_list[] = {
	{
		.name		= "bench_queue",
		.run		= bench_queue,
		.min_args	= 2,
		.max_args	= 3,
	},
	{ }
};
