// SPDX-License-Identifier: GPL-2.0
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
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/sched.h>

#include "smp_test_queue.h"

#define DYING_CALLER_CPU	1
#define DYING_TRIES		40
#define DYING_WINDOW_NS		(5 * NSEC_PER_MSEC)

#if defined(CONFIG_X86_64) || defined(CONFIG_S390)
static unsigned int dying_cpu;
static u64 dying_window_ns;
static bool dying_stopping, dying_no_ipi, dying_sent;
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
	WRITE_ONCE(dying_sent, true);
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
			ret = queue_call(dying_cpu, obj);
			WRITE_ONCE(dying_no_ipi, false);
			if (ret)
				continue;
			obj->data = 2;
			queue_expect(queue_call(dying_cpu, obj), -EBUSY,
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
		queue_expect(dying_ret, 0, "a call to a dying CPU");
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

int queue_dying(const unsigned long *arg)
{
	static struct cpumask old_mask;
	unsigned int try;

	dying_cpu = cpumask_last(cpu_online_mask);
	if (dying_cpu <= DYING_CALLER_CPU || !cpu_online(DYING_CALLER_CPU) ||
	    !smp_cpu_can_go(dying_cpu)) {
		smp_skip("needs three CPUs, the last of which can go offline");
		return 0;
	}
	/* An address that a kprobe has found is in the way of the next one */
	dying_ipi_kp.addr = NULL;
	dying_stop_kp.addr = NULL;
	dying_sent = false;
	if (register_kprobe(&dying_ipi_kp)) {
		smp_skip("no kprobe for the interrupt");
		return 0;
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
	if (try == DYING_TRIES && !dying_sent)
		smp_skip("interrupts are sent by another function, as on Xen");
	else if (try == DYING_TRIES)
		smp_fail("no call came in time in %u tries", try);
	else
		smp_value("tries", try + 1, "count");
	unregister_kprobe(&dying_stop_kp);
out_ipi:
	unregister_kprobe(&dying_ipi_kp);
	return 0;
}
#else
int queue_dying(const unsigned long *arg)
{
	smp_skip("no early return from a kprobe here");
	return 0;
}
#endif
