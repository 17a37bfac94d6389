// SPDX-License-Identifier: GPL-2.0
/*
 * The contract of smp_call_function_single_async(): what it returns, how often
 * and where the function runs, what a merged call can rely on, what happens with
 * bad arguments, with the own CPU, and with CPUs that are offline.
 *
 * Nothing here calls it for one object from two CPUs at once, so all of this can
 * be run on a kernel where the callers have to be serialized.
 *
 * Objects of calls are never freed when a call is still out: the record is
 * leaked then, and the test has failed.
 */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/stop_machine.h>

#include "smp_test_queue.h"

#define QUEUE_MERGED_CALLS	1000
#define QUEUE_SELF_DEPTH	4

/**
 * struct queue_block - keeps a CPU in a function, with interrupts disabled
 * @csd:	calls the function
 * @entered:	the CPU is in the function
 * @release:	it may leave
 */
struct queue_block {
	call_single_data_t	csd;
	bool			entered;
	bool			release;
};

static void queue_block_fn(void *data)
{
	struct queue_block *block = data;
	u64 limit = ktime_get_mono_fast_ns() + QUEUE_LIMIT_MS * NSEC_PER_MSEC;

	/* Pairs with the acquire in queue_block_begin() */
	smp_store_release(&block->entered, true);
	/* Pairs with the release in queue_block_end() */
	while (!smp_load_acquire(&block->release) && ktime_get_mono_fast_ns() < limit)
		cpu_relax();
}

static void queue_block_end(struct queue_block *block)
{
	/* Pairs with the acquire in queue_block_fn() */
	smp_store_release(&block->release, true);
}

/* The CPU takes no interrupt until queue_block_end() */
static int queue_block_begin(struct queue_block *block, unsigned int cpu)
{
	int ret;

	block->entered = false;
	block->release = false;
	INIT_CSD(&block->csd, queue_block_fn, block);
	ret = smp_call_function_single_async(cpu, &block->csd);
	if (ret)
		return ret;
	/* Pairs with the release in queue_block_fn() */
	if (queue_wait(smp_load_acquire(&block->entered)))
		return 0;
	smp_fail("CPU %u does not take a call", cpu);
	queue_block_end(block);
	return -ETIMEDOUT;
}

static void queue_nothing_fn(void *unused)
{
}

/* Wait until the CPU has left the function: there is one block for all tests */
static void queue_block_wait(unsigned int cpu)
{
	smp_call_function_single(cpu, queue_nothing_fn, NULL, true);
}

void queue_object_fn(void *info)
{
	struct queue_object *obj = info;
	u64 limit = ktime_get_mono_fast_ns() + QUEUE_LIMIT_MS * NSEC_PER_MSEC;

	obj->seen = READ_ONCE(obj->data);
	WRITE_ONCE(obj->inside, obj->inside + 1);
	obj->deepest = max(obj->deepest, obj->inside);
	if (!irqs_disabled() ||
	    (obj->cpu < nr_cpu_ids && raw_smp_processor_id() != obj->cpu))
		obj->wrong++;
	if (obj->again) {
		obj->again--;
		if (queue_call(obj->next, obj))
			obj->wrong++;
	}
	while (READ_ONCE(obj->hold) && ktime_get_mono_fast_ns() < limit)
		cpu_relax();
	WRITE_ONCE(obj->inside, obj->inside - 1);
	/* Pairs with the acquire in queue_object_check() */
	smp_store_release(&obj->runs, obj->runs + 1);
}

struct queue_object *queue_object_alloc(unsigned int cpu)
{
	struct queue_object *obj = kzalloc_obj(*obj);

	if (!obj) {
		smp_fail("no memory");
		return NULL;
	}
	INIT_CSD(&obj->csd, queue_object_fn, obj);
	obj->cpu = cpu;
	return obj;
}

/* There were exactly @runs runs, and the last one has seen all stores */
bool queue_object_check(struct queue_object *obj, unsigned long runs,
			const char *what)
{
	bool done;

	/* Pairs with the release in queue_object_fn() */
	done = queue_wait(smp_load_acquire(&obj->runs) >= runs);
	/* One more would come within this time */
	mdelay(2);
	if (!done || obj->runs != runs)
		smp_fail("%s: %lu runs, not %lu", what, obj->runs, runs);
	if (queue_pending(&obj->csd))
		smp_fail("%s: still pending", what);
	if (obj->wrong)
		smp_fail("%s: %lu runs on the wrong CPU or with interrupts on", what,
			 obj->wrong);
	if (runs && obj->seen != obj->data)
		smp_fail("%s: the last run saw %lu, not %lu", what, obj->seen, obj->data);
	return done && !queue_pending(&obj->csd);
}

void queue_expect(int ret, int want, const char *what)
{
	if (ret != want)
		smp_fail("%s returned %d, not %d", what, ret, want);
}

void queue_object_free(struct queue_object *obj)
{
	if (!smp_failed())
		kfree(obj);
}

/* A test that needs another CPU than its own, with CPUs staying as they are */
static int queue_with_other(void (*fn)(struct queue_object *obj, unsigned int cpu))
{
	struct queue_object *obj;
	unsigned int cpu;

	if (num_online_cpus() < 2) {
		smp_skip("one CPU");
		return 0;
	}
	cpu_hotplug_disable();
	migrate_disable();
	for_each_online_cpu(cpu) {
		if (cpu == raw_smp_processor_id() || smp_failed())
			continue;
		obj = queue_object_alloc(cpu);
		if (!obj)
			break;
		fn(obj, cpu);
		queue_object_free(obj);
	}
	migrate_enable();
	cpu_hotplug_enable();
	return 0;
}

static void queue_runs_fn(struct queue_object *obj, unsigned int cpu)
{
	unsigned long flags;

	obj->data = 1;
	queue_expect(queue_call(cpu, obj), 0, "a call");
	queue_object_check(obj, 1, "a call");
	obj->data = 2;
	local_irq_save(flags);
	queue_expect(queue_call(cpu, obj), 0, "a call with interrupts off");
	local_irq_restore(flags);
	queue_object_check(obj, 2, "a call with interrupts off");
}

static int queue_runs(const unsigned long *arg)
{
	return queue_with_other(queue_runs_fn);
}

/*
 * While the CPU takes no interrupt, the run is pending: the first call queues
 * it, the others are merged, and one run sees what all of them have stored.
 */
static void queue_merged_fn(struct queue_object *obj, unsigned int cpu)
{
	static struct queue_block block;
	unsigned int i;

	if (queue_block_begin(&block, cpu))
		return;
	for (i = 0; i < QUEUE_MERGED_CALLS; i++) {
		obj->data = i + 1;
		queue_expect(queue_call(cpu, obj),
			     i ? -EBUSY : 0, "a call while pending");
		if (!queue_pending(&obj->csd))
			smp_fail("not pending while the CPU is held");
	}
	if (READ_ONCE(obj->runs))
		smp_fail("it runs while the CPU is held");
	queue_block_end(&block);
	queue_object_check(obj, 1, "merged calls");
	queue_block_wait(cpu);
}

static int queue_merged(const unsigned long *arg)
{
	return queue_with_other(queue_merged_fn);
}

/*
 * As soon as the function was called, a new call queues a new run. It is held
 * inside of the function meanwhile, so that this is no matter of luck.
 */
static void queue_again_fn(struct queue_object *obj, unsigned int cpu)
{
	obj->hold = true;
	obj->data = 1;
	queue_expect(queue_call(cpu, obj), 0, "the first call");
	if (!queue_wait(READ_ONCE(obj->inside)))
		smp_fail("the function is not called");
	if (queue_pending(&obj->csd))
		smp_fail("pending while the function runs");
	obj->data = 2;
	queue_expect(queue_call(cpu, obj), 0, "a call while the function runs");
	obj->data = 3;
	queue_expect(queue_call(cpu, obj), -EBUSY, "another call while it runs");
	WRITE_ONCE(obj->hold, false);
	queue_object_check(obj, 2, "calls while the function runs");
	if (obj->deepest != 1)
		smp_fail("the function ran %u times at once", obj->deepest);
}

static int queue_again(const unsigned long *arg)
{
	return queue_with_other(queue_again_fn);
}

/* A pending run stays where it is, whatever CPU the next call names */
static void queue_other_cpu_fn(struct queue_object *obj, unsigned int cpu)
{
	unsigned int me = raw_smp_processor_id();
	static struct queue_block block;

	if (queue_block_begin(&block, cpu))
		return;
	queue_expect(queue_call(cpu, obj), 0, "the first call");
	obj->data = 1;
	queue_expect(queue_call(me, obj), -EBUSY, "a call that names another CPU");
	queue_block_end(&block);
	queue_object_check(obj, 1, "calls that name several CPUs");
	queue_block_wait(cpu);
}

static int queue_other_cpu(const unsigned long *arg)
{
	return queue_with_other(queue_other_cpu_fn);
}

/* Who gets -EBUSY may rely on the run, so a call that names no CPU must not */
static void queue_refused_fn(struct queue_object *obj, unsigned int cpu)
{
	static struct queue_block block;

	if (queue_block_begin(&block, cpu))
		return;
	queue_expect(queue_call(cpu, obj), 0, "the first call");
	queue_expect(queue_call(nr_cpu_ids, obj), -ENXIO,
		     "a call that names no CPU");
	if (!queue_pending(&obj->csd))
		smp_fail("an error has ended a pending run");
	queue_block_end(&block);
	queue_object_check(obj, 1, "a call and an error");
	queue_block_wait(cpu);
}

static int queue_refused(const unsigned long *arg)
{
	return queue_with_other(queue_refused_fn);
}

/* The own CPU: on the spot, with interrupts on and off, and from itself */
static int queue_self(const unsigned long *arg)
{
	struct queue_object *obj;
	unsigned long flags;
	unsigned int cpu;

	obj = queue_object_alloc(nr_cpu_ids);
	if (!obj)
		return 0;
	migrate_disable();
	cpu = raw_smp_processor_id();
	obj->cpu = cpu;

	obj->data = 1;
	queue_expect(queue_call(cpu, obj), 0, "a call to the own CPU");
	if (obj->runs != 1)
		smp_fail("it does not run on the spot");
	obj->data = 2;
	local_irq_save(flags);
	queue_expect(queue_call(cpu, obj), 0, "one with interrupts off");
	if (obj->runs != 2)
		smp_fail("it does not run on the spot with interrupts off");
	local_irq_restore(flags);
	obj->next = cpu;
	obj->again = QUEUE_SELF_DEPTH - 1;
	queue_expect(queue_call(cpu, obj), 0, "a call that repeats itself");
	queue_object_check(obj, 2 + QUEUE_SELF_DEPTH, "calls to the own CPU");
	if (obj->deepest != QUEUE_SELF_DEPTH)
		smp_fail("the function was called from itself %u deep, not %u",
			 obj->deepest, QUEUE_SELF_DEPTH);
	migrate_enable();
	queue_object_free(obj);
	return 0;
}

/*
 * The function runs on another CPU and calls this one, which takes no interrupt: so
 * the new run is pending, and a call of this CPU is merged with it.
 */
static void queue_back_fn(struct queue_object *obj, unsigned int cpu)
{
	unsigned int me = raw_smp_processor_id();
	unsigned long flags;

	obj->cpu = nr_cpu_ids;
	obj->next = me;
	obj->again = 1;
	obj->data = 1;
	local_irq_save(flags);
	queue_expect(queue_call(cpu, obj), 0, "the first call");
	/* Pairs with the release in queue_object_fn() */
	if (queue_wait(smp_load_acquire(&obj->runs))) {
		if (!queue_pending(&obj->csd))
			smp_fail("not pending after a call from the function");
		obj->data = 2;
		queue_expect(queue_call(me, obj), -EBUSY,
			     "a call to the own CPU while pending");
		if (obj->runs != 1)
			smp_fail("it runs with interrupts disabled");
	}
	local_irq_restore(flags);
	queue_object_check(obj, 2, "a call from the function");
}

static int queue_back(const unsigned long *arg)
{
	return queue_with_other(queue_back_fn);
}

/* From hard and soft interrupts, and from functions */
struct queue_context {
	struct queue_object	*obj;
	struct hrtimer		timer;
	struct tasklet_struct	tasklet;
	call_single_data_t	csd;
	unsigned int		cpu;
	int			ret;
	bool			done;
};

static void queue_context_call(struct queue_context *ctx)
{
	ctx->ret = queue_call(ctx->cpu, ctx->obj);
	/* Pairs with the acquire in queue_contexts_check() */
	smp_store_release(&ctx->done, true);
}

static enum hrtimer_restart queue_context_timer(struct hrtimer *timer)
{
	queue_context_call(container_of(timer, struct queue_context, timer));
	return HRTIMER_NORESTART;
}

static void queue_context_tasklet(struct tasklet_struct *tasklet)
{
	queue_context_call(container_of(tasklet, struct queue_context, tasklet));
}

static void queue_context_csd(void *data)
{
	queue_context_call(data);
}

static int queue_context_stop(void *data)
{
	queue_context_call(data);
	return 0;
}

static void queue_contexts_check(struct queue_context *ctx, unsigned long run,
				 const char *what)
{
	/* Pairs with the release in queue_context_call() */
	if (!queue_wait(smp_load_acquire(&ctx->done)))
		smp_fail("%s: never called", what);
	queue_expect(ctx->ret, 0, what);
	queue_object_check(ctx->obj, run, what);
	ctx->done = false;
	ctx->obj->data++;
}

static void queue_contexts_fn(struct queue_object *obj, unsigned int cpu)
{
	static struct queue_context ctx;

	memset(&ctx, 0, sizeof(ctx));
	ctx.obj = obj;
	ctx.cpu = cpu;
	hrtimer_setup(&ctx.timer, queue_context_timer, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED_HARD);
	tasklet_setup(&ctx.tasklet, queue_context_tasklet);
	INIT_CSD(&ctx.csd, queue_context_csd, &ctx);

	hrtimer_start(&ctx.timer, 0, HRTIMER_MODE_REL_PINNED_HARD);
	queue_contexts_check(&ctx, 1, "hard interrupt");
	tasklet_schedule(&ctx.tasklet);
	queue_contexts_check(&ctx, 2, "soft interrupt");
	/* From a call on the target itself, and from one on this CPU */
	smp_call_function_single_async(cpu, &ctx.csd);
	queue_contexts_check(&ctx, 3, "function call on the target");
	smp_call_function_single_async(raw_smp_processor_id(), &ctx.csd);
	queue_contexts_check(&ctx, 4, "function call");
	hrtimer_cancel(&ctx.timer);
	tasklet_kill(&ctx.tasklet);
}

static int queue_contexts(const unsigned long *arg)
{
	return queue_with_other(queue_contexts_fn);
}

/* While all other CPUs are stopped: nothing is waited for */
static int queue_stopped(const unsigned long *arg)
{
	static struct queue_context ctx;
	struct queue_object *obj;

	obj = queue_object_alloc(nr_cpu_ids);
	if (obj) {
		memset(&ctx, 0, sizeof(ctx));
		ctx.obj = obj;
		ctx.cpu = cpumask_last(cpu_online_mask);
		stop_machine(queue_context_stop, &ctx, cpumask_of(0));
		queue_contexts_check(&ctx, 1, "inside of stop_machine()");
		queue_object_free(obj);
	}
	return 0;
}

/* What is wrong with the arguments, and that the object is free afterwards */
static int queue_bad(const unsigned long *arg)
{
	static const int bad[] = { -1, INT_MIN, INT_MAX };
	struct queue_object *obj;
	unsigned int i, cpu;

	obj = queue_object_alloc(nr_cpu_ids);
	if (!obj)
		return 0;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		queue_expect(queue_call(bad[i], obj), -ENXIO, "a bad CPU");
	queue_expect(queue_call(nr_cpu_ids, obj), -ENXIO, "CPU nr_cpu_ids");
	cpus_read_lock();
	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		if (!cpu_online(cpu))
			queue_expect(queue_call(cpu, obj), -ENXIO,
				     "an offline CPU");
	}
	cpus_read_unlock();
	queue_object_check(obj, 0, "only errors");
	queue_expect(queue_call(0, obj), 0, "a call after errors");
	queue_object_check(obj, 1, "a call after errors");
	queue_object_free(obj);
	return 0;
}

/* A CPU that goes offline: no error before, an error after, and back again */
static int queue_offline(const unsigned long *arg)
{
	struct queue_object *obj;
	unsigned int cpu;
	int ret;

	cpu = cpumask_last(cpu_online_mask);
	if (!smp_cpu_can_go(cpu)) {
		smp_skip("no CPU can go offline");
		return 0;
	}
	obj = queue_object_alloc(cpu);
	if (!obj)
		return 0;
	ret = remove_cpu(cpu);
	if (ret) {
		smp_fail("CPU %u does not go: %d", cpu, ret);
	} else {
		queue_expect(queue_call(cpu, obj), -ENXIO, "an offline CPU");
		if (queue_pending(&obj->csd))
			smp_fail("pending after an error");
		ret = add_cpu(cpu);
		if (ret)
			smp_fail("CPU %u does not come back: %d", cpu, ret);
	}
	if (!ret) {
		queue_expect(queue_call(cpu, obj), 0, "a CPU that is back");
		queue_object_check(obj, 1, "a CPU that is back");
	}
	queue_object_free(obj);
	return 0;
}

static const struct smp_test queue_tests[] = {
	{ .name = "queue_runs", .run = queue_runs, },
	{ .name = "queue_merged", .run = queue_merged, },
	{ .name = "queue_again", .run = queue_again, },
	{ .name = "queue_other_cpu", .run = queue_other_cpu, },
	{ .name = "queue_refused", .run = queue_refused, },
	{ .name = "queue_self", .run = queue_self, },
	{ .name = "queue_back", .run = queue_back, },
	{ .name = "queue_contexts", .run = queue_contexts, },
	{ .name = "queue_stopped", .run = queue_stopped, },
	{ .name = "queue_bad", .run = queue_bad, },
	{ .name = "queue_offline", .run = queue_offline, },
	{ .name = "queue_dying", .run = queue_dying, },
	{ .name = "storm_queue", .run = storm_queue, .min_args = 1, .max_args = 5, },
	{ }
};

static struct smp_tests tests = { .test = queue_tests };

static int __init smp_test_queue_init(void)
{
	smp_tests_register(&tests);
	return 0;
}
module_init(smp_test_queue_init);

static void __exit smp_test_queue_exit(void)
{
	smp_tests_unregister(&tests);
}
module_exit(smp_test_queue_exit);

MODULE_DESCRIPTION("Tests of smp_call_function_single_async()");
MODULE_LICENSE("GPL");
