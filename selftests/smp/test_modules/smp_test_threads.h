/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The hotplug threads of the smp_test module and the record of their callbacks.
 */
#ifndef _SMP_TEST_THREADS_H
#define _SMP_TEST_THREADS_H

#include <linux/bits.h>
#include <linux/cpumask.h>
#include <linux/types.h>

struct task_struct;

/* What is registered, each a struct smp_hotplug_thread of its own */
enum threads_set {
	/* With all callbacks */
	THREADS_FULL,
	/* The same once more */
	THREADS_SECOND,
	/* Without a callback that is optional */
	THREADS_BARE,
	/* Parked and unparked by this module, not by the core */
	THREADS_SELF,
	/* With all callbacks but park() */
	THREADS_NO_PARK,
	THREADS_SETS,
};

#define THREADS_ALL	GENMASK(THREADS_SETS - 1, 0)

/* All tasks of this module that a test counts have a name that begins so */
#define THREADS_COMM	"smp_hpt"

/* No allocation fails */
#define THREADS_NO_FAULT	((struct threads_fault){ })

/**
 * struct threads_fault - an allocation that has to fail
 * @task:	task that makes it, NULL for none
 * @nth:	number of the allocation of this task
 * @left:	what was left to count afterwards; zero if it has failed
 */
struct threads_fault {
	struct task_struct	*task;
	unsigned int		nth;
	unsigned int		left;
};

enum threads_event {
	/* Callbacks of a thread */
	THREADS_CREATE,
	THREADS_SETUP,
	THREADS_SHOULD_RUN,
	THREADS_FN,
	THREADS_PARK,
	THREADS_UNPARK,
	THREADS_CLEANUP,
	/* What happens to a CPU */
	THREADS_PREPARE,
	THREADS_ONLINE,
	THREADS_GOING,
	THREADS_DEAD,
	/* What this module does; all threads of the CPU have run before SETTLED */
	THREADS_SETTLED,
	THREADS_REGISTER,
	THREADS_REGISTERED,
	THREADS_UNREGISTER,
	THREADS_UNREGISTERED,
	THREADS_EVENTS,
};

/**
 * struct threads_record - one event
 * @ns:		when
 * @task:	the task that ran
 * @thread:	the thread that was stored for the CPU, if any
 * @wrong:	what was wrong with the context, if anything
 * @cpu:	the CPU that it is about
 * @ran_on:	the CPU that it ran on
 * @event:	enum threads_event
 * @set:	enum threads_set
 * @value:	what should_run returns, the argument of cleanup, or the success
 *		of the registration
 */
struct threads_record {
	u64				ns;
	const struct task_struct	*task;
	const struct task_struct	*thread;
	const char			*wrong;
	unsigned short			cpu;
	unsigned short			ran_on;
	unsigned char			event;
	unsigned char			set;
	bool				value;
};

#define THREADS_RECORDS		65536

/**
 * struct threads_counts - what a record came to
 * @event:		how many of each event
 * @offline_cleanups:	number of cleanups for a CPU that was offline
 */
struct threads_counts {
	unsigned int	event[THREADS_EVENTS];
	unsigned int	offline_cleanups;
};

const char *threads_event_name(enum threads_event event);
void threads_replay(const struct threads_record *records, unsigned int nr,
		    const struct cpumask *away, struct threads_counts *counts);

int threads_record_begin(void);
void threads_record_end(void);
int threads_register(unsigned long sets, struct threads_fault *fault);
void threads_unregister(void);
bool threads_registered(void);

struct task_struct *threads_task(enum threads_set set, unsigned int cpu);
void threads_settle(void);
bool threads_check_parked(unsigned int cpu);
int threads_add_cpu(unsigned int cpu, struct threads_fault *fault);

void smp_threads_exit(void);

#endif /* _SMP_TEST_THREADS_H */
