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
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/io.h>
#include <unistd.h>

#define PORT	0x4b4d
#define LENGTH	512
/* What is written at once */
#define WIDTH	sizeof(uint32_t)
/* What is read at once. KVM takes so much, within a page, for one exit. */
#define BLOCK	1024

/* Without ioperm() in the kernel: /dev/port. */
static int device = -1;

/* Each exit of the guest takes long, so few of them. @length: a multiple of WIDTH */
static int put(const char *line, size_t length)
{
	uint32_t word;
	size_t i;

	if (device < 0) {
		for (i = 0; i < length; i += WIDTH) {
			memcpy(&word, line + i, WIDTH);
			outl(word, PORT);
		}
		return 0;
	}
	for (i = 0; i < length; i++)
		if (pwrite(device, line + i, 1, PORT) != 1)
			return -1;
	return 0;
}

/* Bytes behind the end of the answer are 0. Return: how many bytes were read, or -1 */
static ssize_t get(char *block)
{
	if (device < 0) {
		unsigned long count = BLOCK;
		char *at = block;

		/* KVM loses what it has read if the page is not there */
		memset(block, 0, BLOCK);
		__asm__ volatile("rep insb" : "+D"(at), "+c"(count)
				 : "d"((unsigned short)PORT) : "memory");
		return BLOCK;
	}
	return pread(device, block, 1, PORT) == 1 ? 1 : -1;
}

int main(int argc, char **argv)
{
	static char block[BLOCK] __attribute__((aligned(BLOCK)));
	char line[LENGTH + WIDTH] = "", start[2] = "";
	size_t length = 0, at = 0, text;
	ssize_t got;
	int arg, lock;

	for (arg = 1; arg < argc; arg++) {
		length += snprintf(line + length, LENGTH - length, "%s%s",
				   arg > 1 ? " " : "", argv[arg]);
		if (length >= LENGTH - 1 || strchr(argv[arg], '\n')) {
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
	if (ioperm(PORT, WIDTH, 1)) {
		device = open("/dev/port", O_RDWR | O_CLOEXEC);
		if (device < 0) {
			perror("vmbhostctl: neither ioperm() nor /dev/port");
			return 2;
		}
	}

	while (length % WIDTH != WIDTH - 1)
		line[length++] = ' ';
	line[length++] = '\n';
	if (put(line, length))
		goto failed;
	do {
		got = get(block);
		if (got < 0)
			goto failed;
		/* No such port: not vmbhost. */
		if ((unsigned char)block[0] == 0xff) {
			fprintf(stderr, "vmbhostctl: this is no guest of vmbhost\n");
			return 2;
		}
		text = strnlen(block, got);
		if (at < sizeof(start))
			memcpy(start + at, block,
			       text < sizeof(start) - at ? text : sizeof(start) - at);
		at += text;
		fwrite(block, 1, text, stdout);
	} while (text == (size_t)got);
	return fflush(stdout) || memcmp(start, "ok", 2) ? 1 : 0;
failed:
	perror("vmbhostctl: /dev/port");
	return 2;
}
