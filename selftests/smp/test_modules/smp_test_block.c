// SPDX-License-Identifier: GPL-2.0
/*
 * Keep CPUs from coming and going until told otherwise, as a PCI probe or the
 * begin of a suspend does for a moment.
 */
#include <linux/cpu.h>
#include <linux/module.h>

#include "smp_test.h"

static bool block_held;

static int block_hotplug(const unsigned long *arg)
{
	if (!block_held)
		cpu_hotplug_disable();
	block_held = true;
	return 0;
}

static int block_release(const unsigned long *arg)
{
	if (block_held)
		cpu_hotplug_enable();
	block_held = false;
	return 0;
}

static const struct smp_test block_tests[] = {
	{
		.name		= "block_hotplug",
		.run		= block_hotplug,
	},
	{
		.name		= "block_release",
		.run		= block_release,
	},
	{ }
};

static struct smp_tests tests = { .test = block_tests };

static int __init smp_test_block_init(void)
{
	smp_tests_register(&tests);
	return 0;
}
module_init(smp_test_block_init);

static void __exit smp_test_block_exit(void)
{
	smp_tests_unregister(&tests);
	block_release(NULL);
}
module_exit(smp_test_block_exit);

MODULE_DESCRIPTION("Keep CPUs from coming and going");
MODULE_LICENSE("GPL");
