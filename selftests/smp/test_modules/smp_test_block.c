// SPDX-License-Identifier: GPL-2.0
/*
 * Keep CPUs from coming and going until told otherwise, as a PCI probe or the
 * begin of a suspend does for a moment.
 */
#include <linux/cpu.h>

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
	smp_block_exit();
	return 0;
}

/**
 * smp_block_exit - Allow CPU hotplug again if a test has left it blocked
 */
void smp_block_exit(void)
{
	if (block_held)
		cpu_hotplug_enable();
	block_held = false;
}

const struct smp_test smp_block_tests[] = {
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
