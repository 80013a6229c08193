/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The state machine as data: state x event -> steps, next state.
 *
 * Everything declared here is pure: no lock, no channel, no side effect.
 * step.c runs it, once per channel at a time.
 */
#ifndef _KMCL_STATE_H
#define _KMCL_STATE_H

#include <linux/types.h>

/*
 * The name is the client's; a server calls Enabled with the run latch on
 * Started, and Closed Stopped. Starting is the part of Opened in which the
 * started callback has been called and has its suspend callback due.
 */
#define KMCL_STATES(X)		\
	X(DISABLED, "Disabled")	\
	X(ENABLED, "Enabled")	\
	X(OPENED, "Opened")	\
	X(STARTING, "Opened")	\
	X(ACTIVE, "Active")	\
	X(PAUSED, "Paused")	\
	X(CLOSED, "Closed")

#define KMCL_EVENTS(X)						\
	X(NONE)		/* nothing to do */			\
	X(ENABLE)	/* the driver has enabled */		\
	X(LINK)		/* client: offer; server: open */	\
	X(OPEN_OK)	/* the opened callback agreed */	\
	X(OPEN_REFUSED)	/* the transport could not open */	\
	X(OPEN_UNDONE)	/* the opened callback did not agree */	\
	X(START)	/* the run latch is on */		\
	X(GO)		/* the started callback returned */	\
	X(POST)		/* the gates are open */		\
	X(PAUSE)	/* the run latch is off */		\
	X(DISABLE)	/* the driver has disabled */		\
	X(DEAD)		/* the other side ended the link */	\
	X(DONE_DISABLE)	/* close path, after Disable */		\
	X(DONE_DEAD)	/* close path, after a dead link */

#define KMCL_STEPS(X)							\
	X(END)								\
	X(SEEK)		/* client: bind to an offer, if any */		\
	X(PUBLISH)	/* server: put the offer on the bus */		\
	X(REVOKE)	/* server: take the offer back */		\
	X(WAIT_PEER)	/* server: until the client has let go */	\
	X(OPEN)		/* connect the rings; opened callback */	\
	X(REFUSE)	/* server: tell the client no */		\
	X(CB_STARTED)							\
	X(GATES)	/* queued packets move, then delivery */	\
	X(CB_POST)							\
	X(SHUT)		/* both gates; wait for a running delivery */	\
	X(CB_SUSPEND)							\
	X(DRAIN)	/* until no incoming packet is outstanding */	\
	X(CANCEL)	/* in-flight packets end with -ECANCELED */	\
	X(REMOVE)	/* in-flight packets end with -ENODEV */	\
	X(CLOSE)	/* disconnect the rings */			\
	X(CB_CLOSED)							\
	X(UNBIND)	/* let go of the offer */			\
	X(CB_FAILURE)	/* PnP failure callback */

#define KMCL_ENUM_STATE(name, text)	KMCL_ST_##name,
#define KMCL_ENUM_EVENT(name)		KMCL_EV_##name,
#define KMCL_ENUM_STEP(name)		KMCL_DO_##name,

enum kmcl_state { KMCL_STATES(KMCL_ENUM_STATE) KMCL_ST_COUNT };
enum kmcl_event { KMCL_EVENTS(KMCL_ENUM_EVENT) KMCL_EV_COUNT };
enum kmcl_step { KMCL_STEPS(KMCL_ENUM_STEP) KMCL_DO_COUNT };

#define KMCL_MAX_STEPS	6

/**
 * struct kmcl_transition - one entry of the table
 * @valid: the event can happen in this state
 * @next: state once the steps have run
 * @steps: what to do, in order, ended by KMCL_DO_END
 */
struct kmcl_transition {
	bool valid;
	u8 next;
	u8 steps[KMCL_MAX_STEPS + 1];
};

/**
 * struct kmcl_inputs - what callers and transports have asked for or reported
 * @enabled: from enable to the arrival in Disabled
 * @run: the run latch
 * @link: client: an offer is bound; server: a client waits to be opened
 * @disable: a local disable is due
 * @dead: the other side ended the link
 * @dead_first: @dead came before @disable
 * @post: the post-started callback is due
 */
struct kmcl_inputs {
	bool enabled;
	bool run;
	bool link;
	bool disable;
	bool dead;
	bool dead_first;
	bool post;
};

const struct kmcl_transition *kmcl_transition(bool server, enum kmcl_state state,
					      enum kmcl_event event);
enum kmcl_event kmcl_next_event(enum kmcl_state state,
				const struct kmcl_inputs *in);
const char *kmcl_state_text(bool server, enum kmcl_state state,
			    const struct kmcl_inputs *in);

#endif
