/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The state machine as data: state x event -> steps, next state.
 *
 * Everything declared here is pure: no lock, no channel, no side effect.
 * step.c runs it, in one work item per channel.
 */
#ifndef _KMCL_STATE_H
#define _KMCL_STATE_H

#include <linux/types.h>

/*
 * The names are a client's. A server's are different in two cases: Enabled with
 * the run latch on is Started, and Closed is Stopped. Starting is the part of
 * Opened in which the started callback has been called, so that the suspend
 * callback must follow.
 */
#define KMCL_STATES(X)		\
	X(DISABLED, "Disabled")	\
	X(ENABLED, "Enabled")	\
	X(OPENED, "Opened")	\
	X(STARTING, "Opened")	\
	X(ACTIVE, "Active")	\
	X(PAUSED, "Paused")	\
	X(CLOSED, "Closed")

/*
 * A client's peer may be old: GPADLs must be deleted while the rings are still
 * connected. Its device may be lost: the driver was unbound, the peer does not
 * know, and it may use the memory of packets in flight until the rings are
 * disconnected.
 */
#define KMCL_EVENTS(X)						\
	X(NONE)		/* nothing to do */			\
	X(ENABLE)	/* the driver has enabled */		\
	X(LINK)		/* client: offer; server: open */	\
	X(OPEN_OK)	/* the opened callback returned 0 */	\
	X(OPEN_REFUSED)	/* the transport could not open */	\
	X(OPEN_UNDONE)	/* the opened callback failed */	\
	X(OPEN_UNDONE_OLD)	/* the same, old peer */	\
	X(START)	/* the run latch is on */		\
	X(GO)		/* the started callback returned */	\
	X(POST)		/* the gates are open */		\
	X(PAUSE)	/* the run latch is off */		\
	X(DISABLE)	/* the driver has disabled */		\
	X(DISABLE_OLD)	/* the same, old peer */		\
	X(DEAD)		/* the peer ended the link */		\
	X(LOST)		/* the device is lost */		\
	X(FREEZE)	/* client: the machine is suspended */	\
	X(FREEZE_OLD)	/* the same, old peer */		\
	X(DONE)		/* closed, the rings disconnected */	\
	X(DONE_DISABLE)	/* closed by Disable, rings connected */	\
	X(DONE_DEAD)	/* closed, the link dead, rings connected */	\
	X(DONE_FREEZE)	/* closed by the suspend of the machine */	\
	X(DONE_FREEZE_OLD)	/* the same, rings connected */

#define KMCL_STEPS(X)							\
	X(END)								\
	X(SEEK)		/* client: bind to an offer, if any */		\
	X(REVOKE)	/* server: rescind the offer */			\
	X(RETIRE)	/* server: wait until the client has unbound */	\
	X(OPEN)		/* connect the rings; opened callback */	\
	X(REFUSE)	/* server: refuse the client's open */		\
	X(CB_STARTED)							\
	X(GATES)	/* open both: send the queue, then deliver */	\
	X(CB_POST)							\
	X(SHUT)		/* close both; wait for a running delivery */	\
	X(CB_SUSPEND)							\
	X(DRAIN)	/* wait until no packet is outstanding */	\
	/* End packets in flight whose memory the peer does not use: */	\
	X(CANCEL)	/* with -ECANCELED */				\
	X(REMOVE)	/* with -ENODEV */				\
	X(GPADL_SHUT)	/* allow no GPADL to be made any more */	\
	X(WAIT_DONE)	/* wait for completion routines to return */	\
	X(CB_CLOSED)							\
	X(GPADL_END)	/* delete the GPADLs that are left */		\
	X(DISCONNECT)	/* disconnect the rings */			\
	X(RELEASE)	/* end packets whose memory was in use */	\
	X(MMIO_FREE)	/* client: give MMIO back, stay bound */	\
	X(UNBIND)	/* client: unbind the offer */			\
	X(CB_FAILURE)	/* PnP failure callback */

#define KMCL_ENUM_STATE(name, text)	KMCL_ST_##name,
#define KMCL_ENUM_EVENT(name)		KMCL_EV_##name,
#define KMCL_ENUM_STEP(name)		KMCL_DO_##name,

enum kmcl_state { KMCL_STATES(KMCL_ENUM_STATE) KMCL_ST_COUNT };
enum kmcl_event { KMCL_EVENTS(KMCL_ENUM_EVENT) KMCL_EV_COUNT };
enum kmcl_step { KMCL_STEPS(KMCL_ENUM_STEP) KMCL_DO_COUNT };

#define KMCL_MAX_STEPS	6

/**
 * struct kmcl_transition - one row of the table
 * @state: the state that the channel is in
 * @event: what can happen in it
 * @next: state once the steps have run
 * @steps: what to do, in order, ended by KMCL_DO_END
 */
struct kmcl_transition {
	u8 state;
	u8 event;
	u8 next;
	u8 steps[KMCL_MAX_STEPS + 1];
};

/**
 * struct kmcl_inputs - what callers and transports have asked for or reported
 * @enabled: the driver has enabled; cleared when Disabled is entered
 * @run: the run latch
 * @link: client: an offer is bound; server: a client waits to be opened
 * @disable: the driver has disabled
 * @dead: the peer ended the link
 * @dead_first: @dead came before @disable
 * @post: the post-started callback is due
 * @lost: client, with @dead: the device is lost, see KMCL_EVENTS
 * @old: client: the peer is an old one
 * @up: the rings are connected
 * @frozen: client: the machine is suspended, as far as the offer is concerned
 * @froze: client: that, and nothing else, has closed the channel
 */
struct kmcl_inputs {
	bool enabled;
	bool run;
	bool link;
	bool disable;
	bool dead;
	bool dead_first;
	bool post;
	bool lost;
	bool old;
	bool up;
	bool frozen;
	bool froze;
};

const struct kmcl_transition *kmcl_transition(bool server, enum kmcl_state state,
					      enum kmcl_event event);
enum kmcl_event kmcl_next_event(enum kmcl_state state,
				const struct kmcl_inputs *in);
void kmcl_arrive(bool server, enum kmcl_event ev, enum kmcl_state next,
		 struct kmcl_inputs *in);
const char *kmcl_state_text(bool server, enum kmcl_state state,
			    const struct kmcl_inputs *in);

#endif
