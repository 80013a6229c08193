/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A transport that is the test itself, with one device, and the rings that the
 * client of the harness opens there: the test is its other side.
 *
 * The operations run on the library's workqueue, one channel's at a time, and
 * signals in any context; the tests look at the counts when nothing runs any more.
 */
#ifndef _KMCL_FAKE_TRANSPORT_H
#define _KMCL_FAKE_TRANSPORT_H

#include "harness.h"
#include "ring_fixture.h"

#define FAKE_RING_BYTES	(16 * PAGE_SIZE)

struct fake_transport {
	struct ring_fixture *out;	/* the channel writes */
	struct ring_fixture *in;	/* the test writes */
	struct kmcl_offer *offer;
	guid_t watched;
	int watch_result;
	bool watch_once;		/* only the first call fails */
	int open_result;
	bool library_memory;		/* for rings without traffic */
	bool keep;			/* it is not given back, once */
	bool dirty;			/* there was something in it */
	struct kmcl_ring_block had;	/* as it was at the last opening */
	bool gpadls_first;
	bool private;			/* the test cannot access memory */
	struct completion *open_waits;	/* before it has opened */
	struct completion *close_waits;	/* before it closes */
	struct completion *settle_waits;	/* before it has settled */
	struct completion *release_waits;	/* after the offer is gone */
	struct completion *back_waits;	/* while a device is given back */
	int watches;
	int watches_only;		/* of these, without looking */
	int unwatches;
	int looks;
	int settles;			/* for one class */
	int settles_all;
	int given_back;
	int opens;
	int closes;
	int releases;
	int signals;
	int fulls;
	int first_fulls;
	int mmio_frees;
	bool hold_signal;		/* in the signal operation */
	bool signalling;
	bool closed_early;		/* while that ran */
	int closes_at_done;
	struct kmcl_packet *meanwhile;	/* sent by the next signal */
	struct kmcl_packet *done[2];
	unsigned int ndone;
	int status;
};

extern struct fake_transport fake;
extern const struct kmcl_transport_ops fake_ops;

int fake_init(struct kunit *test);
/* The same with rings of the library's memory, of so many pages, and registered */
int fake_rings_init(struct kunit *test, u32 in, u32 out);
void fake_exit(struct kunit *test);

/* The rings that were connected last have so many pages */
void fake_expect_rings(struct kunit *test, u32 out, u32 in);

void fake_offer(struct loop *loop);
void fake_up(struct loop *loop);	/* offered, and the client runs */
/* Offered if it is claimed, and kept in fake.offer; the transport's result */
int fake_claim(const guid_t *type, const guid_t *instance);
/* The other side writes a packet, or a completion, and interrupts */
void fake_packet(struct loop *loop, u64 value);
void fake_completion(struct loop *loop, u64 trans_id);
void fake_packet_wanted(struct loop *loop, u64 value);	/* a completion, too */
/* Keep whoever signals inside, until this says false */
void fake_hold_signal(bool hold);
bool fake_signalling(void);
void fake_interrupt(void);
/* Completion routine of the client's packets; records its arguments */
void fake_done(struct kmcl_packet *pkt, int status, void *buf, u32 len);

#endif
