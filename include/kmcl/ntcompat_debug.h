/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages and assertions. Messages may be printed in any context.
 */
#ifndef _KMCL_NTCOMPAT_DEBUG_H
#define _KMCL_NTCOMPAT_DEBUG_H

#include <linux/bug.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/stdarg.h>

#include "ntcompat_status.h"
#include "ntcompat_types.h"

/* Components, all of which are printed alike */
#define DPFLTR_DEFAULT_ID	101
#define DPFLTR_IHVDRIVER_ID	77
#define DPFLTR_IHVBUS_ID	78

#define DPFLTR_ERROR_LEVEL	0
#define DPFLTR_WARNING_LEVEL	1
#define DPFLTR_TRACE_LEVEL	2
#define DPFLTR_INFO_LEVEL	3

/* Linux' level for one of Windows', as at the start of a message */
static inline const char *kmcl_nt_loglevel(ULONG Level)
{
	switch (Level) {
	case DPFLTR_ERROR_LEVEL:
		return KERN_ERR;
	case DPFLTR_WARNING_LEVEL:
		return KERN_WARNING;
	case DPFLTR_INFO_LEVEL:
		return KERN_INFO;
	default:
		return KERN_DEBUG;
	}
}

/**
 * DbgPrintEx() - print a message
 * @ComponentId: not used
 * @Level: DPFLTR_ERROR_LEVEL, DPFLTR_WARNING_LEVEL and DPFLTR_INFO_LEVEL are
 *	those of Linux; what is another number, or a mask of bits, is for debugging
 * @Format: printk()'s: the compiler checks it, and reports what only Windows has,
 *	as %I64u, %wZ and %ws
 * @...: what it prints
 *
 * Context: any.
 * Return: STATUS_SUCCESS.
 */
static inline __printf(3, 4) ULONG
DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...)
{
	struct va_format vaf = { .fmt = Format };
	va_list args;

	va_start(args, Format);
	vaf.va = &args;
	_printk("%s%pV", kmcl_nt_loglevel(Level), &vaf);
	va_end(args);
	return STATUS_SUCCESS;
}

/**
 * DbgPrint() - print a message for debugging
 * @...: as for DbgPrintEx(), from its format on
 *
 * Context: any.
 * Return: STATUS_SUCCESS.
 */
#define DbgPrint(...) \
	DbgPrintEx(DPFLTR_DEFAULT_ID, DPFLTR_TRACE_LEVEL, __VA_ARGS__)

/* In two pairs of parentheses, as on Windows; printed in each build */
#define KdPrint(arguments)	((void)DbgPrint arguments)
#define KdPrintEx(arguments)	((void)DbgPrintEx arguments)

/**
 * PAGED_CODE() - check that this function may sleep
 *
 * Context: PASSIVE. Kernel code is never paged out; what may be called where that
 * would be allowed is what may sleep, and a debug kernel reports where it may not.
 */
#define PAGED_CODE()		might_sleep()

/**
 * NT_ASSERT() - check what should be true
 * @expression: evaluated in each build
 *
 * Context: any. A warning with a backtrace if it is false, and the code goes on.
 * Return: whether it is true.
 */
#define NT_ASSERT(expression)	(!WARN_ON_ONCE(!(expression)))

#ifndef ASSERT
#define ASSERT(expression)	((void)NT_ASSERT(expression))
#endif

#endif
