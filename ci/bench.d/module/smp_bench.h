/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the smp_bench module share: how a measurement is called and
 * how it tells its figures.
 */
#ifndef _SMP_BENCH_H
#define _SMP_BENCH_H

#include <linux/types.h>

/**
 * struct bench - one name that can be written to the run file
 * @name:	the name
 * @run:	measures in the context of the writer, with the arguments that were
 *		given
 * @min_args:	number of arguments that must be given
 * @max_args:	number of arguments that can be given; those left out are zero
 *
 * An error of @run becomes that of the write.
 */
struct bench {
	const char	*name;
	int		(*run)(const unsigned long *arg);
	unsigned int	min_args;
	unsigned int	max_args;
};

/* Lists end with an entry without a name */
extern const struct bench bench_time_list[];
extern const struct bench bench_queue_list[];

#define BENCH_CALLS_MAX		1000000UL

/* Exported for the torture tests, declared in a header of kernel/rcu only */
unsigned long rcu_get_gp_seq(void);
unsigned long rcu_exp_batches_completed(void);

void bench_figure(const char *name, u64 value, const char *unit);
u64 *bench_samples(unsigned long nr);
void bench_sort(u64 *ns, unsigned long nr);
u64 bench_percentile(const u64 *sorted, unsigned long nr, unsigned int percent);
int bench_move(unsigned long target);
void bench_move_back(void);

#endif /* _SMP_BENCH_H */
