// SPDX-License-Identifier: GPL-2.0
/*
 * Hotplug threads, those of struct smp_hotplug_thread. Each callback checks that it
 * is its turn, by the states that a thread goes through:
 *
 *	none -- create --> created -- setup --> active <-- park, unpark --> parked
 *
 * A thread can end in each of them; cleanup is called unless there was no setup.
 */
#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/smpboot.h>
#include <linux/timekeeping.h>

#include "smp_test.h"
#include "smp_test_storm.h"

#define THREADS_COMM		"smp_hpt"
#define THREADS_LIMIT_MS	20000
#define THREADS_QUIET_MS	20
#define THREADS_CPUS		3
#define THREADS_NTH_MAX		10000
#define THREADS_KTHREADD	2

/* What is registered, in this order, each a struct smp_hotplug_thread of its own */
enum threads_set {
	/* With all callbacks */
	THREADS_FULL,
	/* The same once more */
	THREADS_SECOND,
	/* With all callbacks but park() */
	THREADS_NO_PARK,
	/* Without a callback that is optional */
	THREADS_BARE,
	/* Unparked by nobody, as the core leaves it to this module */
	THREADS_SELF,
	THREADS_SETS,
};

#define THREADS_ALL		GENMASK(THREADS_SETS - 1, 0)
#define THREADS_CLEANED		(BIT(THREADS_FULL) | BIT(THREADS_SECOND) | BIT(THREADS_NO_PARK))

enum threads_state {
	THREADS_NONE,
	THREADS_CREATED,
	THREADS_ACTIVE,
	THREADS_PARKED,
};

/**
 * struct threads_one - one thread
 * @state:	what its callbacks have come to
 * @wrong:	the first thing that was wrong; a callback may not be able to report it
 * @want:	it is told to run once more
 * @ran:	how often it has run
 * @unparks:	how often unpark() was called
 */
struct threads_one {
	enum threads_state	state;
	const char		*wrong;
	bool			want;
	unsigned int		ran;
	unsigned int		unparks;
};

/* Index is enum threads_set */
static DEFINE_PER_CPU(struct task_struct *, threads_store[THREADS_SETS]);
static DEFINE_PER_CPU(struct threads_one, threads_one[THREADS_SETS]);
/* Calls of cleanup() for a CPU that was offline */
static atomic_t threads_cleaned_away;
/* What is registered; a bitmap of enum threads_set */
static unsigned long threads_sets;
static struct cpumask threads_cpus;

static struct threads_one *threads_get(enum threads_set set, unsigned int cpu)
{
	return per_cpu_ptr(&threads_one[set], cpu);
}

static struct task_struct *threads_task(enum threads_set set, unsigned int cpu)
{
	return READ_ONCE(per_cpu(threads_store[set], cpu));
}

static void threads_wrong(struct threads_one *it, bool wrong, const char *what)
{
	if (wrong && !it->wrong)
		it->wrong = what;
}

static void threads_go(struct threads_one *it, unsigned long from, enum threads_state to,
		       const char *what)
{
	threads_wrong(it, !(BIT(it->state) & from), what);
	it->state = to;
}

/* Nobody but the thread itself calls it, on its CPU, where it may sleep */
static struct threads_one *threads_enter(enum threads_set set, unsigned int cpu)
{
	struct threads_one *it = threads_get(set, cpu);

	threads_wrong(it, current != threads_task(set, cpu), "not called by the thread");
	threads_wrong(it, READ_ONCE(current->__state) != TASK_RUNNING, "not in TASK_RUNNING");
	threads_wrong(it, preempt_count(), "called with preemption disabled");
	threads_wrong(it, raw_smp_processor_id() != cpu && cpu_online(cpu),
		      "called on another CPU");
	return it;
}

static void threads_create(enum threads_set set, unsigned int cpu)
{
	struct threads_one *it = threads_get(set, cpu);
	struct task_struct *task = threads_task(set, cpu);
	/* The migration thread relies on this */
	bool parked = task && !READ_ONCE(task->on_rq) && READ_ONCE(task->__state) == TASK_PARKED;

	threads_wrong(it, !parked, "created before it has parked");
	threads_go(it, BIT(THREADS_NONE), THREADS_CREATED, "created twice");
}

static void threads_setup(enum threads_set set, unsigned int cpu)
{
	struct threads_one *it = threads_enter(set, cpu);

	threads_wrong(it, !cpu_online(cpu), "set up offline");
	threads_go(it, BIT(THREADS_CREATED), THREADS_ACTIVE, "set up, but not after create()");
}

static int threads_should_run(enum threads_set set, unsigned int cpu)
{
	struct threads_one *it = threads_get(set, cpu);

	threads_wrong(it, IS_ENABLED(CONFIG_PREEMPT_COUNT) && preemptible(),
		      "asked with preemption enabled");
	threads_wrong(it, set != THREADS_BARE && it->state != THREADS_ACTIVE,
		      "asked while parked or not set up");
	return READ_ONCE(it->want);
}

static void threads_fn(enum threads_set set, unsigned int cpu)
{
	struct threads_one *it = threads_enter(set, cpu);

	threads_wrong(it, !it->want, "runs, and there is nothing to do");
	threads_wrong(it, !cpu_online(cpu), "runs offline");
	WRITE_ONCE(it->want, false);
	/* Pairs with threads_settle_one(), which then sees what else was called */
	smp_store_release(&it->ran, it->ran + 1);
}

static void threads_park(enum threads_set set, unsigned int cpu)
{
	struct threads_one *it = threads_enter(set, cpu), *full = threads_get(THREADS_FULL, cpu);
	bool first = set == THREADS_SECOND && full->state == THREADS_ACTIVE;

	threads_wrong(it, cpu_active(cpu), "parked, and the CPU stays");
	threads_wrong(it, first, "parked before the one that was registered first");
	threads_go(it, BIT(THREADS_ACTIVE), THREADS_PARKED, "parked while not active");
}

static void threads_unpark(enum threads_set set, unsigned int cpu)
{
	struct threads_one *it = threads_enter(set, cpu);
	unsigned long from = BIT(THREADS_PARKED);

	/* Nobody has told that it was parked */
	if (set == THREADS_NO_PARK)
		from = BIT(THREADS_ACTIVE);
	threads_wrong(it, !cpu_online(cpu), "unparked offline");
	threads_go(it, from, THREADS_ACTIVE, "unparked while not parked");
	it->unparks++;
}

static void threads_cleanup(enum threads_set set, unsigned int cpu, bool online)
{
	struct threads_one *it = threads_enter(set, cpu);

	/* Whoever stops the thread keeps the CPU from coming or going */
	threads_wrong(it, online != cpu_online(cpu), "cleanup() told online for offline");
	threads_go(it, BIT(THREADS_ACTIVE) | BIT(THREADS_PARKED), THREADS_NONE,
		   "cleaned up, but not set up");
	if (!online)
		atomic_inc(&threads_cleaned_away);
}

/* The core passes the CPU and nothing else, so each set has its own functions */
#define THREADS_RUN(name, set)							\
static int name##_should_run(unsigned int cpu)					\
{										\
	return threads_should_run(set, cpu);					\
}										\
static void name##_fn(unsigned int cpu)						\
{										\
	threads_fn(set, cpu);							\
}

#define THREADS_OPTIONAL(name, set)						\
static void name##_create(unsigned int cpu)					\
{										\
	threads_create(set, cpu);						\
}										\
static void name##_setup(unsigned int cpu)					\
{										\
	threads_setup(set, cpu);						\
}										\
static void name##_cleanup(unsigned int cpu, bool online)			\
{										\
	threads_cleanup(set, cpu, online);					\
}										\
static void name##_unpark(unsigned int cpu)					\
{										\
	threads_unpark(set, cpu);						\
}

static void full_park(unsigned int cpu)
{
	threads_park(THREADS_FULL, cpu);
}

static void second_park(unsigned int cpu)
{
	threads_park(THREADS_SECOND, cpu);
}

THREADS_RUN(full, THREADS_FULL)
THREADS_OPTIONAL(full, THREADS_FULL)
THREADS_RUN(second, THREADS_SECOND)
THREADS_OPTIONAL(second, THREADS_SECOND)
THREADS_RUN(no_park, THREADS_NO_PARK)
THREADS_OPTIONAL(no_park, THREADS_NO_PARK)
THREADS_RUN(bare, THREADS_BARE)
THREADS_RUN(self, THREADS_SELF)

#define THREADS_HT_RUN(name, set)						\
	.store			= &threads_store[set],				\
	.thread_should_run	= name##_should_run,				\
	.thread_fn		= name##_fn,					\
	.thread_comm		= THREADS_COMM "/%u"

#define THREADS_HT_OPTIONAL(name)						\
	.create			= name##_create,				\
	.setup			= name##_setup,					\
	.cleanup		= name##_cleanup,				\
	.unpark			= name##_unpark

static struct smp_hotplug_thread threads_ht[THREADS_SETS] = {
	[THREADS_FULL] = {
		THREADS_HT_RUN(full, THREADS_FULL),
		THREADS_HT_OPTIONAL(full),
		.park		= full_park,
	},
	[THREADS_SECOND] = {
		THREADS_HT_RUN(second, THREADS_SECOND),
		THREADS_HT_OPTIONAL(second),
		.park		= second_park,
	},
	[THREADS_NO_PARK] = {
		THREADS_HT_RUN(no_park, THREADS_NO_PARK),
		THREADS_HT_OPTIONAL(no_park),
	},
	[THREADS_BARE] = {
		THREADS_HT_RUN(bare, THREADS_BARE),
	},
	[THREADS_SELF] = {
		THREADS_HT_RUN(self, THREADS_SELF),
		.selfparking	= true,
	},
};

/* All threads of a set are gone: what was set up was cleaned up */
static void threads_gone(enum threads_set set)
{
	struct threads_one *it;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		it = threads_get(set, cpu);
		threads_wrong(it, threads_task(set, cpu), "still stored");
		threads_wrong(it, it->state == THREADS_ACTIVE || it->state == THREADS_PARKED,
			      "gone without cleanup()");
		if (it->wrong)
			smp_fail("thread %u of CPU %u: %s", set, cpu, it->wrong);
	}
}

static void threads_unregister(void)
{
	enum threads_set set;

	for_each_set_bit(set, &threads_sets, THREADS_SETS) {
		smpboot_unregister_percpu_thread(&threads_ht[set]);
		threads_gone(set);
	}
	threads_sets = 0;
	smp_check_no_tasks(THREADS_COMM);
}

static int threads_register_one(enum threads_set set)
{
	unsigned int cpu;
	int ret;

	for_each_possible_cpu(cpu)
		memset(threads_get(set, cpu), 0, sizeof(struct threads_one));
	ret = smpboot_register_percpu_thread(&threads_ht[set]);
	if (ret)
		threads_gone(set);
	else
		__set_bit(set, &threads_sets);
	return ret;
}

static int threads_register(unsigned long sets)
{
	enum threads_set set;
	int ret;

	if (threads_sets)
		return -EBUSY;
	atomic_set(&threads_cleaned_away, 0);
	for_each_set_bit(set, &sets, THREADS_SETS) {
		ret = threads_register_one(set);
		if (ret) {
			threads_unregister();
			return ret;
		}
	}
	return 0;
}

static bool threads_parked(enum threads_set set, unsigned int cpu)
{
	return READ_ONCE(threads_task(set, cpu)->__state) == TASK_PARKED;
}

static unsigned int threads_poke(enum threads_set set, unsigned int cpu)
{
	struct threads_one *it = threads_get(set, cpu);
	unsigned int ran = READ_ONCE(it->ran);

	WRITE_ONCE(it->want, true);
	wake_up_process(threads_task(set, cpu));
	return ran;
}

static void threads_settle_one(enum threads_set set, unsigned int cpu)
{
	unsigned int ms, ran;

	if (!threads_task(set, cpu)) {
		smp_fail("no thread %u of CPU %u, which is online", set, cpu);
		return;
	}
	if (set == THREADS_SELF) {
		if (!threads_parked(set, cpu))
			smp_fail("thread %u of CPU %u was unparked", set, cpu);
		return;
	}
	ran = threads_poke(set, cpu);
	/* Pairs with threads_fn() */
	for (ms = 0; smp_load_acquire(&threads_get(set, cpu)->ran) == ran; ms++) {
		if (ms == THREADS_LIMIT_MS) {
			smp_fail("thread %u of CPU %u does not run", set, cpu);
			return;
		}
		fsleep(USEC_PER_MSEC);
	}
}

/* All threads of the CPUs that are online run */
static int threads_settle(void)
{
	enum threads_set set;
	unsigned int cpu;

	guard(cpus_read_lock)();
	for_each_online_cpu(cpu) {
		for_each_set_bit(set, &threads_sets, THREADS_SETS)
			threads_settle_one(set, cpu);
	}
	return 0;
}

/* Those of a CPU that is offline do not, even when they are woken */
static void threads_check_parked(unsigned int cpu)
{
	unsigned int ran[THREADS_SETS];
	enum threads_set set;

	for_each_set_bit(set, &threads_sets, THREADS_SETS) {
		if (!threads_task(set, cpu))
			smp_fail("no thread %u of CPU %u", set, cpu);
		else if (!threads_parked(set, cpu))
			smp_fail("thread %u of CPU %u is not parked", set, cpu);
	}
	/* A thread that is not parked would run on another CPU */
	if (smp_failed())
		return;
	for_each_set_bit(set, &threads_sets, THREADS_SETS)
		ran[set] = threads_poke(set, cpu);
	fsleep(THREADS_QUIET_MS * USEC_PER_MSEC);
	for_each_set_bit(set, &threads_sets, THREADS_SETS) {
		WRITE_ONCE(threads_get(set, cpu)->want, false);
		if (READ_ONCE(threads_get(set, cpu)->ran) != ran[set])
			smp_fail("thread %u of CPU %u has run", set, cpu);
	}
}

static void threads_move(unsigned int cpu, bool up)
{
	int ret = up ? add_cpu(cpu) : remove_cpu(cpu);

	if (ret)
		smp_fail("CPU %u %s: error %d", cpu, up ? "on" : "off", ret);
}

/* The last ones, up to THREADS_CPUS */
static bool threads_choose(void)
{
	unsigned int cpu;

	cpumask_clear(&threads_cpus);
	for (cpu = nr_cpu_ids; cpu-- > 1 && cpumask_weight(&threads_cpus) < THREADS_CPUS;) {
		if (cpu_possible(cpu) && smp_cpu_can_go(cpu))
			cpumask_set_cpu(cpu, &threads_cpus);
	}
	if (!cpumask_empty(&threads_cpus))
		return true;
	smp_skip("no CPU can go offline");
	return false;
}

static int threads_test_plain(const unsigned long *arg)
{
	int ret = threads_register(THREADS_ALL);

	if (ret)
		return ret;
	threads_settle();
	threads_unregister();
	return 0;
}

static void threads_cycle(unsigned int cpu)
{
	unsigned long cleaned = THREADS_CLEANED;
	enum threads_set set;
	unsigned int unparks;

	if (smp_failed())
		return;
	for_each_set_bit(set, &cleaned, THREADS_SETS)
		threads_get(set, cpu)->unparks = 0;
	threads_move(cpu, false);
	threads_check_parked(cpu);
	threads_move(cpu, true);
	/* A thread that was not parked is perhaps not fit to run */
	if (smp_failed())
		return;
	threads_settle();
	for_each_set_bit(set, &cleaned, THREADS_SETS) {
		unparks = threads_get(set, cpu)->unparks;
		if (unparks != 1)
			smp_fail("thread %u of CPU %u: unpark() was called %u times",
				 set, cpu, unparks);
	}
}

static int threads_test_hotplug(const unsigned long *arg)
{
	unsigned int cpu;
	int ret;

	if (!threads_choose())
		return 0;
	ret = threads_register(THREADS_ALL);
	if (ret)
		return ret;
	threads_settle();
	for_each_cpu(cpu, &threads_cpus)
		threads_cycle(cpu);
	threads_unregister();
	return 0;
}

/* Threads end while their CPU is offline, and are created when it comes */
static int threads_test_offline(const unsigned long *arg)
{
	unsigned int cpu, cleanups;
	int ret;

	if (!threads_choose())
		return 0;
	ret = threads_register(THREADS_ALL);
	if (ret)
		return ret;
	threads_settle();
	for_each_cpu(cpu, &threads_cpus)
		threads_move(cpu, false);
	threads_unregister();
	cleanups = hweight_long(THREADS_CLEANED) * cpumask_weight(&threads_cpus);
	if (atomic_read(&threads_cleaned_away) != cleanups)
		smp_fail("%d calls of cleanup() offline, not %u",
			 atomic_read(&threads_cleaned_away), cleanups);

	ret = threads_register(THREADS_ALL);
	for_each_cpu(cpu, &threads_cpus)
		threads_move(cpu, true);
	if (ret)
		return ret;
	threads_settle();
	threads_unregister();
	return 0;
}

/* The script has armed a failure on the way up */
static int threads_test_never_up(const unsigned long *arg)
{
	unsigned int cpu = arg[0];
	int ret;

	if (cpu >= nr_cpu_ids || cpu_online(cpu))
		return -EINVAL;
	ret = threads_register(THREADS_ALL);
	if (ret)
		return ret;
	ret = add_cpu(cpu);
	if (!ret || cpu_online(cpu))
		smp_fail("CPU %u comes up: error %d", cpu, ret);
	else
		threads_check_parked(cpu);
	threads_unregister();
	return 0;
}

#ifdef CONFIG_FAULT_INJECTION
/* Returns a reference */
static struct task_struct *threads_who(bool kthreadd)
{
	struct task_struct *task = current;

	guard(rcu)();
	if (kthreadd)
		task = pid_task(find_pid_ns(THREADS_KTHREADD, &init_pid_ns), PIDTYPE_PID);
	return task ? get_task_struct(task) : NULL;
}

/*
 * The first allocation fails, then the second, and so on until there is none left
 * to fail: those of the caller or of kthreadd, which is who forks, for others, too.
 */
static int threads_test_nomem(const unsigned long *arg)
{
	struct task_struct *who = threads_who(arg[0]);
	unsigned int nth, left, errors = 0;
	int ret;

	if (!who)
		return -ESRCH;
	for (nth = 1; nth < THREADS_NTH_MAX && !smp_failed(); nth++) {
		WRITE_ONCE(who->fail_nth, nth);
		ret = threads_register(BIT(THREADS_FULL));
		left = READ_ONCE(who->fail_nth);
		WRITE_ONCE(who->fail_nth, 0);
		threads_unregister();
		if (ret && (ret != -ENOMEM || left))
			smp_fail("allocation %u: error %d, %u left", nth, ret, left);
		errors += !!ret;
		if (left)
			break;
	}
	put_task_struct(who);
	if (!errors)
		smp_fail("none of %u allocations failed", nth);
	smp_value("allocations", nth - 1, "count");
	smp_value("errors", errors, "count");
	return 0;
}
#endif

static void threads_storm_round(void)
{
	unsigned int cpu, pokes = get_random_u32_below(32);
	enum threads_set set;
	int ret;

	ret = threads_register(get_random_u32_inclusive(1, THREADS_ALL));
	if (ret) {
		smp_fail("registration: error %d", ret);
		return;
	}
	if (get_random_u32_below(2))
		threads_settle();
	while (pokes--) {
		cpu = smp_random_cpu(cpu_online_mask);
		set = get_random_u32_below(THREADS_SETS);
		if (test_bit(set, &threads_sets) && cpu < nr_cpu_ids && threads_task(set, cpu))
			threads_poke(set, cpu);
		fsleep(get_random_u32_below(2 * USEC_PER_MSEC));
	}
	threads_unregister();
}

/* Registered and unregistered while CPUs go and come */
static int threads_test_storm(const unsigned long *arg)
{
	u64 end = ktime_get_ns() + arg[0] * NSEC_PER_SEC;
	unsigned int rounds = 0;
	int ret;

	ret = smp_toggler_start();
	if (ret)
		return ret == -ENODEV ? 0 : ret;
	while (ktime_get_ns() < end && !ret && !smp_failed()) {
		threads_storm_round();
		rounds++;
		ret = smp_sleep(1);
	}
	smp_toggler_stop();
	smp_value("rounds", rounds, "count");
	return ret;
}

/* For a script that moves a CPU in between */
static int threads_run_register(const unsigned long *arg)
{
	return threads_register(THREADS_ALL);
}

static int threads_run_unregister(const unsigned long *arg)
{
	threads_unregister();
	return 0;
}

static int threads_run_settle(const unsigned long *arg)
{
	return threads_settle();
}

static int threads_run_parked(const unsigned long *arg)
{
	if (arg[0] >= nr_cpu_ids || cpu_online(arg[0]))
		return -EINVAL;
	threads_check_parked(arg[0]);
	return 0;
}

static const struct smp_test threads_list[] = {
	{ .name = "threads_plain", .run = threads_test_plain, },
	{ .name = "threads_hotplug", .run = threads_test_hotplug, },
	{ .name = "threads_offline", .run = threads_test_offline, },
	{ .name = "threads_never_up", .run = threads_test_never_up, .min_args = 1, .max_args = 1, },
#ifdef CONFIG_FAULT_INJECTION
	{ .name = "threads_nomem", .run = threads_test_nomem, .min_args = 1, .max_args = 1, },
#endif
	{ .name = "threads_storm", .run = threads_test_storm, .min_args = 1, .max_args = 1, },
	{ .name = "threads_register", .run = threads_run_register, },
	{ .name = "threads_unregister", .run = threads_run_unregister, },
	{ .name = "threads_settle", .run = threads_run_settle, },
	{ .name = "threads_parked", .run = threads_run_parked, .min_args = 1, .max_args = 1, },
	{ }
};

static struct smp_tests threads_tests = {
	.test = threads_list,
};

static int __init threads_init(void)
{
	smp_tests_register(&threads_tests);
	return 0;
}
module_init(threads_init);

static void __exit threads_exit(void)
{
	smp_tests_unregister(&threads_tests);
	/* What a script has left that was interrupted */
	threads_unregister();
}
module_exit(threads_exit);

MODULE_DESCRIPTION("Tests of per-CPU hotplug threads");
MODULE_LICENSE("GPL");
