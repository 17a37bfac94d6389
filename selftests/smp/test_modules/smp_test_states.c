// SPDX-License-Identifier: GPL-2.0
/*
 * A hotplug state with several instances, one of which fails: what was done for
 * the others is undone on that CPU, nothing else is, and the error is that of
 * the instance.
 *
 * Each instance knows on which CPUs it was started. A rollback that does too much
 * starts what is started, or tears down what is not; one that does too little
 * shows when the CPUs are compared with those that are online.
 *
 * The order of the instances is not looked at: nothing is promised, and the kernel
 * goes through them in the same order in both directions.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/smp.h>

#include "smp_test.h"

#define STATES_INSTANCES	3
/* Nothing else in CPU hotplug returns this */
#define STATES_ERROR		(-EDOM)

/**
 * struct states_instance - one instance of the state
 * @node:	in the list of the state
 * @added:	it is there
 * @started:	the CPUs on which it is started
 */
struct states_instance {
	struct hlist_node	node;
	bool			added;
	struct cpumask		started;
};

static struct states_instance states_instances[STATES_INSTANCES];
static enum cpuhp_state states_state;

/* On the control CPU, before a CPU comes up and after it is dead */
static bool states_prepare;
/* A CPU is on its way up or down, so no instance is added or removed */
static bool states_moving;

/* The next call that fails, if there is an instance */
static struct states_instance *states_fail_it;
static unsigned int states_fail_cpu;
static bool states_fail_up;

static int states_call(unsigned int cpu, struct hlist_node *node, bool up)
{
	struct states_instance *it = hlist_entry(node, struct states_instance, node);
	unsigned int nr = it - states_instances;

	if (!states_prepare && cpu != raw_smp_processor_id())
		smp_fail("instance %u of CPU %u is called on CPU %u", nr, cpu,
			 raw_smp_processor_id());
	/* The control CPU undoes a prepare state before it turns round */
	if (!states_prepare && states_moving && cpu_dying(cpu) == up)
		smp_fail("instance %u of CPU %u %s, the CPU is %sdying", nr, cpu,
			 up ? "starts" : "ends", up ? "" : "not ");
	if (cpumask_test_cpu(cpu, &it->started) == up)
		smp_fail("instance %u of CPU %u %s", nr, cpu,
			 up ? "starts again" : "ends without a start");

	if (it == states_fail_it && cpu == states_fail_cpu && up == states_fail_up) {
		states_fail_it = NULL;
		return STATES_ERROR;
	}
	assign_cpu(cpu, &it->started, up);
	return 0;
}

static int states_startup(unsigned int cpu, struct hlist_node *node)
{
	return states_call(cpu, node, true);
}

static int states_teardown(unsigned int cpu, struct hlist_node *node)
{
	return states_call(cpu, node, false);
}

static void states_fail(unsigned int nr, unsigned int cpu, bool up)
{
	states_fail_it = &states_instances[nr];
	states_fail_cpu = cpu;
	states_fail_up = up;
}

/* Is each instance that was added started on all CPUs that are online? */
static void states_check(const char *what, unsigned int cpu)
{
	const struct cpumask *want;
	unsigned int nr;

	if (states_fail_it)
		smp_fail("%s CPU %u: the instance that was to fail was not called",
			 what, cpu);
	states_fail_it = NULL;
	for (nr = 0; nr < STATES_INSTANCES; nr++) {
		struct states_instance *it = &states_instances[nr];

		want = it->added ? cpu_online_mask : cpu_none_mask;
		if (!cpumask_equal(&it->started, want))
			smp_fail("%s CPU %u: instance %u is started on CPUs %*pbl, not %*pbl",
				 what, cpu, nr, cpumask_pr_args(&it->started),
				 cpumask_pr_args(want));
	}
}

static void states_move(unsigned int cpu, bool up, int want)
{
	const char *what = up ? "up" : "down";
	int ret;

	states_moving = true;
	ret = up ? add_cpu(cpu) : remove_cpu(cpu);
	states_moving = false;
	if (ret != want)
		smp_fail("%s CPU %u: %d, not %d", what, cpu, ret, want);
	if (cpu_online(cpu) != (ret ? !up : up))
		smp_fail("%s CPU %u: %d, and it is %s", what, cpu, ret,
			 cpu_online(cpu) ? "online" : "offline");
	if (cpu_dying(cpu) == cpu_online(cpu))
		smp_fail("%s CPU %u: %s, and %sdying", what, cpu,
			 cpu_online(cpu) ? "online" : "offline",
			 cpu_dying(cpu) ? "" : "not ");
	states_check(what, cpu);
}

/* @cpu is what the call fails for, if it does */
static void states_add(unsigned int nr, unsigned int cpu, int want)
{
	struct states_instance *it = &states_instances[nr];
	int ret;

	ret = cpuhp_state_add_instance(states_state, &it->node);
	it->added = !ret;
	if (ret != want)
		smp_fail("instance %u is added: %d, not %d", nr, ret, want);
	states_check("add", cpu);
}

static void states_remove(unsigned int nr)
{
	struct states_instance *it = &states_instances[nr];

	if (!it->added)
		return;
	cpuhp_state_remove_instance(states_state, &it->node);
	it->added = false;
	states_check("remove", 0);
}

static int states_begin(bool prepare)
{
	unsigned int nr;
	int ret;

	if (smp_first_to_go() >= nr_cpu_ids)
		return -ENODEV;

	states_prepare = prepare;
	states_moving = false;
	states_fail_it = NULL;
	for (nr = 0; nr < STATES_INSTANCES; nr++) {
		states_instances[nr].added = false;
		cpumask_clear(&states_instances[nr].started);
	}
	ret = cpuhp_setup_state_multi(prepare ? CPUHP_BP_PREPARE_DYN : CPUHP_AP_ONLINE_DYN,
				      "smp_test:instances", states_startup,
				      states_teardown);
	if (ret < 0) {
		smp_fail("no state: %d", ret);
		return ret;
	}
	states_state = ret;
	return 0;
}

static void states_end(void)
{
	unsigned int nr;

	for (nr = 0; nr < STATES_INSTANCES; nr++)
		states_remove(nr);
	cpuhp_remove_multi_state(states_state);
}

/* An instance that fails on any CPU is not added, and does not touch the others */
static int states_test_add(const unsigned long *arg)
{
	unsigned int cpu, away = 0;

	if (states_begin(arg[0]))
		return 0;
	/* The last one, which is not asked while it is offline */
	for_each_online_cpu(cpu) {
		if (smp_cpu_can_go(cpu))
			away = cpu;
	}
	states_add(0, 0, 0);
	states_move(away, false, 0);
	for_each_online_cpu(cpu) {
		states_fail(1, cpu, true);
		states_add(1, cpu, STATES_ERROR);
	}
	states_add(1, 0, 0);
	states_add(2, 0, 0);
	states_move(away, true, 0);

	states_remove(1);
	states_move(away, false, 0);
	states_move(away, true, 0);
	states_end();
	return 0;
}

static void states_cycle(unsigned int cpu, bool fail_up)
{
	unsigned int nr;

	if (fail_up)
		states_move(cpu, false, 0);
	for (nr = 0; nr < STATES_INSTANCES && !smp_failed(); nr++) {
		states_fail(nr, cpu, fail_up);
		states_move(cpu, fail_up, STATES_ERROR);
	}
	if (!fail_up)
		states_move(cpu, false, 0);
	states_move(cpu, true, 0);
}

/* A CPU stays as it is because the first, the middle or the last instance fails */
static int states_test_fail(bool prepare, bool up)
{
	unsigned int cpu, nr;

	if (states_begin(prepare))
		return 0;
	for (nr = 0; nr < STATES_INSTANCES; nr++)
		states_add(nr, 0, 0);
	for_each_online_cpu(cpu) {
		if (smp_cpu_can_go(cpu) && !smp_failed())
			states_cycle(cpu, up);
	}
	states_end();
	return 0;
}

static int states_test_up(const unsigned long *arg)
{
	return states_test_fail(arg[0], true);
}

/* Not for a prepare state: a CPU that is dead cannot stay */
static int states_test_down(const unsigned long *arg)
{
	return states_test_fail(false, false);
}

static const struct smp_test states_list[] = {
	{ .name = "instances_add", .run = states_test_add, .min_args = 1, .max_args = 1, },
	{ .name = "instances_up", .run = states_test_up, .min_args = 1, .max_args = 1, },
	{ .name = "instances_down", .run = states_test_down, },
	{ }
};

static struct smp_tests states_tests = {
	.test = states_list,
};

static int __init states_init(void)
{
	smp_tests_register(&states_tests);
	return 0;
}
module_init(states_init);

static void __exit states_exit(void)
{
	smp_tests_unregister(&states_tests);
}
module_exit(states_exit);

MODULE_DESCRIPTION("Tests of CPU hotplug states");
MODULE_LICENSE("GPL");
