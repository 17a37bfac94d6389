// SPDX-License-Identifier: GPL-2.0
/*
 * init of the guests of ci/kexec: load /kernel, and start it by kexec.
 *
 * The command line of the kernel says more: the CPUs of off=4,5 go offline before, and
 * early=NAME is the early console of the new kernel.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/kexec.h>
#include <linux/reboot.h>

#define CPU_DIR "/sys/devices/system/cpu/"

static void die(const char *what)
{
	printf("guest: %s failed, errno %d\n", what, errno);
	reboot(LINUX_REBOOT_CMD_RESTART);
	for (;;)
		sleep(1);
}

static void show_online(void)
{
	static char list[256];
	int fd = open(CPU_DIR "online", O_RDONLY);
	int n = read(fd, list, sizeof(list) - 1);

	if (n <= 0)
		die("reading " CPU_DIR "online");
	list[n - 1] = 0;
	printf("guest: online: %s\n", list);
	close(fd);
}

static void take_off(char *cpus)
{
	static char path[64];
	char *cpu, *end;
	int fd;

	for (cpu = cpus; cpu; cpu = end) {
		end = strchr(cpu, ',');
		if (end)
			*end++ = 0;
		snprintf(path, sizeof(path), CPU_DIR "cpu%s/online", cpu);
		fd = open(path, O_WRONLY);
		if (fd < 0 || write(fd, "0", 1) != 1)
			die(path);
		close(fd);
	}
	show_online();
}

int main(int argc, char **argv, char **envp)
{
	/* The new kernel has no initrd, so it panics, and reboots */
	static char line[256] = "panic=-1 second";
	int fd = open("/kernel", O_RDONLY);
	size_t len;

	if (fd < 0)
		die("opening /kernel");
	mkdir("/sys", 0755);
	if (mount("none", "/sys", "sysfs", 0, NULL))
		die("mounting sysfs");
	show_online();
	/* The kernel hands on what it does not know: NAME=VALUE as environment */
	for (; *envp; envp++) {
		if (!strncmp(*envp, "off=", 4))
			take_off(*envp + 4);
		if (!strncmp(*envp, "early=", 6))
			snprintf(line, sizeof(line), "panic=-1 second earlycon=%s", *envp + 6);
	}
	/* A call among the arguments would change the registers of the others */
	len = strlen(line) + 1;
	if (syscall(__NR_kexec_file_load, fd, -1, len, line, KEXEC_FILE_NO_INITRAMFS))
		die("kexec_file_load()");
	/* What was started before is over by then */
	sleep(2);
	printf("guest: kexec\n");
	reboot(LINUX_REBOOT_CMD_KEXEC);
	die("kexec");
	return 1;
}
