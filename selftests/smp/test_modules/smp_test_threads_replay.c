// SPDX-License-Identifier: GPL-2.0
/*
 * The record of the hotplug threads is replayed against the states that
 * smpboot_thread_fn() goes through:
 *
 *	none -- create --> created -- setup --> active <-- park, unpark --> parked
 *
 * A thread can end in each of the states; cleanup is called unless there was no
 * setup.
 */
#include <linux/cpumask.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "smp_test.h"
#include "smp_test_threads.h"

static const char * const threads_name[THREADS_EVENTS] = {
	[THREADS_CREATE]	= "create",
	[THREADS_SETUP]		= "setup",
	[THREADS_SHOULD_RUN]	= "should_run",
	[THREADS_FN]		= "thread_fn",
	[THREADS_PARK]		= "park",
	[THREADS_UNPARK]	= "unpark",
	[THREADS_CLEANUP]	= "cleanup",
	[THREADS_PREPARE]	= "prepare",
	[THREADS_ONLINE]	= "online",
	[THREADS_GOING]		= "going",
	[THREADS_DEAD]		= "dead",
	[THREADS_SETTLED]	= "settled",
	[THREADS_REGISTER]	= "register",
	[THREADS_REGISTERED]	= "registered",
	[THREADS_UNREGISTER]	= "unregister",
	[THREADS_UNREGISTERED]	= "unregistered",
};

/**
 * threads_event_name - The name of an event
 * @event:	the event
 *
 * Return: the name.
 */
const char *threads_event_name(enum threads_event event)
{
	return threads_name[event];
}

enum replay_state {
	REPLAY_NONE,
	REPLAY_CREATED,
	REPLAY_ACTIVE,
	REPLAY_PARKED,
};

/**
 * struct replay_thread - where the replay has got to with a thread
 * @state:	its state
 * @task:	the thread
 * @run:	should_run has returned true, thread_fn is what comes next
 */
struct replay_thread {
	enum replay_state		state;
	const struct task_struct	*task;
	bool				run;
};

/**
 * struct replay_cpu - where the replay has got to with a CPU
 * @away:	it is offline
 * @moves:	it goes or comes
 * @thread:	its threads
 */
struct replay_cpu {
	bool			away;
	bool			moves;
	struct replay_thread	thread[THREADS_SETS];
};

/* Of the registration of a set */
enum replay_phase {
	PHASE_NONE,
	PHASE_REGISTER,
	PHASE_REGISTERED,
	PHASE_UNREGISTER,
};

/**
 * struct replay - where the replay has got to
 * @start:	the first event
 * @counts:	what was counted
 * @phase:	of the registration of each set
 * @cpu:	the CPUs
 */
struct replay {
	const struct threads_record	*start;
	struct threads_counts		*counts;
	enum replay_phase		phase[THREADS_SETS];
	struct replay_cpu		cpu[];
};

static void replay_wrong(const struct replay *replay, const struct threads_record *it,
			 const char *what)
{
	smp_fail("%s of thread %u of CPU %u, event %td after %llu us, on CPU %u: %s",
		 threads_name[it->event], it->set, it->cpu, it - replay->start,
		 (it->ns - replay->start->ns) / NSEC_PER_USEC, it->ran_on, what);
}

/* Nobody but the thread itself, and nowhere but on its CPU */
static void replay_own(struct replay *replay, const struct threads_record *it)
{
	struct replay_cpu *cpu = &replay->cpu[it->cpu];
	struct replay_thread *thread = &cpu->thread[it->set];
	bool ends = it->event == THREADS_CLEANUP;
	bool runs = it->event == THREADS_FN;

	if (it->task != it->thread)
		replay_wrong(replay, it, "not by the thread");
	if (thread->task && it->task != thread->task)
		replay_wrong(replay, it, "not by the thread that was created");
	if (thread->run != runs)
		replay_wrong(replay, it, thread->run ? "there is something to run" :
					       "there is nothing to run");
	thread->run = false;
	if (cpu->away && !ends)
		replay_wrong(replay, it, "the CPU is offline");
	if (it->ran_on != it->cpu && !(ends && cpu->away))
		replay_wrong(replay, it, "on another CPU");
	if (replay->phase[it->set] == PHASE_NONE)
		replay_wrong(replay, it, "not registered");
}

static void replay_create(struct replay *replay, const struct threads_record *it)
{
	struct replay_thread *thread = &replay->cpu[it->cpu].thread[it->set];

	if (thread->state != REPLAY_NONE)
		replay_wrong(replay, it, "there is a thread");
	if (!it->thread)
		replay_wrong(replay, it, "no thread is stored");
	if (it->task == it->thread)
		replay_wrong(replay, it, "by the thread");
	if (replay->phase[it->set] == PHASE_NONE)
		replay_wrong(replay, it, "not registered");
	thread->state = REPLAY_CREATED;
	thread->task = it->thread;
}

/* What the thread calls; the one without optional callbacks has no state */
static void replay_callback(struct replay *replay, const struct threads_record *it)
{
	struct replay_cpu *cpu = &replay->cpu[it->cpu];
	struct replay_thread *thread = &cpu->thread[it->set];

	replay_own(replay, it);
	switch (it->event) {
	case THREADS_SETUP:
		if (thread->state != REPLAY_CREATED)
			replay_wrong(replay, it, "not the first one after create");
		thread->state = REPLAY_ACTIVE;
		break;
	case THREADS_SHOULD_RUN:
		thread->run = it->value;
		fallthrough;
	case THREADS_FN:
		if (thread->state != REPLAY_ACTIVE && it->set != THREADS_BARE)
			replay_wrong(replay, it, "the thread is parked or not set up");
		break;
	case THREADS_PARK:
		if (thread->state != REPLAY_ACTIVE)
			replay_wrong(replay, it, "the thread is parked or not set up");
		if (!cpu->moves)
			replay_wrong(replay, it, "the CPU stays");
		thread->state = REPLAY_PARKED;
		break;
	case THREADS_UNPARK:
		if (thread->state != REPLAY_PARKED)
			replay_wrong(replay, it, "the thread is not parked");
		thread->state = REPLAY_ACTIVE;
		break;
	case THREADS_CLEANUP:
		if (thread->state != REPLAY_ACTIVE && thread->state != REPLAY_PARKED)
			replay_wrong(replay, it, "the thread was not set up, or has ended");
		/* Not when the registration fails: no thread has run then */
		if (replay->phase[it->set] != PHASE_UNREGISTER)
			replay_wrong(replay, it, "nobody unregisters the thread");
		if (!it->value)
			replay->counts->offline_cleanups++;
		thread->state = REPLAY_NONE;
		break;
	}
}

/* Without park() nobody tells when the thread parks; the CPU has gone then */
static void replay_dead(struct replay_cpu *cpu, unsigned int nr)
{
	enum threads_set set;

	if (cpu->thread[THREADS_NO_PARK].state == REPLAY_ACTIVE)
		cpu->thread[THREADS_NO_PARK].state = REPLAY_PARKED;
	for (set = 0; set < THREADS_SETS; set++) {
		if (cpu->thread[set].state == REPLAY_ACTIVE)
			smp_fail("thread %u of CPU %u is not parked and the CPU is gone",
				 set, nr);
	}
}

/* After the unparking of the threads, and before and after the parking */
static void replay_move(struct replay *replay, const struct threads_record *it)
{
	struct replay_cpu *cpu = &replay->cpu[it->cpu];
	enum threads_set set;

	switch (it->event) {
	case THREADS_PREPARE:
		cpu->away = false;
		cpu->moves = true;
		break;
	case THREADS_ONLINE:
		cpu->moves = false;
		break;
	case THREADS_GOING:
		cpu->moves = true;
		break;
	case THREADS_DEAD:
		cpu->away = true;
		cpu->moves = false;
		replay_dead(cpu, it->cpu);
		break;
	case THREADS_SETTLED:
		for (set = 0; set < THREADS_SETS; set++) {
			if (replay->phase[set] == PHASE_REGISTERED && set != THREADS_BARE &&
			    cpu->thread[set].state != REPLAY_ACTIVE)
				smp_fail("thread %u of CPU %u has run, but is parked or not set up",
					 set, it->cpu);
		}
		break;
	}
}

/* The threads are gone: what was set up was cleaned up */
static void replay_gone(struct replay *replay, const struct threads_record *it)
{
	struct replay_thread *thread;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		thread = &replay->cpu[cpu].thread[it->set];
		if (thread->state == REPLAY_ACTIVE || thread->state == REPLAY_PARKED)
			smp_fail("thread %u of CPU %u is gone without cleanup", it->set, cpu);
		memset(thread, 0, sizeof(*thread));
	}
	replay->phase[it->set] = PHASE_NONE;
}

static void replay_one(struct replay *replay, const struct threads_record *it)
{
	if (it->wrong)
		replay_wrong(replay, it, it->wrong);
	switch (it->event) {
	case THREADS_CREATE:
		replay_create(replay, it);
		break;
	case THREADS_REGISTER:
		replay->phase[it->set] = PHASE_REGISTER;
		break;
	case THREADS_REGISTERED:
		if (it->value)
			replay->phase[it->set] = PHASE_REGISTERED;
		else
			replay_gone(replay, it);
		break;
	case THREADS_UNREGISTER:
		replay->phase[it->set] = PHASE_UNREGISTER;
		break;
	case THREADS_UNREGISTERED:
		replay_gone(replay, it);
		break;
	case THREADS_PREPARE:
	case THREADS_ONLINE:
	case THREADS_GOING:
	case THREADS_DEAD:
	case THREADS_SETTLED:
		replay_move(replay, it);
		break;
	default:
		replay_callback(replay, it);
		break;
	}
}

/**
 * threads_replay - Check a record
 * @records:	the record, which begins with nothing registered
 * @nr:		number of events, more than THREADS_RECORDS if some were lost
 * @away:	CPUs that were offline when the record began
 * @counts:	returns what it came to
 */
void threads_replay(const struct threads_record *records, unsigned int nr,
		    const struct cpumask *away, struct threads_counts *counts)
{
	struct replay *replay;
	unsigned int i, cpu;

	memset(counts, 0, sizeof(*counts));
	if (nr > THREADS_RECORDS) {
		smp_fail("%u events are more than the record can hold", nr);
		return;
	}
	replay = kzalloc_flex(*replay, cpu, nr_cpu_ids);
	if (!replay) {
		smp_fail("no memory to replay the record");
		return;
	}
	replay->start = records;
	replay->counts = counts;
	for_each_cpu(cpu, away)
		replay->cpu[cpu].away = true;
	for (i = 0; i < nr; i++) {
		counts->event[records[i].event]++;
		replay_one(replay, &records[i]);
	}
	kfree(replay);
}
