// SPDX-License-Identifier: GPL-2.0
/*
 * Loads the kernel that follows this one, and starts it: what kexec(8) does with its
 * option -s, without the libraries of Xen that a distribution's kexec needs. For a
 * guest that has only this program.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/kexec.h>
#include <linux/reboot.h>
#include <sys/syscall.h>

static int failed(const char *what)
{
	fprintf(stderr, "kexec_next: %s: %s\n", what, strerror(errno));
	return 1;
}

static int load(const char *kernel, const char *initrd, const char *line,
		unsigned long flags)
{
	int kernel_fd = open(kernel, O_RDONLY | O_CLOEXEC);
	int initrd_fd = open(initrd, O_RDONLY | O_CLOEXEC);

	if (kernel_fd < 0)
		return failed(kernel);
	if (initrd_fd < 0)
		return failed(initrd);
	if (syscall(SYS_kexec_file_load, kernel_fd, initrd_fd, strlen(line) + 1,
		    line, flags))
		return failed("kexec_file_load");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "start")) {
		syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
			LINUX_REBOOT_CMD_KEXEC, NULL);
		return failed("reboot");
	}
	if (argc == 5 && !strcmp(argv[1], "load"))
		return load(argv[2], argv[3], argv[4], 0);
	if (argc == 5 && !strcmp(argv[1], "crash"))
		return load(argv[2], argv[3], argv[4], KEXEC_FILE_ON_CRASH);
	fputs("usage: kexec_next start | load KERNEL INITRD WORDS | crash KERNEL INITRD WORDS\n",
	      stderr);
	return 2;
}
