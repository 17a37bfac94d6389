// SPDX-License-Identifier: GPL-2.0
/*
 * Sets of CPUs that go down and come up, as cpuhp_sets() takes them: the CPUs of a
 * set cease to be active together, after which there is one grace period, and go
 * through the other states one by one. Any step can fail.
 *
 * CPU 0 stays. CPUs 0 and 1 are the threads of a core, and so are 2 and 3. A task
 * is woken again and again, on a CPU that was active when it was chosen. A reader
 * looks whenever nobody holds the hotplug lock for writing.
 *
 * Whatever fails, afterwards
 *	no CPU is online without being active, or active without being online,
 *	the scheduling domains hold the active CPUs,
 *	sched_smt_present counts the cores with two active threads,
 *	an error was returned exactly if a CPU is not where it should be,
 *	and no task has been on a dead CPU.
 *
 * Without one of these parts that is not so, as spin has to find out:
 * Twin: NO_GRACE_PERIOD	a wake-up that began before is not waited for
 * Twin: NO_REACTIVATION	CPUs that have not started when another one fails stay inactive
 * Twin: REACTIVATE_DEAD	those that are dead by then become active, too
 * Twin: SMT_AFTERWARDS		the threads are counted when all CPUs have ceased to be active
 * Twin: ERROR_LOST		the reactivation returns what the caller gets
 * Twin: CHECK_ONE_BY_ONE	a CPU ceases to be active before the next one is checked
 */
#define NR_CPUS		4
#define NR_CALLS	3
#define NR_FAILURES	2

#define SIBLING(cpu)	((cpu) ^ 1)
#define IN(cpu, mask)	(((mask) >> (cpu)) & 1)

bool online[NR_CPUS] = true;
bool is_active[NR_CPUS] = true;
bool in_domains[NR_CPUS] = true;
byte smt_present = 2;
bool locked;
byte failures;

/* The task: in a read-side section from the choice of a CPU until it is queued there */
bool waking;
byte task_cpu;

inline may_fail(err)
{
	if
	:: err = false
	:: failures < NR_FAILURES -> failures++; err = true
	fi
}

inline rebuild_domains()
{
	in_domains[0] = is_active[0];
	in_domains[1] = is_active[1];
	in_domains[2] = is_active[2];
	in_domains[3] = is_active[3]
}

inline smt_dec(cpu)
{
	if
	:: is_active[SIBLING(cpu)] -> smt_present--
	:: else
	fi
}

inline smt_inc(cpu)
{
	if
	:: is_active[SIBLING(cpu)] -> smt_present++
	:: else
	fi
}

inline activate(mask)
{
	cpu = 1;
	do
	:: cpu < NR_CPUS ->
		if
		:: IN(cpu, mask) -> smt_inc(cpu); is_active[cpu] = true
		:: else
		fi;
		cpu++
	:: else -> break
	od;
	rebuild_domains()
}

/* Nothing may have changed when this fails */
inline deactivate(mask, err)
{
#ifndef CHECK_ONE_BY_ONE
	may_fail(err);
#endif
	cpu = 1;
	do
	:: cpu < NR_CPUS && !err ->
		if
		:: IN(cpu, mask) ->
#ifdef CHECK_ONE_BY_ONE
			may_fail(err);
			if
			:: err -> break
			:: else
			fi;
#endif
			is_active[cpu] = false;
#ifndef SMT_AFTERWARDS
			smt_dec(cpu)
#endif
		:: else
		fi;
		cpu++
	:: else -> break
	od;
#ifdef SMT_AFTERWARDS
	cpu = 1;
	do
	:: cpu < NR_CPUS ->
		if
		:: IN(cpu, mask) -> smt_dec(cpu)
		:: else
		fi;
		cpu++
	:: else -> break
	od;
#endif
	if
	:: err
	:: else ->
#ifndef NO_GRACE_PERIOD
		!waking;
#endif
		rebuild_domains()
	fi
}

/* The states below: the tasks are pushed away, and then the CPU dies */
inline down_one(err)
{
	may_fail(err);
	if
	:: err
	:: else ->
		if
		:: task_cpu == cpu -> task_cpu = 0
		:: else
		fi;
		online[cpu] = false
	fi
}

inline up_one(err)
{
	may_fail(err);
	if
	:: err
	:: else -> online[cpu] = true
	fi
}

inline down(mask, ret)
{
	left = 0;
	deactivate(mask, ret);
	if
	:: ret
	:: else ->
		left = mask;
		cpu = NR_CPUS - 1;
		do
		:: cpu > 0 && !ret ->
			if
			:: IN(cpu, mask) ->
				down_one(ret);
#ifndef REACTIVATE_DEAD
				if
				:: !ret -> left = left & ~(1 << cpu)
				:: else
				fi
#endif
			:: else
			fi;
			cpu--
		:: else -> break
		od;
#ifdef REACTIVATE_DEAD
		if
		:: !ret -> left = 0
		:: else
		fi;
#endif
#ifndef NO_REACTIVATION
		if
		:: left -> activate(left)
		:: else
		fi;
#endif
#ifdef ERROR_LOST
		ret = false;
#endif
		/* Not to jump into the d_step that follows */
		skip
	fi
}

inline up(mask, ret)
{
	left = 0;
	cpu = 1;
	do
	:: cpu < NR_CPUS && !ret ->
		if
		:: IN(cpu, mask) ->
			up_one(ret);
			if
			:: !ret -> left = left | (1 << cpu)
			:: else
			fi
		:: else
		fi;
		cpu++
	:: else -> break
	od;
	if
	:: left -> activate(left)
	:: else
	fi
}

inline check()
{
	assert(online[0] == is_active[0] && online[1] == is_active[1]);
	assert(online[2] == is_active[2] && online[3] == is_active[3]);
	assert(in_domains[0] == is_active[0] && in_domains[1] == is_active[1]);
	assert(in_domains[2] == is_active[2] && in_domains[3] == is_active[3]);
	assert(smt_present == (is_active[0] && is_active[1]) + (is_active[2] && is_active[3]))
}

active proctype control()
{
	byte calls, cpu, set, left;
	bool ret, bringup, wrong;

	do
	:: calls < NR_CALLS ->
		calls++;
		ret = false;
		select(set : 1..7);
		set = set << 1;
		if
		:: bringup = true
		:: bringup = false
		fi;
		/* Those that are there already are skipped */
		d_step {
			cpu = 1;
			do
			:: cpu < NR_CPUS ->
				if
				:: online[cpu] == bringup -> set = set & ~(1 << cpu)
				:: else
				fi;
				cpu++
			:: else -> break
			od
		}
		locked = true;
		if
		:: set == 0
		:: set && bringup -> up(set, ret)
		:: set && !bringup -> down(set, ret)
		fi;
		d_step {
			check();
			wrong = false;
			cpu = 1;
			do
			:: cpu < NR_CPUS ->
				if
				:: IN(cpu, set) && online[cpu] != bringup -> wrong = true
				:: else
				fi;
				cpu++
			:: else -> break
			od;
			assert(ret == wrong)
		}
		locked = false
	:: else -> break
	od
}

active proctype waker()
{
	byte where;

end:
	do
	:: atomic {
		waking = true;
		if
		:: is_active[0] -> where = 0
		:: is_active[1] -> where = 1
		:: is_active[2] -> where = 2
		:: is_active[3] -> where = 3
		fi
	   };
	   atomic {
		assert(online[where]);
		task_cpu = where;
		waking = false
	   }
	od
}

active proctype reader()
{
end:
	do
	:: atomic { !locked -> check() }
	od
}
