// SPDX-License-Identifier: GPL-2.0
/*
 * A function for stop_machine() that records where it has run, and the check of
 * that record.
 */
#include <linux/cpumask.h>
#include <linux/export.h>
#include <linux/irqflags.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "smp_test.h"

/**
 * smp_stop_call_alloc - Allocate the record of a call
 *
 * Return: the record, to be freed with kfree(), or NULL.
 */
struct smp_stop_call *smp_stop_call_alloc(void)
{
	return kzalloc_flex(struct smp_stop_call, cpu, nr_cpu_ids);
}
EXPORT_SYMBOL_GPL(smp_stop_call_alloc);

/**
 * smp_stop_call_reset - Prepare the record for another call
 * @call:	the record, of which the dwell time is kept
 */
void smp_stop_call_reset(struct smp_stop_call *call)
{
	atomic_set(&call->entered, 0);
	cpumask_clear(&call->online);
	memset(call->cpu, 0, nr_cpu_ids * sizeof(call->cpu[0]));
}
EXPORT_SYMBOL_GPL(smp_stop_call_reset);

/**
 * smp_stop_record - Function for stop_machine() that records where it ran
 * @data:	&struct smp_stop_call
 *
 * Return: what the record says for this CPU.
 */
int smp_stop_record(void *data)
{
	struct smp_stop_call *call = data;
	struct smp_stop_cpu *me = &call->cpu[smp_processor_id()];

	me->runs++;
	if (!irqs_disabled())
		me->bad |= SMP_STOP_IRQS_ON;
	if (preemptible())
		me->bad |= SMP_STOP_PREEMPTIBLE;
	if (!cpu_online(smp_processor_id()))
		me->bad |= SMP_STOP_OFFLINE;
	if (atomic_inc_return(&call->entered) == 1)
		cpumask_copy(&call->online, cpu_online_mask);
	if (call->dwell_us)
		smp_dwell(call->dwell_us);
	return me->ret;
}
EXPORT_SYMBOL_GPL(smp_stop_record);

/**
 * smp_stop_check - Check where the function has run
 * @call:	the record
 * @mask:	what was given to stop_machine()
 * @what:	the name of the call, for messages
 *
 * It must have run once on each CPU of @mask that was online during the call,
 * and nowhere else; without @mask on exactly one online CPU. If it did not run
 * at all, the CPUs that are online now decide.
 *
 * Return: true if all is well, else smp_fail() was called.
 */
bool smp_stop_check(const struct smp_stop_call *call, const struct cpumask *mask,
		    const char *what)
{
	const struct cpumask *online = cpu_online_mask;
	unsigned int cpu, want, total = 0;

	if (!cpumask_empty(&call->online))
		online = &call->online;

	for_each_possible_cpu(cpu) {
		const struct smp_stop_cpu *it = &call->cpu[cpu];

		total += it->runs;
		if (it->bad) {
			smp_fail("%s: CPU %u ran with%s%s%s", what, cpu,
				 it->bad & SMP_STOP_IRQS_ON ? " interrupts on" : "",
				 it->bad & SMP_STOP_PREEMPTIBLE ? " preemption on" : "",
				 it->bad & SMP_STOP_OFFLINE ? " itself offline" : "");
			return false;
		}
		want = cpumask_test_cpu(cpu, online);
		if (mask && !cpumask_test_cpu(cpu, mask))
			want = 0;
		if (mask ? it->runs != want : it->runs > want) {
			smp_fail("%s: CPU %u ran %u times, not %u (mask %*pbl online %*pbl)",
				 what, cpu, it->runs, want,
				 cpumask_pr_args(mask ?: cpu_none_mask),
				 cpumask_pr_args(online));
			return false;
		}
	}
	if (!mask && total != 1) {
		smp_fail("%s: %u CPUs ran without a mask, not 1", what, total);
		return false;
	}
	return true;
}
EXPORT_SYMBOL_GPL(smp_stop_check);
