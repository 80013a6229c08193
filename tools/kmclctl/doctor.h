/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of kmclctl doctor share */
#ifndef KMCLCTL_DOCTOR_H
#define KMCLCTL_DOCTOR_H

#include <libkmod.h>
#include <stdbool.h>

#include "kmclctl.h"

/*
 * GOOD needs nothing, NOTE is to be known, and UNKNOWN could not be found out; only BAD
 * is in the way.
 */
enum result {
	GOOD, NOTE, UNKNOWN, BAD
};

struct doctor {
	const char *device;
	struct table *table;
	struct kmod_ctx *kmod;
	bool signatures;	/* needed on modules */
	bool bad;
};

/* A row; @advice may be NULL */
void finding(struct doctor *doctor, const char *check, enum result result,
	     const char *advice, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* secure.c */
void doctor_secure(struct doctor *doctor);
void doctor_module(struct doctor *doctor, const char *name);

#endif
