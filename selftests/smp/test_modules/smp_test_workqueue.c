// SPDX-License-Identifier: GPL-2.0
/*
 * How many works of an unbound workqueue run at the same time on a node: its
 * max_active is shared out according to the CPUs that each node has online.
 */
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/numa.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "smp_test.h"

#define WQ_ACTIVE_MAX	256UL
/* Works beyond the expected number, which must not start */
#define WQ_EXTRA	16
#define WQ_LIMIT_MS	10000
#define WQ_SETTLE_MS	200
#define WQ_POLL_MS	10

static atomic_t wq_started;
static DECLARE_COMPLETION(wq_go_on);

static void wq_work_fn(struct work_struct *work)
{
	atomic_inc(&wq_started);
	wait_for_completion(&wq_go_on);
}

/*
 * A new workqueue with a max_active of @arg[1]: exactly @arg[2] works must run
 * at the same time on node @arg[0].
 */
static int wq_node(const unsigned long *arg)
{
	unsigned long max_active = arg[1], expected = arg[2], i, nr;
	struct workqueue_struct *wq;
	struct work_struct *work;
	unsigned int ms;

	if (arg[0] >= MAX_NUMNODES || !node_online(arg[0]) || !max_active ||
	    max_active > WQ_ACTIVE_MAX || !expected || expected > max_active)
		return -EINVAL;
	nr = max_active + WQ_EXTRA;
	work = kvmalloc_objs(*work, nr);
	if (!work)
		return -ENOMEM;
	wq = alloc_workqueue("smp_test", WQ_UNBOUND, max_active);
	if (!wq) {
		kvfree(work);
		return -ENOMEM;
	}

	atomic_set(&wq_started, 0);
	reinit_completion(&wq_go_on);
	for (i = 0; i < nr; i++) {
		INIT_WORK(&work[i], wq_work_fn);
		queue_work_node(arg[0], wq, &work[i]);
	}
	for (ms = 0; ms < WQ_LIMIT_MS && atomic_read(&wq_started) < expected;
	     ms += WQ_POLL_MS)
		msleep(WQ_POLL_MS);
	msleep(WQ_SETTLE_MS);
	i = atomic_read(&wq_started);
	complete_all(&wq_go_on);
	destroy_workqueue(wq);
	kvfree(work);

	smp_value("running", i, "works");
	if (i != expected)
		smp_fail("%lu works run at the same time, not %lu", i, expected);
	return 0;
}

static const struct smp_test workqueue_tests[] = {
	{
		.name		= "wq_node",
		.run		= wq_node,
		.min_args	= 3,
		.max_args	= 3,
	},
	{ }
};

static struct smp_tests tests = { .test = workqueue_tests };

static int __init smp_test_workqueue_init(void)
{
	smp_tests_register(&tests);
	return 0;
}
module_init(smp_test_workqueue_init);

static void __exit smp_test_workqueue_exit(void)
{
	smp_tests_unregister(&tests);
}
module_exit(smp_test_workqueue_exit);

MODULE_DESCRIPTION("Test of the share of max_active that a NUMA node gets");
MODULE_LICENSE("GPL");
