/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Waiting for what a channel counts, when nothing wakes the harness up.
 */
#ifndef _KMCL_TEST_POLL_H
#define _KMCL_TEST_POLL_H

#include <linux/iopoll.h>

#include "harness.h"

/* Until the end's counters, as *c, fulfil @condition; within a time limit */
#define loop_poll(e, condition)						\
	do {								\
		struct end *_p = (e);					\
		const struct kmcl_counters *c;				\
									\
		KUNIT_ASSERT_EQ(_p->loop->test, 0,			\
				read_poll_timeout(loop_snapshot, c,	\
						  condition, 1000,	\
						  jiffies_to_usecs(LOOP_LIMIT), \
						  false, _p));		\
	} while (0)

#endif
