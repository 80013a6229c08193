// SPDX-License-Identifier: GPL-2.0
/*
 * Commands to tools/vmbhost, by its control port: see its control.c.
 *
 * Process context, one at a time.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "bench.h"

#define BENCH_PORT	0x4b4d
#define BENCH_LINE	128

/**
 * bench_host() - have the host do something
 * @format: a command; an empty one only waits until the host is at rest
 *
 * Return: 0, or -EIO if the host says that it cannot, or is another one.
 */
int bench_host(const char *format, ...)
{
	char line[BENCH_LINE], answer[BENCH_LINE];
	size_t length = 0;
	va_list args;
	char *p, c;

	va_start(args, format);
	vscnprintf(line, sizeof(line), format, args);
	va_end(args);
	for (p = line; *p; p++)
		outb(*p, BENCH_PORT);
	outb('\n', BENCH_PORT);
	while ((c = inb(BENCH_PORT)) && c != '\xff')
		if (length < sizeof(answer) - 1)
			answer[length++] = c;
	answer[length] = 0;
	if (str_has_prefix(answer, "ok"))
		return 0;
	pr_err("'%s': the host says '%s'\n", line, strim(answer));
	return -EIO;
}
