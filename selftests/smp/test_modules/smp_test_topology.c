// SPDX-License-Identifier: GPL-2.0
/*
 * The masks of CPUs around a NUMA node, and whether CPUs are found by their
 * distance from it, whatever hotplug state they are in.
 */
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>
#include <linux/topology.h>

#include "smp_test.h"

static DECLARE_COMPLETION(topology_done);
static struct cpumask topology_seen;

static void topology_record(void *info)
{
	unsigned int *ran = info;

	*ran = smp_processor_id();
}

/* Each CPU that is online can be called from the one that runs this */
static int topology_call(void *unused)
{
	unsigned int cpu, ran;
	int ret;

	for_each_online_cpu(cpu) {
		ran = nr_cpu_ids;
		ret = smp_call_function_any(cpumask_of(cpu), topology_record, &ran, true);
		if (ret || ran != cpu)
			smp_fail("CPU %u calls CPU %u: returns %d, runs on CPU %u",
				 raw_smp_processor_id(), cpu, ret, ran);
	}
	kthread_complete_and_exit(&topology_done, 0);
}

/* cpumask_local_spread() finds each CPU that is online, active ones of the node first */
static void topology_spread(unsigned int node)
{
	unsigned int cpu, i, local = 0;

	for_each_online_cpu(cpu) {
		if (cpu_active(cpu) && cpu_to_node(cpu) == node)
			local++;
	}

	cpumask_clear(&topology_seen);
	for (i = 0; i < num_online_cpus(); i++) {
		cpu = cpumask_local_spread(i, node);
		if (cpu >= nr_cpu_ids || !cpu_online(cpu))
			smp_fail("CPU %u found for node %u is not online", cpu, node);
		else if (cpumask_test_and_set_cpu(cpu, &topology_seen))
			smp_fail("CPU %u found twice for node %u", cpu, node);
		else if (i < local && cpu_to_node(cpu) != node)
			smp_fail("CPU %u found before those of node %u", cpu, node);
	}
}

/*
 * Calls from the CPUs of node @arg[0] to each CPU, and all CPUs in the order of
 * their distance from the node. A CPU on its way down does not run the thread.
 */
static int topology_nearest(const unsigned long *arg)
{
	unsigned int cpu, callers = 0;
	struct task_struct *task;

	if (arg[0] >= MAX_NUMNODES || !node_online(arg[0]))
		return -EINVAL;

	guard(cpus_read_lock)();
	topology_spread(arg[0]);
	for_each_online_cpu(cpu) {
		if (cpu_to_node(cpu) != arg[0] || cpu_dying(cpu))
			continue;
		reinit_completion(&topology_done);
		task = kthread_run_on_cpu(topology_call, NULL, cpu, "smp_topology/%u");
		if (IS_ERR(task))
			return PTR_ERR(task);
		wait_for_completion(&topology_done);
		callers++;
	}
	smp_value("callers", callers, "CPUs");
	return 0;
}

/* Only CPUs that are active; a node without such a CPU has no mask */
static int topology_masks(const unsigned long *arg)
{
	const struct cpumask *mask;
	unsigned int node, hops, nr = 0;

	guard(cpus_read_lock)();
	guard(rcu)();
	for (node = 0; node < nr_node_ids; node++) {
		for (hops = 0; ; hops++) {
			mask = sched_numa_hop_mask(node, hops);
			if (IS_ERR(mask))
				break;
			if (!mask)
				continue;
			nr++;
			if (cpumask_empty(mask))
				smp_fail("%u hops from node %u: a mask without CPUs", hops, node);
			if (!cpumask_subset(mask, cpu_active_mask))
				smp_fail("%u hops from node %u: CPUs %*pbl, active are %*pbl",
					 hops, node, cpumask_pr_args(mask),
					 cpumask_pr_args(cpu_active_mask));
		}
	}
	smp_value("masks", nr, "count");
	if (!nr)
		smp_fail("there are no masks");
	return 0;
}

static const struct smp_test topology_tests[] = {
	{
		.name		= "topology_masks",
		.run		= topology_masks,
	}, {
		.name		= "topology_nearest",
		.run		= topology_nearest,
		.min_args	= 1,
		.max_args	= 1,
	},
	{ }
};

static struct smp_tests tests = { .test = topology_tests };

static int __init smp_test_topology_init(void)
{
	smp_tests_register(&tests);
	return 0;
}
module_init(smp_test_topology_init);

static void __exit smp_test_topology_exit(void)
{
	smp_tests_unregister(&tests);
}
module_exit(smp_test_topology_exit);

MODULE_DESCRIPTION("Tests of the CPUs around a NUMA node");
MODULE_LICENSE("GPL");
