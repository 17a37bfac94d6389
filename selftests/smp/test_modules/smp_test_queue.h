/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Parts that the tests of smp_call_function_single_async() share.
 */
#ifndef _SMP_TEST_QUEUE_H
#define _SMP_TEST_QUEUE_H

#include <linux/processor.h>
#include <linux/smp.h>
#include <linux/timekeeping.h>

#include "smp_test.h"

/* A vCPU may not run for long */
#define QUEUE_LIMIT_MS		20000

static inline bool queue_pending(const call_single_data_t *csd)
{
	return READ_ONCE(csd->node.u_flags) & CSD_FLAG_LOCK;
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
 * @again:	how often the function calls itself
 * @next:	on which CPU
 * @hold:	the function does not end before this is cleared
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
	unsigned int		next;
	bool			hold;
};

static inline int queue_call(unsigned int cpu, struct queue_object *obj)
{
	return smp_call_function_single_async(cpu, &obj->csd);
}

void queue_object_fn(void *info);
struct queue_object *queue_object_alloc(unsigned int cpu);
bool queue_object_check(struct queue_object *obj, unsigned long runs,
			const char *what);
void queue_object_free(struct queue_object *obj);
void queue_expect(int ret, int want, const char *what);

int queue_dying(const unsigned long *arg);
int storm_queue(const unsigned long *arg);

#endif /* _SMP_TEST_QUEUE_H */
