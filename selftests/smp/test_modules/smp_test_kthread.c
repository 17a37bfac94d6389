// SPDX-License-Identifier: GPL-2.0
/*
 * What kthread_create() and the functions that stop, park and bind a kthread
 * promise, also for a CPU that goes away or never comes up, and whoever asks.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/isolation.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "smp_test.h"
#include "smp_test_storm.h"

#define KT_COMM		"smp_kt"
#define KT_LIMIT_MS	20000
#define KT_QUIET_MS	20
#define KT_KILLED	20
#define KT_SECONDS_MAX	86400UL
#define KT_STORMERS	4
#define KT_KTHREADD	2
#define KT_NICE		7

/* Results of threads: any number, also one that looks like an error */
#define KT_RESULT	4711
#define KT_RESULT_ERROR	(-ENODATA)

/**
 * struct kt - a kthread
 * @task:	its task
 * @result:	what it is to return
 * @entered:	how often its function was called
 * @stop_first:	it had to stop when its function was called
 * @turns:	how often it went round
 * @parks:	how often it was told to park
 * @ran_on:	the CPU of its last turn
 */
struct kt {
	struct task_struct	*task;
	int			result;
	unsigned int		entered;
	bool			stop_first;
	unsigned long		turns;
	unsigned long		parks;
	unsigned int		ran_on;
};

static int kt_fn(void *data)
{
	struct kt *me = data;

	me->entered++;
	me->stop_first = kthread_should_stop();
	while (!kthread_should_stop()) {
		if (kthread_should_park()) {
			me->parks++;
			kthread_parkme();
			continue;
		}
		WRITE_ONCE(me->ran_on, raw_smp_processor_id());
		WRITE_ONCE(me->turns, me->turns + 1);
		usleep_range(50, 100);
	}
	return me->result;
}

static bool kt_created(struct kt *it, struct task_struct *task, const char *what)
{
	if (IS_ERR(task)) {
		smp_fail("%s: kthread_create() returned %ld", what, PTR_ERR(task));
		return false;
	}
	it->task = task;
	return true;
}

static bool kt_create(struct kt *it, int result, const char *what)
{
	memset(it, 0, sizeof(*it));
	it->result = result;
	return kt_created(it, kthread_create(kt_fn, it, KT_COMM), what);
}

static bool kt_create_on_cpu(struct kt *it, unsigned int cpu, int result, const char *what)
{
	memset(it, 0, sizeof(*it));
	it->result = result;
	return kt_created(it, kthread_create_on_cpu(kt_fn, it, cpu, KT_COMM "/%u"), what);
}

/* It has had a turn after now */
static bool kt_turns(struct kt *it, const char *what)
{
	unsigned long turns = READ_ONCE(it->turns);
	unsigned int ms;

	for (ms = 0; ms < KT_LIMIT_MS; ms++) {
		/* The first one may have begun before now */
		if (READ_ONCE(it->turns) - turns > 1)
			return true;
		fsleep(USEC_PER_MSEC);
	}
	smp_fail("%s: the thread does not run", what);
	return false;
}

static void kt_check_quiet(struct kt *it, unsigned int ms, const char *what)
{
	unsigned long turns = READ_ONCE(it->turns);

	if (READ_ONCE(it->task->__state) != TASK_PARKED || READ_ONCE(it->task->on_rq))
		smp_fail("%s: the thread is not parked", what);
	fsleep(ms * USEC_PER_MSEC + 1);
	if (READ_ONCE(it->turns) != turns)
		smp_fail("%s: the thread runs and is parked", what);
}

static void kt_park(struct kt *it, const char *what)
{
	int ret = kthread_park(it->task);

	if (ret)
		smp_fail("%s: kthread_park() returned %d", what, ret);
}

/* The function was called, or not */
static void kt_stop(struct kt *it, bool called, const char *what)
{
	int expected = called ? it->result : -EINTR;
	int ret = kthread_stop(it->task);

	if (ret != expected)
		smp_fail("%s: kthread_stop() returned %d, not %d", what, ret, expected);
	if (it->entered != called)
		smp_fail("%s: the function was called %u times", what, it->entered);
}

/* Parked instead of woken: the function is only called to be stopped */
static void kt_stop_parked_first(struct kt *it, const char *what)
{
	if (it->entered)
		smp_fail("%s: the function was called although parked", what);
	kt_stop(it, true, what);
	if (!it->stop_first || it->turns)
		smp_fail("%s: parked and not woken, but ran %lu turns", what, it->turns);
}

static void kt_end(void)
{
	smp_check_no_tasks(KT_COMM);
}

static int kthread_stop_first(const unsigned long *arg)
{
	struct kt it;

	if (kt_create(&it, KT_RESULT, "unbound"))
		kt_stop(&it, false, "unbound");
	if (kt_create_on_cpu(&it, 0, KT_RESULT, "bound"))
		kt_stop(&it, false, "bound");
	kt_end();
	return 0;
}

static void kt_park_first(struct kt *it, const char *what)
{
	kt_park(it, what);
	kt_check_quiet(it, KT_QUIET_MS, what);
	kt_stop_parked_first(it, what);
}

static int kthread_park_first(const unsigned long *arg)
{
	struct kt it;

	if (kt_create(&it, KT_RESULT, "unbound"))
		kt_park_first(&it, "unbound");
	if (kt_create_on_cpu(&it, 0, KT_RESULT, "bound"))
		kt_park_first(&it, "bound");
	kt_end();
	return 0;
}

/* Woken, parked, unparked, parked and stopped */
static void kt_cycle(struct kt *it, const char *what)
{
	unsigned int i;

	wake_up_process(it->task);
	for (i = 0; i < 3; i++) {
		if (!kt_turns(it, what))
			break;
		kt_park(it, what);
		kt_check_quiet(it, KT_QUIET_MS, what);
		kthread_unpark(it->task);
	}
	kt_turns(it, what);
	kt_park(it, what);
	kt_stop(it, true, what);
	if (it->parks != i + 1)
		smp_fail("%s: parked %lu times instead of %u", what, it->parks, i + 1);
}

static int kthread_cycle(const unsigned long *arg)
{
	struct kt it;

	if (kt_create(&it, KT_RESULT, "unbound"))
		kt_cycle(&it, "unbound");
	if (kt_create_on_cpu(&it, 0, KT_RESULT_ERROR, "bound"))
		kt_cycle(&it, "bound");
	kt_end();
	return 0;
}

/* The writer dies of it, so another one reads the result */
static int kthread_killed(const unsigned long *arg)
{
	unsigned int i, interrupted = 0;
	struct task_struct *task;
	struct kt it = {};

	send_sig(SIGKILL, current, 1);
	for (i = 0; i < KT_KILLED; i++) {
		task = kthread_create(kt_fn, &it, KT_COMM);
		/* Whoever is quick enough gets it all the same */
		if (!IS_ERR(task))
			kthread_stop(task);
		else if (PTR_ERR(task) == -EINTR)
			interrupted++;
		else
			smp_fail("kthread_create() returned %ld", PTR_ERR(task));
	}
	/* With one CPU, kthreadd may always be done before the caller looks. */
	if (!interrupted && num_online_cpus() == 1)
		smp_skip("one CPU, and kthreadd was always faster");
	else if (!interrupted)
		smp_fail("kthread_create() never returned -EINTR");
	kt_end();
	if (it.entered)
		smp_fail("the function was called %u times", it.entered);
	smp_value("interrupted", interrupted, "count");
	return 0;
}

/* As drivers do it that have a thread for each CPU and no hotplug thread */
static struct kt never_waits, never_parked, never_woken;
static unsigned int never_created, never_stopped;

static int never_prepare(unsigned int cpu)
{
	never_created++;
	if (!kt_create_on_cpu(&never_waits, cpu, KT_RESULT, "never up"))
		return -ENOMEM;
	return 0;
}

static int never_dead(unsigned int cpu)
{
	never_stopped++;
	kt_stop(&never_waits, false, "never up");
	return 0;
}

/* Threads for a CPU that does not get all the way up, the script sees to that */
static int kthread_never_up(const unsigned long *arg)
{
	unsigned int cpu = arg[0];
	bool parked, woken;
	int state, ret;

	if (cpu >= nr_cpu_ids || cpu_online(cpu))
		return -EINVAL;
	never_created = 0;
	never_stopped = 0;
	state = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "smp_test:kthread",
					  never_prepare, never_dead);
	if (state < 0)
		return state;

	parked = kt_create_on_cpu(&never_parked, cpu, KT_RESULT, "parked");
	if (parked)
		kt_park(&never_parked, "parked");
	/* Bound to a CPU that is not there, so it runs on another one */
	woken = kt_create_on_cpu(&never_woken, cpu, KT_RESULT_ERROR, "woken");
	if (woken) {
		wake_up_process(never_woken.task);
		kt_turns(&never_woken, "woken");
	}

	ret = add_cpu(cpu);
	if (!ret || cpu_online(cpu))
		smp_fail("CPU %u comes up: error %d", cpu, ret);
	if (woken) {
		kt_turns(&never_woken, "woken");
		kt_stop(&never_woken, true, "woken");
	}
	if (parked)
		kt_stop_parked_first(&never_parked, "parked");

	if (!ret)
		remove_cpu(cpu);
	cpuhp_remove_state_nocalls(state);
	if (never_created != 1 || never_stopped != 1)
		smp_fail("%u threads created and %u stopped by the callbacks",
			 never_created, never_stopped);
	kt_end();
	return 0;
}

/* Nothing of who asks for it, but what kthreadd has */
static void env_check(const char *what, const struct cpumask *mask)
{
	struct task_struct *parent;

	if (current->policy != SCHED_NORMAL || current->rt_priority)
		smp_fail("%s: policy %u, priority %u", what, current->policy,
			 current->rt_priority);
	if (!cpumask_equal(&current->cpus_mask, mask))
		smp_fail("%s: may run on CPUs %*pbl, not %*pbl", what,
			 cpumask_pr_args(&current->cpus_mask), cpumask_pr_args(mask));
	if (!(current->flags & PF_KTHREAD) || current->mm || current->signal->tty)
		smp_fail("%s: flags %#x, mm %p", what, current->flags, current->mm);

	guard(rcu)();
	parent = rcu_dereference(current->real_parent);
	if (task_pid_nr(parent) != KT_KTHREADD)
		smp_fail("%s: the parent is %s", what, parent->comm);
	if (task_nice(current) != task_nice(parent))
		smp_fail("%s: nice %d", what, task_nice(current));
	if (current->fs != parent->fs || current->files != parent->files ||
	    current->nsproxy != parent->nsproxy)
		smp_fail("%s: other files, directory or namespaces than kthreadd", what);
}

static int env_unbound(void *unused)
{
	guard(rcu)();
	env_check("unbound", housekeeping_cpumask(HK_TYPE_DOMAIN));
	return KT_RESULT;
}

static int env_bound(void *data)
{
	unsigned int cpu = (unsigned long)data;

	env_check("bound", cpumask_of(cpu));
	if (!(current->flags & PF_NO_SETAFFINITY))
		smp_fail("bound: its affinity can be changed");
	if (raw_smp_processor_id() != cpu)
		smp_fail("bound: on CPU %u, not %u", raw_smp_processor_id(), cpu);
	return KT_RESULT;
}

static void env_run(struct task_struct *task, const char *what)
{
	unsigned int ms;
	int ret;

	if (IS_ERR(task)) {
		smp_fail("%s: kthread_create() returned %ld", what, PTR_ERR(task));
		return;
	}
	get_task_struct(task);
	wake_up_process(task);
	/* Not to be stopped before it runs */
	for (ms = 0; !READ_ONCE(task->exit_state) && ms < KT_LIMIT_MS; ms++)
		fsleep(USEC_PER_MSEC);
	ret = kthread_stop_put(task);
	if (ret != KT_RESULT)
		smp_fail("%s: the function returned %d", what, ret);
}

/* The writer has a CPU, a scheduling class and a nice value of its own */
static int kthread_env(const unsigned long *arg)
{
	unsigned long cpu = cpumask_last(cpu_online_mask);
	static struct cpumask before;

	cpumask_copy(&before, &current->cpus_mask);
	set_cpus_allowed_ptr(current, cpumask_of(0));
	set_user_nice(current, KT_NICE);
	sched_set_fifo_low(current);
	env_run(kthread_create(env_unbound, NULL, KT_COMM), "unbound");
	env_run(kthread_create_on_cpu(env_bound, (void *)cpu, cpu, KT_COMM "/%u"), "bound");
	sched_set_normal(current, 0);
	set_cpus_allowed_ptr(current, &before);
	kt_end();
	return 0;
}

/* What a stormer does with a thread */
enum stormer_way {
	STORM_STOP_FIRST,
	STORM_PARK_FIRST,
	STORM_CYCLE,
	STORM_BOUND,
	NR_STORM_WAYS,
};

static const char * const stormer_name[NR_STORM_WAYS] = {
	[STORM_STOP_FIRST]	= "stop_first",
	[STORM_PARK_FIRST]	= "park_first",
	[STORM_CYCLE]		= "cycle",
	[STORM_BOUND]		= "bound",
};

struct stormer {
	struct task_struct	*task;
	unsigned long		count[NR_STORM_WAYS];
};

static struct stormer stormers[KT_STORMERS];
/* CPUs that were online before the storm */
static struct cpumask stormer_cpus;

static void stormer_nap(void)
{
	fsleep(get_random_u32_inclusive(1, 300));
}

static void stormer_cycle(struct kt *it)
{
	unsigned int i, cycles = get_random_u32_below(4);

	wake_up_process(it->task);
	for (i = 0; i < cycles; i++) {
		if (get_random_u32_below(2))
			stormer_nap();
		kt_park(it, "storm cycle");
		kt_check_quiet(it, get_random_u32_below(2), "storm cycle");
		kthread_unpark(it->task);
	}
	/* It may be stopped before it gets to its function */
	if (kt_turns(it, "storm cycle"))
		kt_stop(it, true, "storm cycle");
	else
		kthread_stop(it->task);
}

/* The CPU stays meanwhile */
static void stormer_bound(struct kt *it, unsigned int cpu)
{
	wake_up_process(it->task);
	if (kt_turns(it, "storm bound") && READ_ONCE(it->ran_on) != cpu)
		smp_fail("storm: bound to CPU %u and runs on CPU %u", cpu, it->ran_on);
	kt_stop(it, true, "storm bound");
}

static void stormer_one(struct stormer *me)
{
	enum stormer_way way = get_random_u32_below(NR_STORM_WAYS);
	unsigned int cpu = smp_random_cpu(&stormer_cpus);
	struct kt it;
	bool created;

	if (way == STORM_BOUND) {
		cpus_read_lock();
		if (!cpu_online(cpu))
			cpu = 0;
	}
	if (way == STORM_BOUND || get_random_u32_below(2))
		created = kt_create_on_cpu(&it, cpu, KT_RESULT, "storm");
	else
		created = kt_create(&it, KT_RESULT_ERROR, "storm");
	if (!created)
		goto out_unlock;
	if (get_random_u32_below(2))
		stormer_nap();
	switch (way) {
	case STORM_STOP_FIRST:
		kt_stop(&it, false, "storm stop first");
		break;
	case STORM_PARK_FIRST:
		kt_park(&it, "storm park first");
		stormer_nap();
		kt_stop_parked_first(&it, "storm park first");
		break;
	case STORM_CYCLE:
		stormer_cycle(&it);
		break;
	default:
		stormer_bound(&it, cpu);
		break;
	}
	me->count[way]++;
out_unlock:
	if (way == STORM_BOUND)
		cpus_read_unlock();
}

static int stormer_thread(void *data)
{
	while (!kthread_should_stop()) {
		stormer_one(data);
		cond_resched();
	}
	return 0;
}

static void stormers_report(void)
{
	enum stormer_way way;
	unsigned int i;

	for (way = 0; way < NR_STORM_WAYS; way++) {
		unsigned long sum = 0;

		for (i = 0; i < KT_STORMERS; i++)
			sum += stormers[i].count[way];
		smp_value(stormer_name[way], sum, "count");
		if (!sum && !smp_failed())
			smp_fail("no thread for %s", stormer_name[way]);
	}
}

static int kthread_storm(const unsigned long *arg)
{
	struct task_struct *task;
	unsigned long second;
	unsigned int i;
	int ret;

	if (!arg[0] || arg[0] > KT_SECONDS_MAX)
		return -EINVAL;
	cpumask_copy(&stormer_cpus, cpu_online_mask);
	memset(stormers, 0, sizeof(stormers));
	ret = smp_toggler_start();
	if (ret)
		return ret == -ENODEV ? 0 : ret;
	for (i = 0; i < KT_STORMERS && !ret; i++) {
		task = kthread_run(stormer_thread, &stormers[i], "smp_stormer/%u", i);
		if (IS_ERR(task))
			ret = PTR_ERR(task);
		else
			stormers[i].task = task;
	}

	for (second = 0; second < arg[0] && !ret && !smp_failed(); second++)
		ret = smp_sleep(MSEC_PER_SEC);

	for (i = 0; i < KT_STORMERS; i++) {
		if (stormers[i].task)
			kthread_stop(stormers[i].task);
	}
	smp_toggler_stop();
	smp_value("seconds", second, "s");
	stormers_report();
	kt_end();
	return ret;
}

static const struct smp_test kthread_list[] = {
	{ .name = "kthread_stop_first", .run = kthread_stop_first, },
	{ .name = "kthread_park_first", .run = kthread_park_first, },
	{ .name = "kthread_cycle", .run = kthread_cycle, },
	{ .name = "kthread_killed", .run = kthread_killed, },
	{ .name = "kthread_never_up", .run = kthread_never_up, .min_args = 1, .max_args = 1, },
	{ .name = "kthread_env", .run = kthread_env, },
	{ .name = "kthread_storm", .run = kthread_storm, .min_args = 1, .max_args = 1, },
	{ }
};

static struct smp_tests kthread_tests = {
	.test = kthread_list,
};

static int __init kthread_test_init(void)
{
	smp_tests_register(&kthread_tests);
	return 0;
}
module_init(kthread_test_init);

static void __exit kthread_test_exit(void)
{
	smp_tests_unregister(&kthread_tests);
}
module_exit(kthread_test_exit);

MODULE_DESCRIPTION("Tests of kthreads");
MODULE_LICENSE("GPL");
