// SPDX-License-Identifier: GPL-2.0
/*
 * The stack of the idle task of a CPU that comes up again. Where the KASAN shadow of
 * its frames stays poisoned is up to the compiler, so a part of the stack is
 * poisoned here while the CPU is dead. It has to be clean when the CPU is back.
 */
#include <linux/cpu.h>
#include <linux/kasan.h>
#include <linux/module.h>
#include <linux/sched/task_stack.h>
#include <linux/smp.h>

#include "smp_test.h"

#ifdef CONFIG_KASAN_GENERIC
/* What the compiler writes behind the variables of a frame */
#define STACK_POISON	0xf3
#define STACK_TRIES	1000
#define STACK_BYTES	256

static struct task_struct *stack_idle;

static void stack_find(void *unused)
{
	if (is_idle_task(current))
		stack_idle = current;
}

/* Deep in the stack, where the idle task hardly gets to */
static u8 *stack_shadow(void)
{
	return kasan_mem_to_shadow(task_stack_page(stack_idle) + THREAD_SIZE / 4);
}

static __no_sanitize_address noinline unsigned int stack_fill(u8 from, u8 to)
{
	u8 *shadow = stack_shadow();
	unsigned int i, nr = 0;

	for (i = 0; i < STACK_BYTES >> KASAN_SHADOW_SCALE_SHIFT; i++) {
		if (shadow[i] == from) {
			shadow[i] = to;
			nr++;
		}
	}
	return nr;
}

/* Before the CPU goes */
static int stack_learn(const unsigned long *arg)
{
	static struct cpumask before;
	unsigned int tries;
	int ret = 0;

	/* Not on that CPU, which would not be idle then */
	cpumask_copy(&before, current->cpus_ptr);
	set_cpus_allowed_ptr(current, cpumask_of(0));
	stack_idle = NULL;
	for (tries = 0; !ret && !stack_idle && tries < STACK_TRIES; tries++) {
		ret = smp_call_function_single(arg[0], stack_find, NULL, true);
		smp_sleep(1);
	}
	set_cpus_allowed_ptr(current, &before);
	if (ret)
		return -EINVAL;
	if (!stack_idle)
		smp_fail("CPU %lu is never idle", arg[0]);
	return 0;
}

/* While it is dead */
static int stack_poison(const unsigned long *arg)
{
	if (!stack_idle || cpu_online(task_cpu(stack_idle)))
		return -EINVAL;
	/* Otherwise stack_check() has nothing to look for */
	if (!stack_fill(0, STACK_POISON))
		smp_fail("no part of the stack can be poisoned");
	return 0;
}

/* When it is back; a stack that is not clean is cleaned */
static int stack_check(const unsigned long *arg)
{
	unsigned int nr;

	if (!stack_idle)
		return -EINVAL;
	nr = stack_fill(STACK_POISON, 0);
	if (nr)
		smp_fail("%u bytes of the shadow of the stack are stale", nr);
	return 0;
}
#endif

static const struct smp_test stack_list[] = {
#ifdef CONFIG_KASAN_GENERIC
	{ .name = "stack_learn", .run = stack_learn, .min_args = 1, .max_args = 1, },
	{ .name = "stack_poison", .run = stack_poison, },
	{ .name = "stack_check", .run = stack_check, },
#endif
	{ }
};

static struct smp_tests stack_tests = {
	.test = stack_list,
};

static int __init stack_init(void)
{
	smp_tests_register(&stack_tests);
	return 0;
}
module_init(stack_init);

static void __exit stack_exit(void)
{
	smp_tests_unregister(&stack_tests);
}
module_exit(stack_exit);

MODULE_DESCRIPTION("Tests of the stack of a CPU that comes up again");
MODULE_LICENSE("GPL");
