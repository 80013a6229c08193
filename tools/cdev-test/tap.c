// SPDX-License-Identifier: GPL-2.0
/*
 * Results, as TAP.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

unsigned int tap_failed;

static unsigned int checks;

void tap_check(bool good, const char *file, int line, const char *fmt, ...)
{
	va_list args;

	checks++;
	if (good)
		return;
	/* Of those that are good the plan says enough */
	tap_failed++;
	printf("not ok %u - %s:%d: ", checks, strrchr(file, '/') + 1, line);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

void tap_plan(void)
{
	printf("%s 1..%u\n", tap_failed ? "not ok" : "ok", checks);
}

void die(const char *what)
{
	printf("not ok %u - Bail out! %s: %s\n", checks + 1, what,
	       strerror(errno));
	exit(1);
}
