// SPDX-License-Identifier: GPL-2.0
/*
 * Messages, on standard error. If that is the journal, each begins with its priority,
 * as sd-daemon(3) says.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "fcopyd.h"

void log_line(int priority, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>", priority);
	else
		fputs("kmcl-fcopyd: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}
