// SPDX-License-Identifier: GPL-2.0
/*
 * Contract of stop_machine(): which CPUs run the function, how often, with
 * interrupts off, and what is returned. smp_test_record.c has the function.
 *
 * Interrupts that stay away from the CPUs that do not run the function are in
 * smp_test_witness.c, the race with hotplug in smp_test_hotplug.c.
 */
#include <linux/cpu.h>
#include <linux/gfp.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/stop_machine.h>
#include <linux/timekeeping.h>
#include <linux/topology.h>

#include "smp_test.h"

#define STOP_ROUNDS		32
#define STOP_SYNC_ROUNDS	100
#define STOP_SYNC_LIMIT_NS	(10ULL * NSEC_PER_SEC)
#define STOP_SERIAL_CALLERS	8
#define STOP_SERIAL_CALLS	25
#define STOP_SERIAL_DWELL_US	50
#define STOP_CALLS_MAX		10000000UL

/* For the tests that run one call after the other, so without allocation */
static struct smp_stop_call *stop_call;
static struct cpumask stop_mask;

/* Call stop_machine() and check where the function ran */
static int stop_one_call(struct smp_stop_call *call, const struct cpumask *mask,
			 const char *what)
{
	int ret;

	smp_stop_call_reset(call);
	ret = stop_machine(smp_stop_record, call, mask);
	smp_stop_check(call, mask, what);
	return ret;
}

static void stop_expect_zero(const struct cpumask *mask, const char *what)
{
	int ret = stop_one_call(stop_call, mask, what);

	if (ret)
		smp_fail("%s: returned %d, not 0", what, ret);
}

/* What is online must not change in the middle of the tests below */
static int stop_single(const unsigned long *arg)
{
	unsigned int cpu, calls = 0;

	cpu_hotplug_disable();
	for_each_online_cpu(cpu) {
		stop_expect_zero(cpumask_of(cpu), "single CPU");
		calls++;
	}
	cpu_hotplug_enable();
	smp_value("calls", calls, "count");
	return 0;
}

static int stop_several(const unsigned long *arg)
{
	unsigned int i;

	cpu_hotplug_disable();
	for (i = 0; i < STOP_ROUNDS; i++) {
		smp_random_mask(&stop_mask, cpu_online_mask);
		stop_expect_zero(&stop_mask, "several CPUs");
	}
	cpu_hotplug_enable();
	smp_value("calls", i, "count");
	return 0;
}

static int stop_all(const unsigned long *arg)
{
	unsigned int i;

	cpu_hotplug_disable();
	for (i = 0; i < STOP_ROUNDS; i++)
		stop_expect_zero(cpu_online_mask, "all CPUs");
	/* Possible CPUs that are not online are no error */
	stop_expect_zero(cpu_possible_mask, "all possible CPUs");
	cpu_hotplug_enable();
	smp_value("calls", i + 1, "count");
	return 0;
}

static int stop_null(const unsigned long *arg)
{
	unsigned int i;

	cpu_hotplug_disable();
	for (i = 0; i < STOP_ROUNDS; i++)
		stop_expect_zero(NULL, "no mask");
	cpu_hotplug_enable();
	smp_value("calls", i, "count");
	return 0;
}

/* A mask without any online CPU: all stop, nobody runs, and it is no error */
static int stop_empty(const unsigned long *arg)
{
	unsigned int i;

	for (i = 0; i < STOP_ROUNDS; i++)
		stop_expect_zero(cpu_none_mask, "empty mask");
	smp_value("calls", i, "count");
	return 0;
}

/* Masks with a CPU that is offline, and with nothing else */
static int stop_offline(const unsigned long *arg)
{
	struct smp_stop_call *call;
	struct cpumask *mask;
	unsigned int cpu = smp_first_to_go();
	int ret;

	if (cpu >= nr_cpu_ids)
		return 0;
	call = smp_stop_call_alloc();
	mask = kzalloc_obj(*mask);
	ret = call && mask ? remove_cpu(cpu) : -ENOMEM;
	if (ret)
		goto out;

	ret = stop_one_call(call, cpumask_of(cpu), "CPU that is offline");
	if (ret || atomic_read(&call->entered))
		smp_fail("on an offline CPU: %d runs, returned %d",
			 atomic_read(&call->entered), ret);
	cpumask_set_cpu(cpu, mask);
	cpumask_set_cpu(0, mask);
	if (stop_one_call(call, mask, "one online, one offline"))
		smp_fail("one online, one offline: returned an error");
	if (stop_one_call(call, cpu_possible_mask, "all, one offline"))
		smp_fail("all, one offline: returned an error");
	if (stop_one_call(call, cpu_online_mask, "all that are online"))
		smp_fail("all that are online: returned an error");
	if (stop_one_call(call, NULL, "no mask, one offline"))
		smp_fail("no mask, one offline: returned an error");

	ret = add_cpu(cpu);
	if (ret)
		smp_fail("CPU %u does not come back: error %d", cpu, ret);
	ret = stop_one_call(call, cpumask_of(cpu), "CPU that is back");
	if (ret || atomic_read(&call->entered) != 1)
		smp_fail("on a CPU that is back: %d runs, returned %d",
			 atomic_read(&call->entered), ret);
	ret = 0;
out:
	kfree(mask);
	kfree(call);
	return ret;
}

static int stop_return_call(const struct cpumask *mask, int (*value)(unsigned int cpu))
{
	unsigned int cpu;
	int ret;

	smp_stop_call_reset(stop_call);
	for_each_possible_cpu(cpu)
		stop_call->cpu[cpu].ret = value(cpu);
	ret = stop_machine(smp_stop_record, stop_call, mask);
	smp_stop_check(stop_call, mask, "return value");
	return ret;
}

static unsigned int stop_return_cpu;

static int stop_return_one(unsigned int cpu)
{
	return cpu == stop_return_cpu ? -EAGAIN : 0;
}

static int stop_return_same(unsigned int cpu)
{
	return 42;
}

static int stop_return_own(unsigned int cpu)
{
	return cpu & 1 ? -1000 - (int)cpu : 1000 + (int)cpu;
}

static int stop_return(const unsigned long *arg)
{
	unsigned int cpu, calls = 0;
	bool found;
	int ret;

	cpu_hotplug_disable();
	/* One CPU returns an error, and every CPU is that one once */
	for_each_online_cpu(stop_return_cpu) {
		ret = stop_return_call(cpu_online_mask, stop_return_one);
		if (ret != -EAGAIN)
			smp_fail("CPU %u returned %d, the call %d",
				 stop_return_cpu, -EAGAIN, ret);
		/* Its value does not count where it does not run */
		if (num_online_cpus() > 1) {
			cpumask_andnot(&stop_mask, cpu_online_mask,
				       cpumask_of(stop_return_cpu));
			ret = stop_return_call(&stop_mask, stop_return_one);
			if (ret)
				smp_fail("CPU %u did not run, the call returned %d",
					 stop_return_cpu, ret);
		}
		calls += 2;
	}

	ret = stop_return_call(cpu_online_mask, stop_return_same);
	if (ret != stop_return_same(0))
		smp_fail("all returned %d, the call %d", stop_return_same(0), ret);
	ret = stop_return_call(NULL, stop_return_same);
	if (ret != stop_return_same(0))
		smp_fail("one CPU returned %d, the call without mask %d",
			 stop_return_same(0), ret);
	ret = stop_return_call(cpu_none_mask, stop_return_same);
	if (ret)
		smp_fail("nobody ran, the call returned %d", ret);

	/* Different values: any one of them, but of a CPU that ran */
	while (calls < STOP_ROUNDS) {
		smp_random_mask(&stop_mask, cpu_online_mask);
		ret = stop_return_call(&stop_mask, stop_return_own);
		found = false;
		for_each_cpu(cpu, &stop_mask)
			found |= ret == stop_return_own(cpu);
		if (!found)
			smp_fail("the call returned %d, which no CPU of %*pbl did",
				 ret, cpumask_pr_args(&stop_mask));
		calls++;
	}
	cpu_hotplug_enable();
	smp_value("calls", calls + 3, "count");
	return 0;
}

/*
 * Callers at the same time: the calls come one after the other, so the
 * function never runs for two of them at once.
 */
static atomic_t serial_owner;
static atomic_t serial_overlaps;

struct serial_caller {
	struct task_struct	*task;
	struct smp_stop_call	*call;
	struct cpumask		mask;
	atomic_t		todo;
	int			id;
	unsigned int		calls;
	bool			finished;
};

static int serial_fn(void *data)
{
	struct serial_caller *me = data;
	int owner, ret;

	owner = atomic_cmpxchg(&serial_owner, 0, me->id);
	if (owner && owner != me->id)
		atomic_inc(&serial_overlaps);
	ret = smp_stop_record(me->call);
	/* The last CPU of this call leaves the room empty */
	if (atomic_dec_and_test(&me->todo) &&
	    atomic_cmpxchg(&serial_owner, me->id, 0) != me->id)
		atomic_inc(&serial_overlaps);
	return ret;
}

static int serial_thread(void *data)
{
	struct serial_caller *me = data;
	unsigned int i;
	int ret;

	for (i = 0; i < STOP_SERIAL_CALLS && !kthread_should_stop(); i++) {
		smp_random_mask(&me->mask, cpu_online_mask);
		smp_stop_call_reset(me->call);
		atomic_set(&me->todo, cpumask_weight(&me->mask));
		ret = stop_machine(serial_fn, me, &me->mask);
		if (ret)
			smp_fail("caller %d: returned %d", me->id, ret);
		if (!smp_stop_check(me->call, &me->mask, "concurrent caller"))
			break;
		me->calls++;
	}
	WRITE_ONCE(me->finished, true);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static int stop_serial(const unsigned long *arg)
{
	unsigned int i, calls = 0, nr = 0;
	struct serial_caller *caller;
	int ret = -ENOMEM;

	caller = kzalloc_objs(*caller, STOP_SERIAL_CALLERS);
	if (!caller)
		return ret;
	atomic_set(&serial_owner, 0);
	atomic_set(&serial_overlaps, 0);
	cpu_hotplug_disable();

	for (nr = 0; nr < STOP_SERIAL_CALLERS; nr++) {
		struct serial_caller *it = &caller[nr];

		it->id = nr + 1;
		it->call = smp_stop_call_alloc();
		if (!it->call)
			goto out;
		it->call->dwell_us = STOP_SERIAL_DWELL_US;
		it->task = kthread_run(serial_thread, it, "smp_serial/%u", nr);
		if (IS_ERR(it->task)) {
			ret = PTR_ERR(it->task);
			it->task = NULL;
			kfree(it->call);
			goto out;
		}
	}

	for (i = 0; i < nr; i++) {
		while (!READ_ONCE(caller[i].finished) && !smp_sleep(10))
			;
	}
	ret = 0;
out:
	cpu_hotplug_enable();
	for (i = 0; i < nr; i++) {
		kthread_stop(caller[i].task);
		calls += caller[i].calls;
		kfree(caller[i].call);
	}
	kfree(caller);
	if (ret)
		return ret;
	if (atomic_read(&serial_overlaps))
		smp_fail("the function ran for two calls at once %d times",
			 atomic_read(&serial_overlaps));
	if (calls != STOP_SERIAL_CALLERS * STOP_SERIAL_CALLS)
		smp_fail("%u of %u calls were made", calls,
			 STOP_SERIAL_CALLERS * STOP_SERIAL_CALLS);
	smp_value("callers", STOP_SERIAL_CALLERS, "count");
	smp_value("calls", calls, "count");
	return 0;
}

/*
 * All CPUs meet in one call, as s390 does to synchronise its clocks: the first
 * one waits for the others, prepares a result for each, and lets them go.
 */
struct sync_slot {
	unsigned int	value;
	unsigned int	got;
};

static struct {
	atomic_t		first;
	atomic_t		missing;
	atomic_t		masters;
	atomic_t		lost;
	bool			in_sync;
	unsigned int		round;
	struct sync_slot	*slot;
} sync;

static int stop_sync_fn(void *unused)
{
	u64 limit = ktime_get_mono_fast_ns() + STOP_SYNC_LIMIT_NS;
	unsigned int me = smp_processor_id(), cpu;

	if (!atomic_xchg(&sync.first, 1)) {
		atomic_inc(&sync.masters);
		while (atomic_read(&sync.missing)) {
			cpu_relax();
			if (ktime_get_mono_fast_ns() > limit) {
				atomic_inc(&sync.lost);
				break;
			}
		}
		for_each_online_cpu(cpu)
			sync.slot[cpu].value = sync.round * nr_cpu_ids + cpu;
		/* Pairs with the acquire of the others: the slots are filled */
		smp_store_release(&sync.in_sync, true);
	} else {
		atomic_dec(&sync.missing);
		/* Pairs with the release of the first CPU */
		while (!smp_load_acquire(&sync.in_sync)) {
			cpu_relax();
			if (ktime_get_mono_fast_ns() > limit) {
				atomic_inc(&sync.lost);
				break;
			}
		}
	}
	sync.slot[me].got = sync.slot[me].value;
	return me == sync.round % nr_cpu_ids ? 1 + me : 0;
}

static int stop_sync(const unsigned long *arg)
{
	unsigned int cpu, special;
	int ret, want;

	sync.slot = kzalloc_objs(*sync.slot, nr_cpu_ids);
	if (!sync.slot)
		return -ENOMEM;
	cpu_hotplug_disable();
	for (sync.round = 1; sync.round <= STOP_SYNC_ROUNDS; sync.round++) {
		atomic_set(&sync.first, 0);
		atomic_set(&sync.masters, 0);
		atomic_set(&sync.lost, 0);
		atomic_set(&sync.missing, num_online_cpus() - 1);
		sync.in_sync = false;
		ret = stop_machine(stop_sync_fn, NULL, cpu_online_mask);

		special = sync.round % nr_cpu_ids;
		want = cpu_online(special) ? 1 + special : 0;
		if (ret != want)
			smp_fail("round %u returned %d, not %d", sync.round, ret, want);
		if (atomic_read(&sync.masters) != 1)
			smp_fail("%d first CPUs", atomic_read(&sync.masters));
		if (atomic_read(&sync.lost))
			smp_fail("%d CPUs waited in vain", atomic_read(&sync.lost));
		for_each_online_cpu(cpu) {
			if (sync.slot[cpu].got != sync.round * nr_cpu_ids + cpu)
				smp_fail("round %u: CPU %u has no result", sync.round, cpu);
		}
		if (smp_failed())
			break;
	}
	cpu_hotplug_enable();
	kfree(sync.slot);
	smp_value("calls", min_t(unsigned int, sync.round, STOP_SYNC_ROUNDS), "count");
	return 0;
}

#ifdef CONFIG_SCHED_SMT
static int stop_core(const unsigned long *arg)
{
	unsigned int cpu, calls = 0, threads = 0;
	int ret;

	cpus_read_lock();
	for_each_online_cpu(cpu) {
		const struct cpumask *core = cpu_smt_mask(cpu);

		smp_stop_call_reset(stop_call);
		stop_call->cpu[cpu].ret = -EAGAIN;
		ret = stop_core_cpuslocked(cpu, smp_stop_record, stop_call);
		smp_stop_check(stop_call, core, "core");
		if (ret != -EAGAIN)
			smp_fail("core of CPU %u returned %d, not %d", cpu, ret, -EAGAIN);
		threads = max(threads, cpumask_weight(core));
		calls++;
	}
	cpus_read_unlock();
	smp_value("calls", calls, "count");
	smp_value("threads_per_core", threads, "count");
	return 0;
}
#else
static int stop_core(const unsigned long *arg)
{
	smp_skip("kernel without CONFIG_SCHED_SMT");
	return 0;
}
#endif

static unsigned int stop_many_calls(unsigned long nr)
{
	const struct cpumask *mask;
	unsigned long i;
	int ret;

	for (i = 0; i < nr && !smp_failed(); i++) {
		switch (i % 3) {
		case 0:
			mask = NULL;
			break;
		case 1:
			mask = cpu_online_mask;
			break;
		default:
			mask = cpumask_of(smp_random_cpu(cpu_online_mask));
			break;
		}
		ret = stop_one_call(stop_call, mask, "one of many calls");
		if (ret)
			smp_fail("call %lu returned %d", i, ret);
		if (signal_pending(current))
			smp_fail("interrupted after %lu calls", i + 1);
	}
	return i;
}

static int stop_calls(const unsigned long *arg)
{
	if (!arg[0] || arg[0] > STOP_CALLS_MAX)
		return -EINVAL;
	cpu_hotplug_disable();
	smp_value("calls", stop_many_calls(arg[0]), "count");
	cpu_hotplug_enable();
	return 0;
}

/* The number of allocations that the calling task got, of two that it tried */
static int alloc_try(void *unused)
{
	const gfp_t gfp = GFP_ATOMIC | __GFP_NOWARN;
	void *object = kmalloc(sizeof(u64), gfp);
	struct page *page = alloc_page(gfp);
	int got = !!object + !!page;

	kfree(object);
	if (page)
		__free_page(page);
	return got;
}

/* Without working fault injection in the tasks involved the test says nothing */
static unsigned int alloc_control(void)
{
	unsigned int cpu, tries = 0;
	int got;

	got = alloc_try(NULL);
	if (got)
		smp_fail("control: the caller got %d of 2 allocations", got);
	tries++;
	for_each_online_cpu(cpu) {
		got = stop_machine(alloc_try, NULL, cpumask_of(cpu));
		if (got)
			smp_fail("control: the stopper of CPU %u got %d of 2 allocations",
				 cpu, got);
		tries++;
	}
	return tries;
}

/*
 * stop_machine() can be called where an allocation or a failure is not
 * possible. The caller has arranged that each allocation of its own and of the
 * stopper threads fails, and counts them: denied_* is how many this test did
 * itself.
 */
static int stop_noalloc(const unsigned long *arg)
{
	unsigned int tries;

	if (!arg[0] || arg[0] > STOP_CALLS_MAX)
		return -EINVAL;
	if (IS_ENABLED(CONFIG_PREEMPT_RT)) {
		smp_skip("PREEMPT_RT: the control cannot allocate with interrupts off");
		return 0;
	}
	cpu_hotplug_disable();
	tries = alloc_control();
	smp_value("calls", stop_many_calls(arg[0]), "count");
	tries += alloc_control();
	cpu_hotplug_enable();
	smp_value("denied_slab", tries, "count");
	smp_value("denied_page", tries, "count");
	return 0;
}

/**
 * smp_stop_init - Allocate what a test must not allocate itself
 *
 * Return: 0 or -ENOMEM.
 */
int smp_stop_init(void)
{
	stop_call = smp_stop_call_alloc();
	return stop_call ? 0 : -ENOMEM;
}

/**
 * smp_stop_exit - Undo smp_stop_init()
 */
void smp_stop_exit(void)
{
	kfree(stop_call);
}

const struct smp_test smp_stop_tests[] = {
	{ .name = "stop_single", .run = stop_single, },
	{ .name = "stop_several", .run = stop_several, },
	{ .name = "stop_all", .run = stop_all, },
	{ .name = "stop_null", .run = stop_null, },
	{ .name = "stop_empty", .run = stop_empty, },
	{ .name = "stop_offline", .run = stop_offline, },
	{ .name = "stop_return", .run = stop_return, },
	{ .name = "stop_serial", .run = stop_serial, },
	{ .name = "stop_sync", .run = stop_sync, },
	{ .name = "stop_core", .run = stop_core, },
	{ .name = "stop_calls", .run = stop_calls, .min_args = 1, .max_args = 1, },
	{ .name = "stop_noalloc", .run = stop_noalloc, .min_args = 1, .max_args = 1, },
	{ }
};
