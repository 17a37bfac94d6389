// SPDX-License-Identifier: GPL-2.0
/*
 * Hotplug threads, those of struct smp_hotplug_thread: what the core calls, for
 * which CPU, where and in which order is recorded. A CPU going and coming is
 * recorded, too, by hotplug states above and below those that create, unpark
 * and park the threads.
 */
#include <linux/atomic.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smpboot.h>
#include <linux/timekeeping.h>

#include "smp_test.h"
#include "smp_test_storm.h"
#include "smp_test_threads.h"

#define THREADS_LIMIT_MS	20000
#define THREADS_SECONDS_MAX	86400UL
#define THREADS_QUIET_MS	20
#define THREADS_MEET_MS		2000
#define THREADS_CPUS		3

/**
 * struct threads_work - what a thread is told to do
 * @want:	to run once more
 * @ran:	how often it has run
 */
struct threads_work {
	bool		want;
	unsigned int	ran;
};

/* Index is enum threads_set */
static DEFINE_PER_CPU(struct task_struct *, threads_store[THREADS_SETS]);
static DEFINE_PER_CPU(struct threads_work, threads_work[THREADS_SETS]);
/* The core has parked the thread when it was created */
static DEFINE_PER_CPU(bool, threads_self_unparked);

static struct threads_record *threads_records;
static atomic_t threads_noted;
/* How many threads have to be in park() at the same time, and how many came */
static unsigned int threads_expected;
static atomic_t threads_met;
/* CPUs that were offline when the record began */
static struct cpumask threads_away;
static enum cpuhp_state threads_online_state, threads_prepare_state;
/* Sets that are registered; a bitmap of enum threads_set */
static unsigned long threads_sets;
/* What the last record came to */
static struct threads_counts threads_counts;

static void threads_note(enum threads_set set, unsigned int cpu,
			 enum threads_event event, bool value, const char *wrong)
{
	/* Fully ordered: the order of the record is the order of what happened */
	unsigned int at = atomic_inc_return(&threads_noted) - 1;
	struct threads_record *it;

	/* The replay complains */
	if (at >= THREADS_RECORDS)
		return;
	it = &threads_records[at];
	it->ns = ktime_get_ns();
	it->task = current;
	it->thread = per_cpu(threads_store[set], cpu);
	it->wrong = wrong;
	it->cpu = cpu;
	it->ran_on = raw_smp_processor_id();
	it->event = event;
	it->set = set;
	it->value = value;
}

/* The callbacks of a thread may sleep, so it has to be runnable */
static const char *threads_wrong_context(void)
{
	if (READ_ONCE(current->__state) != TASK_RUNNING)
		return "not in TASK_RUNNING";
	if (preempt_count())
		return "with preemption disabled";
	return NULL;
}

static void threads_create(enum threads_set set, unsigned int cpu)
{
	struct task_struct *task = per_cpu(threads_store[set], cpu);
	const char *wrong = NULL;

	/* The migration thread relies on this */
	if (task && (READ_ONCE(task->on_rq) || READ_ONCE(task->__state) != TASK_PARKED))
		wrong = "before the thread has parked";
	threads_note(set, cpu, THREADS_CREATE, false, wrong);
}

static void threads_called(enum threads_set set, unsigned int cpu,
			   enum threads_event event)
{
	threads_note(set, cpu, event, false, threads_wrong_context());
}

/* Each of the threads in park() at the same time, if that is what is tested */
static void threads_meet(void)
{
	unsigned int ms;

	if (!READ_ONCE(threads_expected))
		return;
	atomic_inc(&threads_met);
	for (ms = 0; atomic_read(&threads_met) < READ_ONCE(threads_expected); ms++) {
		if (ms == THREADS_MEET_MS) {
			smp_fail("no other thread came to park() in %u ms", ms);
			return;
		}
		fsleep(USEC_PER_MSEC);
	}
}

static void threads_parks(enum threads_set set, unsigned int cpu)
{
	threads_called(set, cpu, THREADS_PARK);
	threads_meet();
}

static void threads_cleanup(enum threads_set set, unsigned int cpu, bool online)
{
	const char *wrong = threads_wrong_context();

	/* Whoever stops the thread keeps the CPU from coming or going */
	if (online != cpu_online(cpu))
		wrong = online ? "told that the CPU is online" :
				 "told that the CPU is offline";
	threads_note(set, cpu, THREADS_CLEANUP, online, wrong);
}

static int threads_should_run(enum threads_set set, unsigned int cpu)
{
	bool run = READ_ONCE(per_cpu(threads_work[set], cpu).want);
	const char *wrong = NULL;

	if (IS_ENABLED(CONFIG_PREEMPT_COUNT) && preemptible())
		wrong = "with preemption enabled";
	threads_note(set, cpu, THREADS_SHOULD_RUN, run, wrong);
	return run;
}

static void threads_fn(enum threads_set set, unsigned int cpu)
{
	struct threads_work *work = &per_cpu(threads_work[set], cpu);

	threads_note(set, cpu, THREADS_FN, false, threads_wrong_context());
	WRITE_ONCE(work->want, false);
	WRITE_ONCE(work->ran, work->ran + 1);
}

/* The core passes the CPU and nothing else, so each set has its own functions */
#define THREADS_RUN(name, set)						\
static int name##_should_run(unsigned int cpu)				\
{									\
	return threads_should_run(set, cpu);				\
}									\
static void name##_fn(unsigned int cpu)					\
{									\
	threads_fn(set, cpu);						\
}

/* Without park() */
#define THREADS_OPTIONAL(name, set)					\
static void name##_create(unsigned int cpu)				\
{									\
	threads_create(set, cpu);					\
}									\
static void name##_setup(unsigned int cpu)				\
{									\
	threads_called(set, cpu, THREADS_SETUP);			\
}									\
static void name##_cleanup(unsigned int cpu, bool online)		\
{									\
	threads_cleanup(set, cpu, online);				\
}									\
static void name##_unpark(unsigned int cpu)				\
{									\
	threads_called(set, cpu, THREADS_UNPARK);			\
}

#define THREADS_PARKS(name, set)					\
static void name##_park(unsigned int cpu)				\
{									\
	threads_parks(set, cpu);					\
}

THREADS_RUN(full, THREADS_FULL)
THREADS_OPTIONAL(full, THREADS_FULL)
THREADS_PARKS(full, THREADS_FULL)
THREADS_RUN(second, THREADS_SECOND)
THREADS_OPTIONAL(second, THREADS_SECOND)
THREADS_PARKS(second, THREADS_SECOND)
THREADS_RUN(bare, THREADS_BARE)
THREADS_RUN(self, THREADS_SELF)
THREADS_OPTIONAL(self, THREADS_SELF)
THREADS_PARKS(self, THREADS_SELF)
THREADS_RUN(no_park, THREADS_NO_PARK)
THREADS_OPTIONAL(no_park, THREADS_NO_PARK)

static struct smp_hotplug_thread threads_ht[THREADS_SETS] = {
	[THREADS_FULL] = {
		.store			= &threads_store[THREADS_FULL],
		.thread_should_run	= full_should_run,
		.thread_fn		= full_fn,
		.create			= full_create,
		.setup			= full_setup,
		.cleanup		= full_cleanup,
		.park			= full_park,
		.unpark			= full_unpark,
		.thread_comm		= THREADS_COMM "0/%u",
	},
	[THREADS_SECOND] = {
		.store			= &threads_store[THREADS_SECOND],
		.thread_should_run	= second_should_run,
		.thread_fn		= second_fn,
		.create			= second_create,
		.setup			= second_setup,
		.cleanup		= second_cleanup,
		.park			= second_park,
		.unpark			= second_unpark,
		.thread_comm		= THREADS_COMM "1/%u",
	},
	[THREADS_BARE] = {
		.store			= &threads_store[THREADS_BARE],
		.thread_should_run	= bare_should_run,
		.thread_fn		= bare_fn,
		.thread_comm		= THREADS_COMM "2/%u",
	},
	[THREADS_SELF] = {
		.store			= &threads_store[THREADS_SELF],
		.thread_should_run	= self_should_run,
		.thread_fn		= self_fn,
		.create			= self_create,
		.setup			= self_setup,
		.cleanup		= self_cleanup,
		.park			= self_park,
		.unpark			= self_unpark,
		.selfparking		= true,
		.thread_comm		= THREADS_COMM "3/%u",
	},
	[THREADS_NO_PARK] = {
		.store			= &threads_store[THREADS_NO_PARK],
		.thread_should_run	= no_park_should_run,
		.thread_fn		= no_park_fn,
		.create			= no_park_create,
		.setup			= no_park_setup,
		.cleanup		= no_park_cleanup,
		.unpark			= no_park_unpark,
		.thread_comm		= THREADS_COMM "4/%u",
	},
};

/**
 * threads_task - The thread of a CPU
 * @set:	the kind of thread
 * @cpu:	the CPU
 *
 * Return: what the core has stored, NULL if there is none.
 */
struct task_struct *threads_task(enum threads_set set, unsigned int cpu)
{
	return READ_ONCE(per_cpu(threads_store[set], cpu));
}

/* Nothing but hotplug and the registration touches the flag, never both */
static void threads_self_unpark(unsigned int cpu)
{
	struct task_struct *task = threads_task(THREADS_SELF, cpu);

	if (task && !per_cpu(threads_self_unparked, cpu)) {
		per_cpu(threads_self_unparked, cpu) = true;
		kthread_unpark(task);
	}
}

static void threads_self_park(unsigned int cpu)
{
	struct task_struct *task = threads_task(THREADS_SELF, cpu);

	if (task && per_cpu(threads_self_unparked, cpu)) {
		per_cpu(threads_self_unparked, cpu) = false;
		kthread_park(task);
	}
}

/* The core leaves it to this module, the thread is still where it was created */
static void threads_self_check(unsigned int cpu)
{
	struct task_struct *task = threads_task(THREADS_SELF, cpu);

	if (task && !per_cpu(threads_self_unparked, cpu) &&
	    READ_ONCE(task->__state) != TASK_PARKED)
		smp_fail("thread %u of CPU %u parks itself and was unparked",
			 THREADS_SELF, cpu);
}

static int threads_cpu_prepare(unsigned int cpu)
{
	threads_note(0, cpu, THREADS_PREPARE, false, NULL);
	return 0;
}

static int threads_cpu_online(unsigned int cpu)
{
	threads_note(0, cpu, THREADS_ONLINE, false, NULL);
	threads_self_check(cpu);
	threads_self_unpark(cpu);
	return 0;
}

static int threads_cpu_going(unsigned int cpu)
{
	threads_note(0, cpu, THREADS_GOING, false, NULL);
	threads_self_park(cpu);
	return 0;
}

static int threads_cpu_dead(unsigned int cpu)
{
	threads_note(0, cpu, THREADS_DEAD, false, NULL);
	return 0;
}

/* What happens from here on is in the record */
static void threads_restart(void)
{
	lockdep_assert_cpus_held();
	cpumask_andnot(&threads_away, cpu_possible_mask, cpu_online_mask);
	atomic_set(&threads_noted, 0);
}

/**
 * threads_record_begin - Begin to record
 *
 * Return: 0 or an error.
 */
int threads_record_begin(void)
{
	int ret;

	threads_records = kvzalloc_objs(*threads_records, THREADS_RECORDS);
	if (!threads_records)
		return -ENOMEM;
	ret = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "smp_test:threads_prepare",
					threads_cpu_prepare, threads_cpu_dead);
	if (ret < 0)
		goto out_records;
	threads_prepare_state = ret;
	ret = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "smp_test:threads_online",
					threads_cpu_online, threads_cpu_going);
	if (ret < 0)
		goto out_prepare;
	threads_online_state = ret;

	cpus_read_lock();
	threads_restart();
	cpus_read_unlock();
	return 0;

out_prepare:
	cpuhp_remove_state_nocalls(threads_prepare_state);
out_records:
	kvfree(threads_records);
	threads_records = NULL;
	return ret;
}

/* With nothing registered: the record is right, and nothing is left */
static void threads_check(void)
{
	enum threads_set set;
	unsigned int cpu;

	/* No CPU goes or comes between one record and the next */
	cpus_read_lock();
	threads_replay(threads_records, atomic_read(&threads_noted), &threads_away,
		       &threads_counts);
	threads_restart();
	cpus_read_unlock();

	for (set = 0; set < THREADS_SETS; set++) {
		for_each_possible_cpu(cpu) {
			if (threads_task(set, cpu))
				smp_fail("thread %u of CPU %u is still stored", set, cpu);
		}
	}
	smp_check_no_tasks(THREADS_COMM);
}

/**
 * threads_record_end - End the record, with nothing registered, and check it
 */
void threads_record_end(void)
{
	threads_check();
	cpuhp_remove_state_nocalls(threads_online_state);
	cpuhp_remove_state_nocalls(threads_prepare_state);
	kvfree(threads_records);
	threads_records = NULL;
}

static void threads_report(void)
{
	enum threads_event event;

	for (event = 0; event <= THREADS_CLEANUP; event++) {
		if (threads_counts.event[event])
			smp_value(threads_event_name(event), threads_counts.event[event], "count");
	}
	if (threads_counts.offline_cleanups)
		smp_value("offline_cleanup", threads_counts.offline_cleanups, "count");
}

static void threads_unregister_one(enum threads_set set)
{
	__clear_bit(set, &threads_sets);
	threads_note(set, 0, THREADS_UNREGISTER, false, NULL);
	smpboot_unregister_percpu_thread(&threads_ht[set]);
	threads_note(set, 0, THREADS_UNREGISTERED, false, NULL);
}

/**
 * threads_unregister - Unregister what is registered
 */
void threads_unregister(void)
{
	enum threads_set set;

	for (set = 0; set < THREADS_SETS; set++) {
		if (test_bit(set, &threads_sets))
			threads_unregister_one(set);
	}
}

/**
 * threads_registered - Tell whether something is registered
 *
 * Return: true if so.
 */
bool threads_registered(void)
{
	return threads_sets;
}

/* Arm the failure, and afterwards see whether it has happened */
static void threads_fault_begin(struct threads_fault *fault)
{
#ifdef CONFIG_FAULT_INJECTION
	if (fault->task)
		WRITE_ONCE(fault->task->fail_nth, fault->nth);
#endif
}

static void threads_fault_end(struct threads_fault *fault)
{
#ifdef CONFIG_FAULT_INJECTION
	if (fault->task) {
		fault->left = READ_ONCE(fault->task->fail_nth);
		WRITE_ONCE(fault->task->fail_nth, 0);
	}
#endif
}

static int threads_register_one(enum threads_set set, struct threads_fault *fault)
{
	unsigned int cpu;
	int ret;

	for_each_possible_cpu(cpu) {
		memset(per_cpu_ptr(&threads_work[set], cpu), 0, sizeof(struct threads_work));
		if (set == THREADS_SELF)
			per_cpu(threads_self_unparked, cpu) = false;
	}
	threads_note(set, 0, THREADS_REGISTER, false, NULL);
	threads_fault_begin(fault);
	ret = smpboot_register_percpu_thread(&threads_ht[set]);
	threads_fault_end(fault);
	threads_note(set, 0, THREADS_REGISTERED, !ret, NULL);
	if (ret)
		return ret;

	__set_bit(set, &threads_sets);
	if (set == THREADS_SELF) {
		cpus_read_lock();
		for_each_online_cpu(cpu) {
			threads_self_check(cpu);
			threads_self_unpark(cpu);
		}
		cpus_read_unlock();
	}
	return 0;
}

/**
 * threads_register - Register hotplug threads
 * @sets:	bitmap of enum threads_set
 * @fault:	what has to fail
 *
 * Return: 0, or an error with nothing registered.
 */
int threads_register(unsigned long sets, struct threads_fault *fault)
{
	enum threads_set set;
	int ret;

	for (set = 0; set < THREADS_SETS; set++) {
		if (!test_bit(set, &sets))
			continue;
		ret = threads_register_one(set, fault);
		if (ret) {
			threads_unregister();
			return ret;
		}
	}
	return 0;
}

/**
 * threads_add_cpu - Bring a CPU up
 * @cpu:	the CPU
 * @fault:	what has to fail
 *
 * Return: 0 or an error.
 */
int threads_add_cpu(unsigned int cpu, struct threads_fault *fault)
{
	int ret;

	threads_fault_begin(fault);
	ret = add_cpu(cpu);
	threads_fault_end(fault);
	return ret;
}

/* A thread that is parked sleeps on */
static unsigned int threads_poke(enum threads_set set, unsigned int cpu)
{
	struct threads_work *work = &per_cpu(threads_work[set], cpu);
	unsigned int ran = READ_ONCE(work->ran);

	WRITE_ONCE(work->want, true);
	wake_up_process(threads_task(set, cpu));
	return ran;
}

static bool threads_has_run(enum threads_set set, unsigned int cpu, unsigned int ran)
{
	return READ_ONCE(per_cpu(threads_work[set], cpu).ran) != ran;
}

static void threads_settle_one(enum threads_set set, unsigned int cpu)
{
	unsigned int ms, ran;

	if (!threads_task(set, cpu)) {
		smp_fail("no thread %u of CPU %u, which is online", set, cpu);
		return;
	}
	ran = threads_poke(set, cpu);
	for (ms = 0; !threads_has_run(set, cpu, ran); ms++) {
		if (ms == THREADS_LIMIT_MS) {
			smp_fail("thread %u of CPU %u does not run", set, cpu);
			return;
		}
		fsleep(USEC_PER_MSEC);
	}
}

/**
 * threads_settle - Have all threads of all CPUs that are online run
 */
void threads_settle(void)
{
	enum threads_set set;
	unsigned int cpu;

	cpus_read_lock();
	for_each_online_cpu(cpu) {
		for_each_set_bit(set, &threads_sets, THREADS_SETS)
			threads_settle_one(set, cpu);
		threads_note(0, cpu, THREADS_SETTLED, false, NULL);
	}
	cpus_read_unlock();
}

/**
 * threads_check_parked - Check that the threads of a CPU are parked and stay so
 * @cpu:	the CPU, offline
 *
 * A thread that is not parked is not woken, it would run on another CPU.
 *
 * Return: true if they are parked, or were never created.
 */
bool threads_check_parked(unsigned int cpu)
{
	struct task_struct *task;
	enum threads_set set;
	bool parked = true;

	for_each_set_bit(set, &threads_sets, THREADS_SETS) {
		task = threads_task(set, cpu);
		if (task && READ_ONCE(task->__state) != TASK_PARKED) {
			smp_fail("thread %u of CPU %u is in state %#x, not parked",
				 set, cpu, READ_ONCE(task->__state));
			parked = false;
		}
	}
	if (!parked)
		return false;

	for_each_set_bit(set, &threads_sets, THREADS_SETS) {
		if (threads_task(set, cpu))
			threads_poke(set, cpu);
	}
	fsleep(THREADS_QUIET_MS * USEC_PER_MSEC);
	/* The replay finds whatever has run meanwhile */
	for_each_set_bit(set, &threads_sets, THREADS_SETS)
		WRITE_ONCE(per_cpu(threads_work[set], cpu).want, false);
	return true;
}

static int threads_begin(unsigned long sets)
{
	int ret;

	if (threads_records)
		return -EBUSY;
	ret = threads_record_begin();
	if (ret)
		return ret;
	ret = threads_register(sets, &THREADS_NO_FAULT);
	if (ret)
		smp_fail("registration: error %d", ret);
	return 0;
}

static void threads_end(void)
{
	threads_unregister();
	threads_record_end();
	threads_report();
}

static void threads_off(unsigned int cpu)
{
	int ret = remove_cpu(cpu);

	if (ret)
		smp_fail("CPU %u off: error %d", cpu, ret);
}

static void threads_on(unsigned int cpu)
{
	int ret = threads_add_cpu(cpu, &THREADS_NO_FAULT);

	if (ret)
		smp_fail("CPU %u on: error %d", cpu, ret);
}

/* The last ones, up to THREADS_CPUS */
static bool threads_choose(struct cpumask *mask)
{
	unsigned int cpu, nr = 0;

	cpumask_clear(mask);
	for (cpu = nr_cpu_ids; cpu-- > 1 && nr < THREADS_CPUS;) {
		if (cpu_possible(cpu) && smp_cpu_can_go(cpu)) {
			cpumask_set_cpu(cpu, mask);
			nr++;
		}
	}
	if (!nr)
		smp_skip("no CPU can go offline");
	return nr;
}

/* Registered, unregistered, and the threads run in between */
static int threads_plain(const unsigned long *arg)
{
	int ret = threads_begin(THREADS_ALL);

	if (ret)
		return ret;
	threads_settle();
	threads_end();
	return 0;
}

static int threads_hotplug(const unsigned long *arg)
{
	static struct cpumask mask;
	unsigned int cpu;
	int ret;

	if (!threads_choose(&mask))
		return 0;
	ret = threads_begin(THREADS_ALL);
	if (ret)
		return ret;
	threads_settle();
	for_each_cpu(cpu, &mask) {
		threads_off(cpu);
		threads_check_parked(cpu);
		threads_on(cpu);
		/* A thread that was not parked is perhaps not fit to run */
		if (smp_failed())
			break;
		threads_settle();
	}
	threads_end();
	if (!smp_failed() && !threads_counts.event[THREADS_UNPARK])
		smp_fail("no thread was unparked");
	return 0;
}

/* All threads of a CPU are asked to park before the first is awaited */
static int threads_together(const unsigned long *arg)
{
	static struct cpumask mask;
	unsigned int cpu;
	int ret;

	if (!threads_choose(&mask))
		return 0;
	ret = threads_begin(BIT(THREADS_FULL) | BIT(THREADS_SECOND));
	if (ret)
		return ret;
	threads_settle();
	cpu = cpumask_first(&mask);
	atomic_set(&threads_met, 0);
	WRITE_ONCE(threads_expected, 2);
	threads_off(cpu);
	WRITE_ONCE(threads_expected, 0);
	if (atomic_read(&threads_met) != 2)
		smp_fail("%d calls of park()", atomic_read(&threads_met));
	threads_on(cpu);
	threads_end();
	return 0;
}

/* Threads end that are parked because their CPU is offline */
static int threads_unregister_offline(const unsigned long *arg)
{
	static struct cpumask mask;
	unsigned int cpu;
	int ret;

	if (!threads_choose(&mask))
		return 0;
	ret = threads_begin(THREADS_ALL);
	if (ret)
		return ret;
	threads_settle();
	for_each_cpu(cpu, &mask)
		threads_off(cpu);
	threads_end();
	for_each_cpu(cpu, &mask)
		threads_on(cpu);
	/* All but the one without callbacks were set up */
	if (threads_counts.offline_cleanups != (THREADS_SETS - 1) * cpumask_weight(&mask))
		smp_fail("%u cleanups for %u CPUs that are offline",
			 threads_counts.offline_cleanups, cpumask_weight(&mask));
	return 0;
}

/* Threads are created when their CPU comes, if it ever does */
static int threads_register_offline(const unsigned long *arg)
{
	static struct cpumask mask;
	unsigned int cpu;
	int ret;

	if (!threads_choose(&mask))
		return 0;
	for_each_cpu(cpu, &mask)
		threads_off(cpu);

	ret = threads_begin(THREADS_ALL);
	if (ret)
		goto out_on;
	threads_settle();
	threads_end();

	ret = threads_begin(THREADS_ALL);
	if (ret)
		goto out_on;
	for_each_cpu(cpu, &mask)
		threads_on(cpu);
	threads_settle();
	threads_end();
	return 0;

out_on:
	for_each_cpu(cpu, &mask)
		threads_on(cpu);
	return ret;
}

/* The script has made sure that the CPU does not get all the way up */
static int threads_never_up(const unsigned long *arg)
{
	unsigned int cpu = arg[0];
	int ret;

	if (cpu >= nr_cpu_ids || cpu_online(cpu))
		return -EINVAL;
	ret = threads_begin(THREADS_ALL);
	if (ret)
		return ret;
	ret = threads_add_cpu(cpu, &THREADS_NO_FAULT);
	if (!ret || cpu_online(cpu)) {
		smp_fail("CPU %u comes up: error %d", cpu, ret);
	} else {
		if (!threads_task(THREADS_FULL, cpu))
			smp_fail("no thread was created for CPU %u", cpu);
		threads_check_parked(cpu);
	}
	threads_end();
	smp_value("error", -ret, "errno");
	return 0;
}

static void threads_storm_round(unsigned long sets)
{
	unsigned int cpu, pokes = get_random_u32_below(32);
	enum threads_set set;

	if (threads_register(sets, &THREADS_NO_FAULT)) {
		smp_fail("registration fails");
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
static int threads_storm(const unsigned long *arg)
{
	unsigned int count[THREADS_CLEANUP + 1] = {}, rounds = 0, event;
	u64 end = ktime_get_ns() + arg[0] * NSEC_PER_SEC;
	int ret;

	if (!arg[0] || arg[0] > THREADS_SECONDS_MAX)
		return -EINVAL;
	if (threads_records)
		return -EBUSY;
	ret = smp_toggler_start();
	if (ret)
		return ret == -ENODEV ? 0 : ret;

	ret = threads_record_begin();
	while (ktime_get_ns() < end && !ret && !smp_failed()) {
		threads_storm_round(get_random_u32_inclusive(1, THREADS_ALL));
		threads_check();
		for (event = 0; event <= THREADS_CLEANUP; event++)
			count[event] += threads_counts.event[event];
		rounds++;
		ret = smp_sleep(1);
	}

	if (threads_records)
		threads_record_end();
	smp_toggler_stop();
	smp_value("rounds", rounds, "count");
	for (event = 0; event <= THREADS_CLEANUP; event++)
		smp_value(threads_event_name(event), count[event], "count");
	/* CPUs have gone and come, says the toggler; here in most of the rounds */
	if (!smp_failed() && (!rounds || !count[THREADS_CLEANUP]))
		smp_fail("%u rounds, %u cleanups", rounds, count[THREADS_CLEANUP]);
	return ret;
}

/* For scripts that do something in between */
static int threads_run_register(const unsigned long *arg)
{
	if (!arg[0] || arg[0] & ~THREADS_ALL)
		return -EINVAL;
	return threads_begin(arg[0]);
}

static int threads_run_unregister(const unsigned long *arg)
{
	if (!threads_records)
		return -ENOENT;
	threads_end();
	return 0;
}

static int threads_run_settle(const unsigned long *arg)
{
	if (!threads_records)
		return -ENOENT;
	threads_settle();
	return 0;
}

static int threads_run_parked(const unsigned long *arg)
{
	if (!threads_records)
		return -ENOENT;
	if (arg[0] >= nr_cpu_ids || cpu_online(arg[0]))
		return -EINVAL;
	threads_check_parked(arg[0]);
	return 0;
}

/* Whether all sets that are registered have a thread for the CPU */
static int threads_run_exist(const unsigned long *arg)
{
	enum threads_set set;

	if (!threads_records)
		return -ENOENT;
	if (arg[0] >= nr_cpu_ids)
		return -EINVAL;
	for_each_set_bit(set, &threads_sets, THREADS_SETS) {
		if (!threads_task(set, arg[0]))
			smp_fail("no thread %u of CPU %lu", set, arg[0]);
	}
	return 0;
}

/* Wakes the threads of a CPU, whatever comes of it */
static int threads_run_wake(const unsigned long *arg)
{
	enum threads_set set;

	if (!threads_records)
		return -ENOENT;
	if (arg[0] >= nr_cpu_ids)
		return -EINVAL;
	for_each_set_bit(set, &threads_sets, THREADS_SETS) {
		if (threads_task(set, arg[0]))
			threads_poke(set, arg[0]);
	}
	fsleep(THREADS_QUIET_MS * USEC_PER_MSEC);
	return 0;
}

/**
 * smp_threads_exit - Unregister what a script has left registered
 */
void smp_threads_exit(void)
{
	if (threads_records) {
		threads_unregister();
		threads_record_end();
	}
}

const struct smp_test smp_threads_tests[] = {
	{ .name = "threads_plain", .run = threads_plain, },
	{ .name = "threads_hotplug", .run = threads_hotplug, },
	{ .name = "threads_together", .run = threads_together, },
	{ .name = "threads_unregister_offline", .run = threads_unregister_offline, },
	{ .name = "threads_register_offline", .run = threads_register_offline, },
	{ .name = "threads_never_up", .run = threads_never_up, .min_args = 1, .max_args = 1, },
	{ .name = "threads_storm", .run = threads_storm, .min_args = 1, .max_args = 1, },
	{ .name = "threads_register", .run = threads_run_register, .min_args = 1, .max_args = 1, },
	{ .name = "threads_unregister", .run = threads_run_unregister, },
	{ .name = "threads_settle", .run = threads_run_settle, },
	{ .name = "threads_parked", .run = threads_run_parked, .min_args = 1, .max_args = 1, },
	{ .name = "threads_exist", .run = threads_run_exist, .min_args = 1, .max_args = 1, },
	{ .name = "threads_wake", .run = threads_run_wake, .min_args = 1, .max_args = 1, },
	{ }
};
