/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Probes on the library's tracepoints, and what they have noted.
 */
#ifndef _KMCL_TRACE_PROBES_H
#define _KMCL_TRACE_PROBES_H

#include "harness.h"

#define TRACE_VALUES	5	/* at most, besides the channel */

enum trace_event {
	EV_FETCH,
	EV_SEND,
	EV_FETCH_DONE,
	EV_QUOTA,
	EV_LIMIT,
	EV_BUDGET,
	EV_STATE,
	EV_CALLBACK,
	EV_QUEUE,
	EV_COPY,
	EV_COMPLETE,
	EV_DEFER,
	EV_FAIL,
	EV_BAD_PACKET,
	EV_GPADL,
	EV_SYNC,
	EV_COUNT,
};

/* One call of a tracepoint: its channel, and its other arguments in order */
struct trace_note {
	enum trace_event event;
	const void *ch;
	s64 value[TRACE_VALUES];
};

/* A loop with a probe on every tracepoint, and no notes yet */
int probes_init(struct kunit *test);
void probes_exit(struct kunit *test);

/* The notes of one tracepoint and channel, in order; @i from 0 on, or NULL */
const struct trace_note *probes_find(struct end *e, enum trace_event event,
				     u32 i);
s64 probes_value(struct end *e, enum trace_event event, u32 i, u32 which);
void probes_expect_values(struct end *e, enum trace_event event, u32 i,
			  const s64 value[TRACE_VALUES]);
void probes_expect_count(struct end *e, enum trace_event event, u32 count);

/* Those that are left out are 0 */
#define probes_expect(e, event, i, ...)					\
	probes_expect_values(e, event, i,				\
			    (const s64[TRACE_VALUES]) { __VA_ARGS__ })

#endif
