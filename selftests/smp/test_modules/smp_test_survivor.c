// SPDX-License-Identifier: GPL-2.0
/*
 * What hotplug_survivor.sh looks at: a hotplug state whose teardown callback
 * asks cpuhp_any_survivor() for a successor, and PMUs without events that have
 * one reader for all CPUs and one per core.
 *
 * Parameters: mask, the CPUs that can take over; picked, what the last callback
 * got for it (-1: none); state, the number of the hotplug state, -1 if there is
 * no cpuhp_any_survivor() in this kernel.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/perf_event.h>
#include <linux/sysfs.h>

static unsigned int (*survivor_fn)(const struct cpumask *mask, unsigned int cpu);
static struct cpumask survivor_mask;

static int picked = -1;
module_param(picked, int, 0444);
MODULE_PARM_DESC(picked, "CPU that the last teardown callback chose");

static int state = -1;
module_param(state, int, 0444);
MODULE_PARM_DESC(state, "Number of the hotplug state");

/* The callbacks do not run at the same time */
static int mask_set(const char *val, const struct kernel_param *kp)
{
	int ret;

	cpus_read_lock();
	ret = cpulist_parse(val, &survivor_mask);
	cpus_read_unlock();
	return ret;
}

static int mask_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%*pbl\n", cpumask_pr_args(&survivor_mask));
}

static const struct kernel_param_ops mask_ops = {
	.set	= mask_set,
	.get	= mask_get,
};
module_param_cb(mask, &mask_ops, NULL, 0644);
MODULE_PARM_DESC(mask, "CPUs that can take over");

static int survivor_offline(unsigned int cpu)
{
	unsigned int target = survivor_fn(&survivor_mask, cpu);

	picked = target < nr_cpu_ids ? (int)target : -1;
	return 0;
}

#ifdef CONFIG_PERF_EVENTS
static int survivor_event_init(struct perf_event *event)
{
	return event->attr.type == event->pmu->type ? -EINVAL : -ENOENT;
}

static int survivor_event_add(struct perf_event *event, int flags)
{
	return 0;
}

static void survivor_event_del(struct perf_event *event, int flags)
{
}

static void survivor_event_read(struct perf_event *event)
{
}

#define SURVIVOR_PMU(_scope)				\
	{						\
		.module		= THIS_MODULE,		\
		.scope		= _scope,		\
		.task_ctx_nr	= perf_invalid_context,	\
		.event_init	= survivor_event_init,	\
		.add		= survivor_event_add,	\
		.del		= survivor_event_del,	\
		.start		= survivor_event_del,	\
		.stop		= survivor_event_del,	\
		.read		= survivor_event_read,	\
	}

static struct pmu survivor_pmu_sys = SURVIVOR_PMU(PERF_PMU_SCOPE_SYS_WIDE);
static struct pmu survivor_pmu_core = SURVIVOR_PMU(PERF_PMU_SCOPE_CORE);

static int __init survivor_pmus_register(void)
{
	int ret;

	ret = perf_pmu_register(&survivor_pmu_sys, "smp_test_sys", -1);
	if (ret)
		return ret;
	ret = perf_pmu_register(&survivor_pmu_core, "smp_test_core", -1);
	if (ret)
		perf_pmu_unregister(&survivor_pmu_sys);
	return ret;
}

static void survivor_pmus_unregister(void)
{
	perf_pmu_unregister(&survivor_pmu_core);
	perf_pmu_unregister(&survivor_pmu_sys);
}
#else
static int __init survivor_pmus_register(void) { return 0; }
static void survivor_pmus_unregister(void) { }
#endif

static void survivor_put(void)
{
	if (survivor_fn)
		__symbol_put("cpuhp_any_survivor");
}

static int __init survivor_init(void)
{
	int ret;

	survivor_fn = __symbol_get("cpuhp_any_survivor");
	if (survivor_fn) {
		ret = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN,
						"smp_test:survivor",
						NULL, survivor_offline);
		if (ret < 0)
			goto out_put;
		state = ret;
	}
	ret = survivor_pmus_register();
	if (ret)
		goto out_state;
	return 0;

out_state:
	if (state >= 0)
		cpuhp_remove_state_nocalls(state);
out_put:
	survivor_put();
	return ret;
}
module_init(survivor_init);

static void __exit survivor_exit(void)
{
	survivor_pmus_unregister();
	if (state >= 0)
		cpuhp_remove_state_nocalls(state);
	survivor_put();
}
module_exit(survivor_exit);

MODULE_DESCRIPTION("Test who takes over from a CPU that goes down");
MODULE_LICENSE("GPL");
