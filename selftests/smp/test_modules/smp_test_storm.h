/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the smp_test_storm module offers: parts of storms. Each is started, rages in
 * threads of its own, and is stopped; what it found is reported when it stops.
 * The toggler is started first and stopped last.
 */
#ifndef _SMP_TEST_STORM_H
#define _SMP_TEST_STORM_H

#include <linux/cpumask.h>

int smp_toggler_start(void);
void smp_toggler_stop(void);

int smp_stoppers_start(unsigned int nr);
void smp_stoppers_stop(void);

int smp_senders_start(const struct cpumask *targets);
void smp_senders_stop(void);

#endif /* _SMP_TEST_STORM_H */
