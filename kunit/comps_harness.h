/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For suites of what a client's callbacks make and send while a batch is delivered.
 * The test is the peer: it asks for completions, and looks at what is in the ring.
 */
#ifndef _KMCL_COMPS_HARNESS_H
#define _KMCL_COMPS_HARNESS_H

#include "fake_transport.h"

#define BATCH	20
#define PACKET	1000	/* added to the value of a packet, in the order of things */

struct comps_fixture {
	u32 sent_early;		/* completions in the ring, at the last callback */
	u32 visible;		/* what the peer was shown, then */
	unsigned long tick;	/* when the peer asked */
	bool ticked;		/* it was another one in a callback: they do not wait */
	bool go;
	bool gone;
};

extern struct comps_fixture comps_fx;

/* Does @condition become true while this processor does nothing else? */
#define spin_until(condition)						\
	({								\
		unsigned long _end = jiffies + LOOP_LIMIT;		\
		bool _true;						\
									\
		while (!(_true = (condition)) &&			\
		       time_before(jiffies, _end))			\
			cpu_relax();					\
		_true;							\
	})

int comps_init(struct kunit *test);

/* The peer asks @count times more; the first ids are 1, 2, ... */
void comps_ask(struct loop *loop, u32 count);
void comps_ask_and_wait(struct loop *loop, u32 count);
bool comps_idle(struct kmcl_channel *ch);
/* The next thing in the ring: a completion's id, or PACKET and a packet's value */
u64 comps_next(struct kunit *test);
/* Completions @first to @last */
void comps_expect_next(struct kunit *test, u64 first, u64 last);
void comps_expect_nothing_left(struct kunit *test);
/* Room for so many completions is left in the ring, in which nothing is */
void comps_leave_room(u32 count);
void comps_read_all(void);

/* Callbacks: complete the packet, and record what is in the ring */
void comps_end_empty(struct end *e, struct kmcl_context *ctx, u64 value);
/* The same; the gate closes during the fifth: no more is delivered */
void comps_until_shut(struct end *e, struct kmcl_context *ctx, u64 value);
/* The peer asks BATCH times; a thread does one of these during the fifth callback */
void comps_shut(struct kunit *test, void (*how)(void *data));
void comps_pause(void *data);
void comps_disable(void *data);
void comps_free(void *data);

#endif
