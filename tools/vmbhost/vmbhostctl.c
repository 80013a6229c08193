// SPDX-License-Identifier: GPL-2.0
/*
 * vmbhostctl COMMAND...: asks vmbhost, from inside its guest.
 *
 * Sends its arguments as a line of the control language (see control.c), prints
 * the answer, and exits with 0 if the answer begins with "ok", with 1 if it
 * does not, with 2 if the host could not be asked. Needs root. Two of them at
 * the same time take turns.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/io.h>
#include <unistd.h>

#define PORT	0x4b4d
#define LENGTH	512

/* Without ioperm() in the kernel: /dev/port. */
static int device = -1;

static int put(unsigned char byte)
{
	if (device < 0) {
		outb(byte, PORT);
		return 0;
	}
	return pwrite(device, &byte, 1, PORT) == 1 ? 0 : -1;
}

static int get(unsigned char *byte)
{
	if (device < 0) {
		*byte = inb(PORT);
		return 0;
	}
	return pread(device, byte, 1, PORT) == 1 ? 0 : -1;
}

int main(int argc, char **argv)
{
	char line[LENGTH] = "", start[2] = "";
	size_t length = 0, i;
	unsigned char byte;
	int arg, lock;

	for (arg = 1; arg < argc; arg++) {
		length += snprintf(line + length, sizeof(line) - length, "%s%s",
				   arg > 1 ? " " : "", argv[arg]);
		if (length >= sizeof(line) - 1 || strchr(argv[arg], '\n')) {
			fprintf(stderr, "vmbhostctl: the line is too long, or more than one\n");
			return 2;
		}
	}
	if (!length) {
		fprintf(stderr, "usage: vmbhostctl COMMAND...\n");
		return 2;
	}

	lock = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (lock >= 0)
		flock(lock, LOCK_EX);
	if (ioperm(PORT, 1, 1)) {
		device = open("/dev/port", O_RDWR | O_CLOEXEC);
		if (device < 0) {
			perror("vmbhostctl: neither ioperm() nor /dev/port");
			return 2;
		}
	}

	line[length++] = '\n';
	for (i = 0; i < length; i++)
		if (put(line[i]))
			goto failed;
	for (i = 0;; i++) {
		if (get(&byte))
			goto failed;
		if (!byte)
			break;
		/* No such port: not vmbhost. */
		if (byte == 0xff) {
			fprintf(stderr, "vmbhostctl: this is no guest of vmbhost\n");
			return 2;
		}
		if (i < sizeof(start))
			start[i] = byte;
		putchar(byte);
	}
	return fflush(stdout) || memcmp(start, "ok", 2) ? 1 : 0;
failed:
	perror("vmbhostctl: /dev/port");
	return 2;
}
