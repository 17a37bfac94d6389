// SPDX-License-Identifier: GPL-2.0
/*
 * Contract of stop_machine(): which CPUs run the function, how often, with
 * interrupts off on all CPUs, and what is returned. smp_test_record.c has the
 * function.
 */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/irq_work.h>
#include <linux/kprobes.h>
#include <linux/module.h>
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
#define STOP_DWELL_MIN_US	2000
#define STOP_DWELL_MAX_US	512000
#define STOP_IRQS_ROUNDS	8
#define STOP_CALL_LIMIT_MS	10000
#define STOP_HOLD_ROUNDS	16
#define STOP_HOLD_LIMIT_NS	(2ULL * NSEC_PER_SEC)
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
static int stop_masks(const unsigned long *arg)
{
	unsigned int cpu, i;

	cpu_hotplug_disable();
	for_each_online_cpu(cpu)
		stop_expect_zero(cpumask_of(cpu), "single CPU");
	for (i = 0; i < STOP_ROUNDS; i++) {
		smp_random_mask(&stop_mask, cpu_online_mask);
		stop_expect_zero(&stop_mask, "several CPUs");
		stop_expect_zero(cpu_online_mask, "all CPUs");
		stop_expect_zero(NULL, "no mask");
		/* All stop, nobody runs, and it is no error */
		stop_expect_zero(cpu_none_mask, "empty mask");
	}
	/* Nor are possible CPUs that are not online */
	stop_expect_zero(cpu_possible_mask, "all possible CPUs");
	cpu_hotplug_enable();
	return 0;
}

/* Masks with a CPU that is offline, and with nothing else */
static int stop_offline(const unsigned long *arg)
{
	unsigned int cpu = smp_first_to_go();
	int ret;

	if (cpu >= nr_cpu_ids)
		return 0;
	ret = remove_cpu(cpu);
	if (ret)
		return ret;

	stop_expect_zero(cpumask_of(cpu), "CPU that is offline");
	cpumask_copy(&stop_mask, cpumask_of(cpu));
	cpumask_set_cpu(cpumask_first(cpu_online_mask), &stop_mask);
	stop_expect_zero(&stop_mask, "one online, one offline");
	stop_expect_zero(cpu_possible_mask, "all, one offline");
	stop_expect_zero(cpu_online_mask, "all that are online");
	stop_expect_zero(NULL, "no mask, one offline");

	ret = add_cpu(cpu);
	if (ret)
		smp_fail("CPU %u does not come back: error %d", cpu, ret);
	else
		stop_expect_zero(cpumask_of(cpu), "CPU that is back");
	return 0;
}

/* Returned by one CPU only, or by each a value of its own */
static int stop_return_call(const struct cpumask *mask, unsigned int only)
{
	unsigned int cpu;
	int ret;

	smp_stop_call_reset(stop_call);
	for_each_possible_cpu(cpu)
		stop_call->cpu[cpu].ret = only < nr_cpu_ids && cpu != only ? 0 : -1000 - cpu;
	ret = stop_machine(smp_stop_record, stop_call, mask);
	smp_stop_check(stop_call, mask, "return value");
	return ret;
}

static int stop_return(const unsigned long *arg)
{
	unsigned int cpu, i;
	int ret;

	cpu_hotplug_disable();
	/* One CPU returns an error, and every CPU is that one once */
	for_each_online_cpu(cpu) {
		ret = stop_return_call(cpu_online_mask, cpu);
		if (ret != -1000 - (int)cpu)
			smp_fail("CPU %u returned %d, the call %d", cpu, -1000 - cpu, ret);
		/* Its value does not count where it does not run */
		cpumask_andnot(&stop_mask, cpu_online_mask, cpumask_of(cpu));
		ret = stop_return_call(&stop_mask, cpu);
		if (ret)
			smp_fail("CPU %u did not run, the call returned %d", cpu, ret);
	}
	/* Different values: any one of them, but of a CPU that ran */
	for (i = 0; i < STOP_ROUNDS; i++) {
		smp_random_mask(&stop_mask, cpu_online_mask);
		ret = stop_return_call(&stop_mask, nr_cpu_ids);
		cpu = -1000 - ret;
		if (cpu >= nr_cpu_ids || !cpumask_test_cpu(cpu, &stop_mask))
			smp_fail("the call returned %d, which no CPU of %*pbl did",
				 ret, cpumask_pr_args(&stop_mask));
	}
	cpu_hotplug_enable();
	return 0;
}

/*
 * While the function runs, no CPU takes an interrupt, whether it runs the
 * function or not: the first CPU that runs it sends a function call to each
 * other CPU, which has to run there, but not before the function has ended on
 * all.
 */
struct irqs_cpu {
	call_single_data_t	csd;
	unsigned int		called;
	bool			early;
};

static struct {
	atomic_t		first;
	/* CPUs on which the function has not ended */
	atomic_t		todo;
	unsigned int		dwell_us;
	/* Whether the first CPU or the others take twice as long */
	bool			first_longer;
	atomic_t		unsent;
	struct irqs_cpu		*cpu;
} irqs;

static void irqs_called(void *data)
{
	struct irqs_cpu *me = data;

	me->early = atomic_read(&irqs.todo);
	/* Pairs with the acquire of the task that waits for the calls */
	smp_store_release(&me->called, me->called + 1);
}

static int irqs_fn(void *unused)
{
	bool first = !atomic_xchg(&irqs.first, 1);
	unsigned int cpu;

	if (first) {
		for_each_online_cpu(cpu) {
			if (cpu != smp_processor_id() &&
			    smp_call_function_single_async(cpu, &irqs.cpu[cpu].csd))
				atomic_inc(&irqs.unsent);
		}
	}
	smp_dwell(irqs.dwell_us);
	if (first == irqs.first_longer)
		smp_dwell(irqs.dwell_us);
	atomic_dec(&irqs.todo);
	return 0;
}

/*
 * Run the function on the CPUs of @mask, or with @control on this CPU without
 * stop_machine(). Returns the number of other CPUs that took their call early,
 * or -ETIMEDOUT: then a call is still out, and nothing must be freed.
 */
static int irqs_run(const struct cpumask *mask, bool control)
{
	int early = 0, called = 0, ret = 0;
	unsigned int cpu, ms = 0;

	for_each_online_cpu(cpu) {
		irqs.cpu[cpu].called = 0;
		irqs.cpu[cpu].early = false;
	}
	atomic_set(&irqs.first, 0);
	atomic_set(&irqs.unsent, 0);
	atomic_set(&irqs.todo, mask ? cpumask_weight(mask) : 1);
	if (control) {
		local_irq_disable();
		irqs_fn(NULL);
		local_irq_enable();
	} else {
		ret = stop_machine(irqs_fn, NULL, mask);
	}
	if (ret || atomic_read(&irqs.todo) || atomic_read(&irqs.unsent))
		smp_fail("returned %d, %d CPUs did not run, %d could not be called", ret,
			 atomic_read(&irqs.todo), atomic_read(&irqs.unsent));

	/* All but the first CPU are called once */
	for (;;) {
		called = 0;
		early = 0;
		for_each_online_cpu(cpu) {
			/* Pairs with the release in the called function */
			if (!smp_load_acquire(&irqs.cpu[cpu].called))
				continue;
			called += irqs.cpu[cpu].called;
			early += irqs.cpu[cpu].early;
		}
		if (called >= num_online_cpus() - 1)
			break;
		if (ms++ > STOP_CALL_LIMIT_MS) {
			smp_fail("%d calls ran, not %u", called, num_online_cpus() - 1);
			return -ETIMEDOUT;
		}
		fsleep(USEC_PER_MSEC);
	}
	if (called != num_online_cpus() - 1)
		smp_fail("%d calls ran, not %u", called, num_online_cpus() - 1);
	return early;
}

/* Without stop_machine(), each call is early: double the time until it is so */
static int irqs_control(void)
{
	int early;

	for (irqs.dwell_us = STOP_DWELL_MIN_US; irqs.dwell_us <= STOP_DWELL_MAX_US;
	     irqs.dwell_us *= 2) {
		early = irqs_run(NULL, true);
		if (early < 0 || early == num_online_cpus() - 1)
			return early;
	}
	smp_fail("control: only %d calls run before the function has ended", early);
	return 0;
}

static int irqs_all(void)
{
	const struct cpumask *masks[4];
	unsigned int round, i;
	int early;

	early = irqs_control();
	if (early < 0 || smp_failed())
		return early;
	irqs.dwell_us = min(irqs.dwell_us * 2, (unsigned int)STOP_DWELL_MAX_US);
	smp_value("dwell", irqs.dwell_us, "us");
	for (round = 0; round < STOP_IRQS_ROUNDS && !smp_failed(); round++) {
		irqs.first_longer = round & 1;
		smp_random_mask(&stop_mask, cpu_online_mask);
		masks[0] = NULL;
		masks[1] = cpu_online_mask;
		masks[2] = &stop_mask;
		masks[3] = cpumask_of(cpumask_nth(round % num_online_cpus(),
						  cpu_online_mask));
		for (i = 0; i < ARRAY_SIZE(masks); i++) {
			early = irqs_run(masks[i], false);
			if (early < 0)
				return early;
			if (early)
				smp_fail("%d CPUs took a call while it ran (CPUs %*pbl)",
					 early, cpumask_pr_args(masks[i] ?: cpu_none_mask));
		}
	}
	return 0;
}

static int stop_irqs(const unsigned long *arg)
{
	unsigned int cpu;

	irqs.cpu = kzalloc_objs(*irqs.cpu, nr_cpu_ids);
	if (!irqs.cpu)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		INIT_CSD(&irqs.cpu[cpu].csd, irqs_called, &irqs.cpu[cpu]);
	cpu_hotplug_disable();
	/* A call that is still out would find its data and its code gone */
	if (irqs_all() < 0)
		__module_get(THIS_MODULE);
	else
		kfree(irqs.cpu);
	cpu_hotplug_enable();
	return 0;
}

#ifdef CONFIG_KPROBES
/*
 * A CPU that does not run the function is held up after it has disabled
 * interrupts, as an NMI or the hypervisor could do it. The CPU that runs the
 * function must get out of stop_machine() nevertheless, and lets it go by an
 * interrupt to itself.
 */
static struct {
	unsigned int		cpu;
	unsigned int		runner;
	bool			armed;
	bool			held;
	bool			released;
	bool			late;
} hold;

static void hold_release(struct irq_work *work)
{
	WRITE_ONCE(hold.released, true);
}

static struct irq_work hold_work = IRQ_WORK_INIT_HARD(hold_release);

static int hold_fn(void *unused)
{
	irq_work_queue(&hold_work);
	return 0;
}

/* Each stopped CPU calls the function with the probe until the state changes */
static int hold_hit(struct kprobe *p, struct pt_regs *regs)
{
	u64 limit;

	if (!READ_ONCE(hold.armed) || smp_processor_id() != hold.cpu)
		return 0;
	WRITE_ONCE(hold.armed, false);
	hold.held = !READ_ONCE(hold.released);
	limit = ktime_get_mono_fast_ns() + STOP_HOLD_LIMIT_NS;
	while (!READ_ONCE(hold.released)) {
		cpu_relax();
		if (ktime_get_mono_fast_ns() > limit) {
			hold.late = true;
			break;
		}
	}
	return 0;
}
NOKPROBE_SYMBOL(hold_hit);

static struct kprobe hold_probe = {
	.symbol_name	= "rcu_momentary_eqs",
	.pre_handler	= hold_hit,
};

static int stop_bystander(const unsigned long *arg)
{
	unsigned int i, held = 0;
	int ret;

	if (num_online_cpus() < 2) {
		smp_skip("needs two CPUs");
		return 0;
	}
	ret = register_kprobe(&hold_probe);
	if (ret) {
		smp_skip("no probe at %s: error %d", hold_probe.symbol_name, ret);
		return 0;
	}
	cpu_hotplug_disable();
	/*
	 * A CPU that is the last one to disable interrupts is held up too late
	 * to be waited for: some will be earlier.
	 */
	for (i = 0; i < STOP_HOLD_ROUNDS * num_online_cpus() && !hold.late; i++) {
		hold.cpu = cpumask_nth(i % num_online_cpus(), cpu_online_mask);
		hold.runner = cpumask_any_but(cpu_online_mask, hold.cpu);
		hold.held = false;
		hold.released = false;
		WRITE_ONCE(hold.armed, true);
		ret = stop_machine(hold_fn, NULL, cpumask_of(hold.runner));
		WRITE_ONCE(hold.armed, false);
		irq_work_sync(&hold_work);
		if (ret)
			smp_fail("returned %d", ret);
		held += hold.held;
	}
	cpu_hotplug_enable();
	unregister_kprobe(&hold_probe);
	if (hold.late)
		smp_fail("CPU %u waited for CPU %u, which does not run the function",
			 hold.runner, hold.cpu);
	if (!held)
		smp_fail("no CPU was held up");
	hold.late = false;
	smp_value("held", held, "count");
	return 0;
}
#else
static int stop_bystander(const unsigned long *arg)
{
	smp_skip("kernel without CONFIG_KPROBES");
	return 0;
}
#endif

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

static const struct smp_test stop_tests[] = {
	{ .name = "stop_masks", .run = stop_masks, },
	{ .name = "stop_offline", .run = stop_offline, },
	{ .name = "stop_return", .run = stop_return, },
	{ .name = "stop_irqs", .run = stop_irqs, },
	{ .name = "stop_bystander", .run = stop_bystander, },
	{ .name = "stop_sync", .run = stop_sync, },
	{ .name = "stop_core", .run = stop_core, },
	{ .name = "stop_calls", .run = stop_calls, .min_args = 1, .max_args = 1, },
	{ .name = "stop_noalloc", .run = stop_noalloc, .min_args = 1, .max_args = 1, },
	{ }
};

static struct smp_tests tests = { .test = stop_tests };

static int __init smp_test_stop_init(void)
{
	stop_call = smp_stop_call_alloc();
	if (!stop_call)
		return -ENOMEM;
	smp_tests_register(&tests);
	return 0;
}
module_init(smp_test_stop_init);

static void __exit smp_test_stop_exit(void)
{
	smp_tests_unregister(&tests);
	kfree(stop_call);
}
module_exit(smp_test_stop_exit);

MODULE_DESCRIPTION("Tests of stop_machine()");
MODULE_LICENSE("GPL");
