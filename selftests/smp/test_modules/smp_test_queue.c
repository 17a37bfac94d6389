// SPDX-License-Identifier: GPL-2.0
/*
 * The contract of smp_queue_function_single(): what it returns, how often and
 * where the function runs, what a merged call can rely on, what happens with
 * bad arguments, with the own CPU, and with CPUs that are offline, and when the
 * object can be freed.
 *
 * Objects of calls are never freed when a call is still out: the record is
 * leaked then, and the test has failed.
 */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/kprobes.h>
#include <linux/kref.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/stop_machine.h>
#include <linux/timekeeping.h>

#include "smp_test.h"
#include "smp_test_queue.h"

#define QUEUE_LIMIT_MS		20000
#define QUEUE_MERGED_CALLS	1000
#define QUEUE_SELF_RUNS		10000
#define QUEUE_FREE_ROUNDS	2000
#define QUEUE_FREE_NS		(10ULL * NSEC_PER_SEC)
#define QUEUE_FREE_DWELL_US	20
#define QUEUE_MAGIC		0x51554555UL
#define DYING_CALLER_CPU	1
#define DYING_TRIES		40
#define DYING_WINDOW_NS		(5 * NSEC_PER_MSEC)

int (*smp_queue_fn)(int cpu, call_single_data_t *csd);
void (*smp_queue_sync_fn)(call_single_data_t *csd);

/**
 * smp_queue_get - Look up the functions under test
 *
 * Return: true, or false after smp_skip() if the kernel does not have them.
 */
bool smp_queue_get(void)
{
	smp_queue_fn = __symbol_get("smp_queue_function_single");
	if (!smp_queue_fn) {
		smp_skip("no smp_queue_function_single() in this kernel");
		return false;
	}
	smp_queue_sync_fn = __symbol_get("smp_queue_sync");
	if (!smp_queue_sync_fn) {
		smp_fail("no smp_queue_sync() in this kernel");
		__symbol_put("smp_queue_function_single");
		return false;
	}
	return true;
}

/**
 * smp_queue_put - End what smp_queue_get() has begun
 */
void smp_queue_put(void)
{
	__symbol_put("smp_queue_function_single");
	__symbol_put("smp_queue_sync");
}

/* Wait for @cond without sleeping, so also with preemption disabled */
#define queue_wait(cond)						\
({									\
	u64 __limit = ktime_get_ns() + QUEUE_LIMIT_MS * NSEC_PER_MSEC;	\
	bool __done;							\
									\
	while (!(__done = (cond)) && ktime_get_ns() < __limit)		\
		cpu_relax();						\
	__done;								\
})

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

/* The CPU takes no interrupt until queue_block_end() */
int queue_block_begin(struct queue_block *block, unsigned int cpu)
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

void queue_block_end(struct queue_block *block)
{
	/* Pairs with the acquire in queue_block_fn() */
	smp_store_release(&block->release, true);
}

static void queue_nothing_fn(void *unused)
{
}

/* Wait until the CPU has left the function: there is one block for all tests */
static void queue_block_wait(unsigned int cpu)
{
	smp_call_function_single(cpu, queue_nothing_fn, NULL, true);
}

/**
 * struct queue_object - what the tests queue
 * @csd:	the call
 * @data:	stored before a call
 * @seen:	@data, as the last run has seen it
 * @runs:	number of runs
 * @wrong:	runs with interrupts enabled, or on another CPU than @cpu
 * @cpu:	where it should run, or nr_cpu_ids
 * @inside:	number of runs that have not ended
 * @deepest:	the largest value of @inside
 * @again:	how often the function queues itself again
 * @hold:	the function does not end before this is cleared
 * @lock:	taken by the function if @take is set
 */
struct queue_object {
	call_single_data_t	csd;
	unsigned long		data;
	unsigned long		seen;
	unsigned long		runs;
	unsigned long		wrong;
	unsigned int		cpu;
	unsigned int		inside;
	unsigned int		deepest;
	unsigned long		again;
	bool			hold;
	bool			take;
	raw_spinlock_t		lock;
};

static void queue_object_fn(void *info)
{
	struct queue_object *obj = info;
	u64 limit = ktime_get_mono_fast_ns() + QUEUE_LIMIT_MS * NSEC_PER_MSEC;

	obj->seen = READ_ONCE(obj->data);
	WRITE_ONCE(obj->inside, obj->inside + 1);
	obj->deepest = max(obj->deepest, obj->inside);
	if (!irqs_disabled() ||
	    (obj->cpu < nr_cpu_ids && raw_smp_processor_id() != obj->cpu))
		obj->wrong++;
	if (obj->take) {
		raw_spin_lock(&obj->lock);
		raw_spin_unlock(&obj->lock);
	}
	if (obj->again) {
		obj->again--;
		if (smp_queue_fn(raw_smp_processor_id(), &obj->csd) != 1)
			obj->wrong++;
	}
	while (READ_ONCE(obj->hold) && ktime_get_mono_fast_ns() < limit)
		cpu_relax();
	WRITE_ONCE(obj->inside, obj->inside - 1);
	/* Pairs with the acquire in queue_object_check() */
	smp_store_release(&obj->runs, obj->runs + 1);
}

static struct queue_object *queue_object_alloc(unsigned int cpu)
{
	struct queue_object *obj = kzalloc_obj(*obj);

	if (!obj) {
		smp_fail("no memory");
		return NULL;
	}
	INIT_CSD(&obj->csd, queue_object_fn, obj);
	raw_spin_lock_init(&obj->lock);
	obj->cpu = cpu;
	return obj;
}

/* There were exactly @runs runs, and the last one has seen all stores */
static bool queue_object_check(struct queue_object *obj, unsigned long runs,
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

static void queue_expect(int ret, int want, const char *what)
{
	if (ret != want)
		smp_fail("%s returned %d, not %d", what, ret, want);
}

static void queue_object_free(struct queue_object *obj)
{
	if (queue_pending(&obj->csd))
		return;
	smp_queue_sync_fn(&obj->csd);
	kfree(obj);
}

/* A test that needs another CPU than its own, with CPUs staying as they are */
static int queue_with_other(void (*fn)(struct queue_object *obj, unsigned int cpu))
{
	struct queue_object *obj;
	unsigned int cpu;

	if (!smp_queue_get())
		return 0;
	if (num_online_cpus() < 2) {
		smp_skip("one CPU");
		goto out;
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
out:
	smp_queue_put();
	return 0;
}

static void queue_runs_fn(struct queue_object *obj, unsigned int cpu)
{
	unsigned long flags;

	obj->data = 1;
	queue_expect(smp_queue_fn(cpu, &obj->csd), 1, "a call");
	queue_object_check(obj, 1, "a call");
	obj->data = 2;
	local_irq_save(flags);
	queue_expect(smp_queue_fn(cpu, &obj->csd), 1, "a call with interrupts off");
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
		queue_expect(smp_queue_fn(cpu, &obj->csd), !i, "a call while pending");
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
	queue_expect(smp_queue_fn(cpu, &obj->csd), 1, "the first call");
	if (!queue_wait(READ_ONCE(obj->inside)))
		smp_fail("the function is not called");
	if (queue_pending(&obj->csd))
		smp_fail("pending while the function runs");
	obj->data = 2;
	queue_expect(smp_queue_fn(cpu, &obj->csd), 1, "a call while the function runs");
	obj->data = 3;
	queue_expect(smp_queue_fn(cpu, &obj->csd), 0, "another call while it runs");
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
	queue_expect(smp_queue_fn(cpu, &obj->csd), 1, "the first call");
	obj->data = 1;
	queue_expect(smp_queue_fn(me, &obj->csd), 0, "a call that names another CPU");
	queue_expect(smp_queue_fn(nr_cpu_ids, &obj->csd), -ENXIO,
		     "a call that names no CPU");
	if (!queue_pending(&obj->csd))
		smp_fail("an error has ended a pending run");
	queue_block_end(&block);
	queue_object_check(obj, 1, "calls that name several CPUs");
	queue_block_wait(cpu);
}

static int queue_other_cpu(const unsigned long *arg)
{
	return queue_with_other(queue_other_cpu_fn);
}

/* The own CPU: not on the spot, no recursion, and locks may be held */
static int queue_self(const unsigned long *arg)
{
	struct queue_object *obj;
	unsigned long flags;
	unsigned long again;
	unsigned int cpu;

	if (!smp_queue_get())
		return 0;
	obj = queue_object_alloc(nr_cpu_ids);
	if (!obj)
		goto out;
	migrate_disable();
	cpu = raw_smp_processor_id();
	obj->cpu = cpu;

	raw_spin_lock_irqsave(&obj->lock, flags);
	obj->take = true;
	obj->data = 1;
	queue_expect(smp_queue_fn(cpu, &obj->csd), 1, "a call to the own CPU");
	obj->data = 2;
	queue_expect(smp_queue_fn(cpu, &obj->csd), 0, "another one");
	if (obj->runs)
		smp_fail("it runs while interrupts are disabled");
	raw_spin_unlock_irqrestore(&obj->lock, flags);
	queue_object_check(obj, 1, "calls to the own CPU");

	obj->take = false;
	/* Without an interrupt for it, each run takes a tick */
	again = arch_irq_work_has_interrupt() ? QUEUE_SELF_RUNS : 100;
	obj->again = again;
	queue_expect(smp_queue_fn(cpu, &obj->csd), 1, "a call that repeats itself");
	queue_object_check(obj, 2 + again, "calls from the function");
	if (obj->deepest != 1)
		smp_fail("the function was called from itself, %u deep", obj->deepest);
	migrate_enable();
	queue_object_free(obj);
out:
	smp_queue_put();
	return 0;
}

/* From all contexts but NMI */
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
	ctx->ret = smp_queue_fn(ctx->cpu, &ctx->obj->csd);
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
	queue_expect(ctx->ret, 1, what);
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

	if (!smp_queue_get())
		return 0;
	obj = queue_object_alloc(nr_cpu_ids);
	if (obj) {
		memset(&ctx, 0, sizeof(ctx));
		ctx.obj = obj;
		ctx.cpu = cpumask_last(cpu_online_mask);
		stop_machine(queue_context_stop, &ctx, cpumask_of(0));
		queue_contexts_check(&ctx, 1, "inside of stop_machine()");
		queue_object_free(obj);
	}
	smp_queue_put();
	return 0;
}

/* What is wrong with the arguments, and that the object is free afterwards */
static int queue_bad(const unsigned long *arg)
{
	static const int bad[] = { -1, INT_MIN, INT_MAX };
	struct queue_object *obj;
	unsigned int i, cpu;

	if (!smp_queue_get())
		return 0;
	obj = queue_object_alloc(nr_cpu_ids);
	if (!obj)
		goto out;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		queue_expect(smp_queue_fn(bad[i], &obj->csd), -ENXIO, "a bad CPU");
	queue_expect(smp_queue_fn(nr_cpu_ids, &obj->csd), -ENXIO, "CPU nr_cpu_ids");
	cpus_read_lock();
	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		if (!cpu_online(cpu))
			queue_expect(smp_queue_fn(cpu, &obj->csd), -ENXIO,
				     "an offline CPU");
	}
	cpus_read_unlock();
	obj->csd.func = NULL;
	queue_expect(smp_queue_fn(0, &obj->csd), -EINVAL, "no function");
	queue_expect(smp_queue_fn(-1, &obj->csd), -EINVAL, "no function, no CPU");
	obj->csd.func = queue_object_fn;
	queue_object_check(obj, 0, "only errors");
	queue_expect(smp_queue_fn(0, &obj->csd), 1, "a call after errors");
	queue_object_check(obj, 1, "a call after errors");
	queue_object_free(obj);
out:
	smp_queue_put();
	return 0;
}

/* A CPU that goes offline: no error before, an error after, and back again */
static int queue_offline(const unsigned long *arg)
{
	struct queue_object *obj;
	unsigned int cpu;
	int ret;

	if (!smp_queue_get())
		return 0;
	cpu = cpumask_last(cpu_online_mask);
	if (!smp_cpu_can_go(cpu)) {
		smp_skip("no CPU can go offline");
		goto out;
	}
	obj = queue_object_alloc(cpu);
	if (!obj)
		goto out;
	ret = remove_cpu(cpu);
	if (ret) {
		smp_fail("CPU %u does not go: %d", cpu, ret);
	} else {
		queue_expect(smp_queue_fn(cpu, &obj->csd), -ENXIO, "an offline CPU");
		if (queue_pending(&obj->csd))
			smp_fail("pending after an error");
		ret = add_cpu(cpu);
		if (ret)
			smp_fail("CPU %u does not come back: %d", cpu, ret);
	}
	if (!ret) {
		queue_expect(smp_queue_fn(cpu, &obj->csd), 1, "a CPU that is back");
		queue_object_check(obj, 1, "a CPU that is back");
	}
	queue_object_free(obj);
out:
	smp_queue_put();
	return 0;
}

/*
 * A call that is queued to a dying CPU, and whose interrupt does not arrive, is
 * run by smpcfd_dying_cpu(). By then nothing else would run it:
 *
 *  - The caller has preemption disabled, so that stop_machine() waits for it.
 *  - It waits for the CPU to enter multi_cpu_stop(): it does not go through the
 *    idle loop any more, which would run the call as well.
 *  - Its interrupt is not sent. On the way, that is what a late one looks like.
 *
 * Another CPU that calls the dying one in between adds to a list that is not
 * empty, so it does not send one either, and its call is run together with ours.
 */
#if defined(CONFIG_X86_64) || defined(CONFIG_S390)
static unsigned int dying_cpu;
static u64 dying_window_ns;
static bool dying_stopping, dying_no_ipi;
static unsigned long dying_skipped;
static bool dying_ran_offline;
static int dying_ret;

static int dying_stop_pre(struct kprobe *p, struct pt_regs *regs)
{
	/* Not in the stop for somebody else */
	if (raw_smp_processor_id() == dying_cpu && !cpu_active(dying_cpu)) {
		/* Pairs with the acquire in dying_caller() */
		smp_store_release(&dying_stopping, true);
	}
	return 0;
}
NOKPROBE_SYMBOL(dying_stop_pre);

/* Jumped to instead of the probed function, so it returns to the caller of that */
static noinline notrace void dying_return(void)
{
	barrier();
}
NOKPROBE_SYMBOL(dying_return);

static int dying_ipi_pre(struct kprobe *p, struct pt_regs *regs)
{
	if (!READ_ONCE(dying_no_ipi) || raw_smp_processor_id() != DYING_CALLER_CPU ||
	    (unsigned int)regs_get_kernel_argument(regs, 0) != dying_cpu)
		return 0;
	WRITE_ONCE(dying_skipped, dying_skipped + 1);
	instruction_pointer_set(regs, (unsigned long)dying_return);
	return 1;
}
NOKPROBE_SYMBOL(dying_ipi_pre);

/* With this, a kprobe is not optimized: only then the handler may return early */
static void dying_post(struct kprobe *p, struct pt_regs *regs, unsigned long flags)
{
}
NOKPROBE_SYMBOL(dying_post);

static struct kprobe dying_stop_kp = {
	.symbol_name	= "multi_cpu_stop",
	.pre_handler	= dying_stop_pre,
	.post_handler	= dying_post,
};

static struct kprobe dying_ipi_kp = {
	.symbol_name	= IS_ENABLED(CONFIG_X86) ? "native_send_call_func_single_ipi" :
						   "arch_send_call_function_single_ipi",
	.pre_handler	= dying_ipi_pre,
	.post_handler	= dying_post,
};

static void dying_fn(void *info)
{
	struct queue_object *obj = info;

	dying_ran_offline = !cpu_online(raw_smp_processor_id());
	queue_object_fn(obj);
}

/*
 * Preemption is disabled most of the time, but not all of it: the CPU waits for
 * grace periods on its way.
 */
static int dying_caller(void *data)
{
	struct queue_object *obj = data;
	int ret = -EAGAIN;
	u64 limit;

	while (!kthread_should_stop() && ret == -EAGAIN) {
		preempt_disable();
		limit = ktime_get_ns() + dying_window_ns;
		while (ret == -EAGAIN && ktime_get_ns() < limit) {
			cpu_relax();
			/* Pairs with the release in dying_stop_pre() */
			if (!smp_load_acquire(&dying_stopping))
				continue;
			obj->data = 1;
			WRITE_ONCE(dying_no_ipi, true);
			ret = smp_queue_fn(dying_cpu, &obj->csd);
			WRITE_ONCE(dying_no_ipi, false);
			if (ret != 1)
				continue;
			obj->data = 2;
			queue_expect(smp_queue_fn(dying_cpu, &obj->csd), 0,
				     "a second call to a dying CPU");
		}
		preempt_enable();
		schedule();
	}
	WRITE_ONCE(dying_ret, ret);
	while (!kthread_should_stop())
		fsleep(USEC_PER_MSEC);
	return 0;
}

/*
 * Returns false if the call did not come in time: the caller was stopped before,
 * the list was not empty, so that no interrupt was due, or an interrupt that was
 * on its way before has run the call.
 */
static bool dying_once(void)
{
	struct queue_object *obj = queue_object_alloc(dying_cpu);
	struct task_struct *task;
	unsigned long runs = 0;
	bool done = true;

	if (!obj)
		return true;
	obj->csd.func = dying_fn;
	dying_stopping = false;
	dying_skipped = 0;
	dying_ran_offline = false;
	dying_ret = -EAGAIN;
	task = kthread_run_on_cpu(dying_caller, obj, DYING_CALLER_CPU, "smp_dying/%u");
	if (IS_ERR(task)) {
		smp_fail("no thread");
		goto out;
	}
	if (remove_cpu(dying_cpu)) {
		smp_fail("CPU %u does not go", dying_cpu);
		kthread_stop(task);
		goto out;
	}
	kthread_stop(task);
	if (dying_ret == -ENXIO || dying_ret == -EAGAIN) {
		done = false;
	} else {
		runs = 1;
		queue_expect(dying_ret, 1, "a call to a dying CPU");
		if (queue_object_check(obj, 1, "a call to a dying CPU"))
			done = dying_skipped && dying_ran_offline;
	}
	if (add_cpu(dying_cpu))
		smp_fail("CPU %u does not come back", dying_cpu);
	queue_object_check(obj, runs, "a call to a CPU that is back");
out:
	queue_object_free(obj);
	return done;
}

static int queue_dying(const unsigned long *arg)
{
	static struct cpumask old_mask;
	unsigned int try;

	if (!smp_queue_get())
		return 0;
	dying_cpu = cpumask_last(cpu_online_mask);
	if (dying_cpu <= DYING_CALLER_CPU || !cpu_online(DYING_CALLER_CPU) ||
	    !smp_cpu_can_go(dying_cpu)) {
		smp_skip("needs three CPUs, the last of which can go offline");
		goto out;
	}
	/* An address that a kprobe has found is in the way of the next one */
	dying_ipi_kp.addr = NULL;
	dying_stop_kp.addr = NULL;
	if (register_kprobe(&dying_ipi_kp)) {
		smp_skip("no kprobe for the interrupt");
		goto out;
	}
	if (register_kprobe(&dying_stop_kp)) {
		smp_skip("no kprobe for multi_cpu_stop()");
		goto out_ipi;
	}
	cpumask_copy(&old_mask, current->cpus_ptr);
	set_cpus_allowed_ptr(current, cpumask_of(0));
	for (try = 0; try < DYING_TRIES && !smp_failed(); try++) {
		/* The slower the machine, the longer it has to be */
		dying_window_ns = (try + 1) * DYING_WINDOW_NS;
		if (dying_once())
			break;
	}
	set_cpus_allowed_ptr(current, &old_mask);
	if (try == DYING_TRIES)
		smp_fail("no call came in time in %u tries", try);
	else
		smp_value("tries", try + 1, "count");
	unregister_kprobe(&dying_stop_kp);
out_ipi:
	unregister_kprobe(&dying_ipi_kp);
out:
	smp_queue_put();
	return 0;
}
#else
static int queue_dying(const unsigned long *arg)
{
	smp_skip("no early return from a kprobe here");
	return 0;
}
#endif

/*
 * Free the object right after smp_queue_sync(). KASAN sees a function that is
 * still using it. Without KASAN, the poison in the magic number may be seen.
 */
struct queue_free {
	call_single_data_t	csd;
	struct kref		ref;
	unsigned long		magic;
	atomic_long_t		*runs;
	unsigned int		dwell_us;
};

static atomic_long_t queue_free_bad;

static void queue_free_fn(void *info)
{
	struct queue_free *obj = info;
	atomic_long_t *runs = obj->runs;

	if (READ_ONCE(obj->magic) != QUEUE_MAGIC)
		atomic_long_inc(&queue_free_bad);
	udelay(obj->dwell_us);
	if (READ_ONCE(obj->magic) != QUEUE_MAGIC)
		atomic_long_inc(&queue_free_bad);
	atomic_long_inc(runs);
}

static struct queue_free *queue_free_alloc(smp_call_func_t fn, atomic_long_t *runs)
{
	struct queue_free *obj = kzalloc_obj(*obj);

	if (obj) {
		INIT_CSD(&obj->csd, fn, obj);
		kref_init(&obj->ref);
		obj->magic = QUEUE_MAGIC;
		obj->runs = runs;
		obj->dwell_us = get_random_u32_below(QUEUE_FREE_DWELL_US);
	}
	return obj;
}

static int queue_free_sync(const unsigned long *arg)
{
	unsigned long queued = 0, merged = 0, i, calls;
	atomic_long_t runs = ATOMIC_LONG_INIT(0);
	struct queue_free *obj;
	u64 limit;
	int ret;

	if (!smp_queue_get())
		return 0;
	atomic_long_set(&queue_free_bad, 0);
	/* Each round takes a grace period, which may be long */
	limit = ktime_get_ns() + QUEUE_FREE_NS;
	for (i = 0; i < QUEUE_FREE_ROUNDS && ktime_get_ns() < limit && !smp_failed(); i++) {
		obj = queue_free_alloc(queue_free_fn, &runs);
		if (!obj) {
			smp_fail("no memory");
			break;
		}
		for (calls = get_random_u32_below(4); calls < 4; calls++) {
			ret = smp_queue_fn(smp_random_cpu(cpu_online_mask), &obj->csd);
			queued += ret == 1;
			merged += ret == 0;
			if (ret < 0 && ret != -ENXIO)
				smp_fail("a call returned %d", ret);
		}
		smp_queue_sync_fn(&obj->csd);
		if (queue_pending(&obj->csd))
			smp_fail("pending after smp_queue_sync()");
		obj->magic = 0;
		kfree(obj);
		if (atomic_long_read(&runs) != queued)
			smp_fail("%ld runs of %lu after smp_queue_sync()",
				 atomic_long_read(&runs), queued);
	}
	if (atomic_long_read(&queue_free_bad))
		smp_fail("%ld times an object was freed under its function",
			 atomic_long_read(&queue_free_bad));
	smp_value("rounds", i, "count");
	smp_value("queued", queued, "count");
	smp_value("merged", merged, "count");
	smp_queue_put();
	return 0;
}

/* Each call that has queued a run leaves its reference to the function */
static atomic_t queue_free_alive;

static void queue_free_release(struct kref *ref)
{
	struct queue_free *obj = container_of(ref, struct queue_free, ref);

	obj->magic = 0;
	kfree(obj);
	atomic_dec(&queue_free_alive);
}

static void queue_free_ref_fn(void *info)
{
	struct queue_free *obj = info;

	if (READ_ONCE(obj->magic) != QUEUE_MAGIC)
		atomic_long_inc(&queue_free_bad);
	udelay(obj->dwell_us);
	kref_put(&obj->ref, queue_free_release);
}

static int queue_free_ref(const unsigned long *arg)
{
	struct queue_free *obj;
	unsigned int calls;
	unsigned long i;

	if (IS_ENABLED(CONFIG_PREEMPT_RT)) {
		smp_skip("PREEMPT_RT: kfree() is not allowed in the function");
		return 0;
	}
	if (!smp_queue_get())
		return 0;
	atomic_long_set(&queue_free_bad, 0);
	atomic_set(&queue_free_alive, 0);
	for (i = 0; i < QUEUE_FREE_ROUNDS * 10 && !smp_failed(); i++) {
		obj = queue_free_alloc(queue_free_ref_fn, NULL);
		if (!obj) {
			smp_fail("no memory");
			break;
		}
		atomic_inc(&queue_free_alive);
		for (calls = 0; calls < 3; calls++) {
			kref_get(&obj->ref);
			if (smp_queue_fn(smp_random_cpu(cpu_online_mask), &obj->csd) != 1)
				kref_put(&obj->ref, queue_free_release);
		}
		kref_put(&obj->ref, queue_free_release);
		cond_resched();
	}
	if (!queue_wait(!atomic_read(&queue_free_alive)))
		smp_fail("%d objects were never freed", atomic_read(&queue_free_alive));
	if (atomic_long_read(&queue_free_bad))
		smp_fail("%ld times the function got a freed object",
			 atomic_long_read(&queue_free_bad));
	smp_value("rounds", i, "count");
	smp_queue_put();
	return 0;
}

const struct smp_test smp_queue_tests[] = {
	{ .name = "queue_runs", .run = queue_runs, },
	{ .name = "queue_merged", .run = queue_merged, },
	{ .name = "queue_again", .run = queue_again, },
	{ .name = "queue_other_cpu", .run = queue_other_cpu, },
	{ .name = "queue_self", .run = queue_self, },
	{ .name = "queue_contexts", .run = queue_contexts, },
	{ .name = "queue_stopped", .run = queue_stopped, },
	{ .name = "queue_bad", .run = queue_bad, },
	{ .name = "queue_offline", .run = queue_offline, },
	{ .name = "queue_dying", .run = queue_dying, },
	{ .name = "queue_free_sync", .run = queue_free_sync, },
	{ .name = "queue_free_ref", .run = queue_free_ref, },
	{ }
};
