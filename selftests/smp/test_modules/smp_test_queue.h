/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Parts that the tests of smp_queue_function_single() share. The function is
 * looked up when a test runs: the module is also built for kernels without it.
 */
#ifndef _SMP_TEST_QUEUE_H
#define _SMP_TEST_QUEUE_H

#include <linux/smp.h>

extern int (*smp_queue_fn)(int cpu, call_single_data_t *csd);
extern void (*smp_queue_sync_fn)(call_single_data_t *csd);

bool smp_queue_get(void);
void smp_queue_put(void);

/* As smp_queue_pending(), which the kernel may not have */
static inline bool queue_pending(const call_single_data_t *csd)
{
	return READ_ONCE(csd->node.u_flags) & CSD_FLAG_LOCK;
}

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

int queue_block_begin(struct queue_block *block, unsigned int cpu);
void queue_block_end(struct queue_block *block);

#endif /* _SMP_TEST_QUEUE_H */
