// SPDX-License-Identifier: GPL-2.0
/*
 * The transition table of a channel, client and server.
 *
 * Pure data and functions without side effects; no locking of their own.
 */
#include <linux/kernel.h>

#include "state.h"

#define S(name)	KMCL_DO_##name

/* In this state, on this event: these steps, then the next state */
#define ROW(st, ev, nxt, ...)					\
	{							\
		.state = KMCL_ST_##st, .event = KMCL_EV_##ev,	\
		.next = KMCL_ST_##nxt, .steps = { __VA_ARGS__ },	\
	}

/* The rows that both endpoints have */
static const struct kmcl_transition common_rows[] = {
	ROW(ENABLED, OPEN_OK, OPENED),
	ROW(OPENED, START, STARTING, S(CB_STARTED)),
	ROW(OPENED, PAUSE, PAUSED),
	ROW(STARTING, GO, ACTIVE, S(GATES)),
	ROW(ACTIVE, POST, ACTIVE, S(CB_POST)),
	ROW(ACTIVE, PAUSE, PAUSED, S(SHUT), S(CB_SUSPEND), S(DRAIN)),
	ROW(PAUSED, START, STARTING, S(CB_STARTED)),
	/* The peer ended the link: no completion can arrive */
	ROW(OPENED, DEAD, CLOSED, S(SHUT), S(REMOVE), S(GPADL_SHUT)),
	ROW(STARTING, DEAD, CLOSED, S(SHUT), S(REMOVE), S(CB_SUSPEND),
	    S(DRAIN), S(GPADL_SHUT)),
	ROW(ACTIVE, DEAD, CLOSED, S(SHUT), S(REMOVE), S(CB_SUSPEND),
	    S(DRAIN), S(GPADL_SHUT)),
	ROW(PAUSED, DEAD, CLOSED, S(SHUT), S(REMOVE), S(GPADL_SHUT)),
};

static const struct kmcl_transition client_rows[] = {
	ROW(DISABLED, ENABLE, ENABLED, S(SEEK)),
	ROW(ENABLED, LINK, ENABLED, S(OPEN)),
	ROW(ENABLED, OPEN_REFUSED, DISABLED, S(UNBIND), S(CB_FAILURE)),
	ROW(ENABLED, OPEN_UNDONE, DISABLED, S(GPADL_SHUT), S(DISCONNECT),
	    S(GPADL_END), S(UNBIND)),
	ROW(ENABLED, OPEN_UNDONE_OLD, DISABLED, S(GPADL_SHUT), S(GPADL_END),
	    S(DISCONNECT), S(UNBIND)),
	ROW(ENABLED, DEAD, ENABLED, S(UNBIND), S(SEEK)),
	ROW(ENABLED, DISABLE, DISABLED, S(UNBIND)),
	/* Nothing was started: no suspend callback, nothing outstanding */
	ROW(OPENED, DISABLE, CLOSED, S(SHUT), S(GPADL_SHUT), S(DISCONNECT),
	    S(CANCEL)),
	ROW(PAUSED, DISABLE, CLOSED, S(SHUT), S(GPADL_SHUT), S(DISCONNECT),
	    S(CANCEL)),
	ROW(STARTING, DISABLE, CLOSED, S(SHUT), S(CB_SUSPEND), S(DRAIN),
	    S(GPADL_SHUT), S(DISCONNECT), S(CANCEL)),
	ROW(ACTIVE, DISABLE, CLOSED, S(SHUT), S(CB_SUSPEND), S(DRAIN),
	    S(GPADL_SHUT), S(DISCONNECT), S(CANCEL)),
	/* The rings stay until the closed callback has deleted the GPADLs */
	ROW(OPENED, DISABLE_OLD, CLOSED, S(SHUT), S(GPADL_SHUT), S(CANCEL)),
	ROW(PAUSED, DISABLE_OLD, CLOSED, S(SHUT), S(GPADL_SHUT), S(CANCEL)),
	ROW(STARTING, DISABLE_OLD, CLOSED, S(SHUT), S(CB_SUSPEND), S(DRAIN),
	    S(GPADL_SHUT), S(CANCEL)),
	ROW(ACTIVE, DISABLE_OLD, CLOSED, S(SHUT), S(CB_SUSPEND), S(DRAIN),
	    S(GPADL_SHUT), S(CANCEL)),
	/* The offer stays bound, and is opened again when the machine is awake */
	ROW(OPENED, FREEZE, CLOSED, S(SHUT), S(GPADL_SHUT), S(DISCONNECT),
	    S(CANCEL)),
	ROW(PAUSED, FREEZE, CLOSED, S(SHUT), S(GPADL_SHUT), S(DISCONNECT),
	    S(CANCEL)),
	ROW(STARTING, FREEZE, CLOSED, S(SHUT), S(CB_SUSPEND), S(DRAIN),
	    S(GPADL_SHUT), S(DISCONNECT), S(CANCEL)),
	ROW(ACTIVE, FREEZE, CLOSED, S(SHUT), S(CB_SUSPEND), S(DRAIN),
	    S(GPADL_SHUT), S(DISCONNECT), S(CANCEL)),
	ROW(OPENED, FREEZE_OLD, CLOSED, S(SHUT), S(GPADL_SHUT), S(CANCEL)),
	ROW(PAUSED, FREEZE_OLD, CLOSED, S(SHUT), S(GPADL_SHUT), S(CANCEL)),
	ROW(STARTING, FREEZE_OLD, CLOSED, S(SHUT), S(CB_SUSPEND), S(DRAIN),
	    S(GPADL_SHUT), S(CANCEL)),
	ROW(ACTIVE, FREEZE_OLD, CLOSED, S(SHUT), S(CB_SUSPEND), S(DRAIN),
	    S(GPADL_SHUT), S(CANCEL)),
	/* Packets in flight end only when the peer uses them no more */
	ROW(OPENED, LOST, CLOSED, S(SHUT), S(GPADL_SHUT), S(DISCONNECT),
	    S(REMOVE)),
	ROW(PAUSED, LOST, CLOSED, S(SHUT), S(GPADL_SHUT), S(DISCONNECT),
	    S(REMOVE)),
	ROW(STARTING, LOST, CLOSED, S(SHUT), S(GPADL_SHUT), S(DISCONNECT),
	    S(REMOVE), S(CB_SUSPEND), S(DRAIN)),
	ROW(ACTIVE, LOST, CLOSED, S(SHUT), S(GPADL_SHUT), S(DISCONNECT),
	    S(REMOVE), S(CB_SUSPEND), S(DRAIN)),
	ROW(CLOSED, DONE, DISABLED, S(WAIT_DONE), S(CB_CLOSED), S(GPADL_END),
	    S(UNBIND)),
	ROW(CLOSED, DONE_DISABLE, DISABLED, S(WAIT_DONE), S(CB_CLOSED),
	    S(GPADL_END), S(DISCONNECT), S(RELEASE), S(UNBIND)),
	ROW(CLOSED, DONE_DEAD, DISABLED, S(WAIT_DONE), S(CB_CLOSED),
	    S(GPADL_END), S(DISCONNECT), S(RELEASE), S(UNBIND)),
	ROW(CLOSED, DONE_FREEZE, ENABLED, S(WAIT_DONE), S(CB_CLOSED),
	    S(GPADL_END), S(MMIO_FREE)),
	ROW(CLOSED, DONE_FREEZE_OLD, ENABLED, S(WAIT_DONE), S(CB_CLOSED),
	    S(GPADL_END), S(DISCONNECT), S(RELEASE), S(MMIO_FREE)),
};

static const struct kmcl_transition server_rows[] = {
	/* Enable itself has published the offer, which can fail */
	ROW(DISABLED, ENABLE, ENABLED),
	ROW(ENABLED, LINK, ENABLED, S(OPEN)),
	ROW(ENABLED, OPEN_REFUSED, ENABLED, S(REFUSE)),
	ROW(ENABLED, OPEN_UNDONE, ENABLED, S(REFUSE), S(GPADL_SHUT),
	    S(GPADL_END), S(DISCONNECT)),
	/* The client closed before it was accepted */
	ROW(ENABLED, DEAD, ENABLED),
	ROW(ENABLED, DISABLE, DISABLED, S(REVOKE), S(RETIRE)),
	ROW(OPENED, DISABLE, CLOSED, S(SHUT), S(REVOKE), S(CANCEL),
	    S(GPADL_SHUT)),
	ROW(PAUSED, DISABLE, CLOSED, S(SHUT), S(REVOKE), S(CANCEL),
	    S(GPADL_SHUT)),
	ROW(STARTING, DISABLE, CLOSED, S(SHUT), S(CB_SUSPEND), S(DRAIN),
	    S(REVOKE), S(CANCEL), S(GPADL_SHUT)),
	ROW(ACTIVE, DISABLE, CLOSED, S(SHUT), S(CB_SUSPEND), S(DRAIN),
	    S(REVOKE), S(CANCEL), S(GPADL_SHUT)),
	ROW(CLOSED, DONE_DISABLE, DISABLED, S(WAIT_DONE), S(CB_CLOSED),
	    S(GPADL_END), S(DISCONNECT), S(RETIRE)),
	/* The offer stays: the client may open again */
	ROW(CLOSED, DONE_DEAD, ENABLED, S(WAIT_DONE), S(CB_CLOSED),
	    S(GPADL_END), S(DISCONNECT)),
};

static const struct kmcl_transition *find(const struct kmcl_transition *rows,
					  size_t count, enum kmcl_state state,
					  enum kmcl_event event)
{
	for (; count; count--, rows++)
		if (rows->state == state && rows->event == event)
			return rows;
	return NULL;
}

/**
 * kmcl_transition() - look up the table
 * @server: which endpoint
 * @state: the state that the channel is in
 * @event: what has happened
 *
 * Context: any.
 * Return: the entry, or NULL if the event cannot happen in the state.
 */
const struct kmcl_transition *kmcl_transition(bool server, enum kmcl_state state,
					      enum kmcl_event event)
{
	const struct kmcl_transition *t;

	t = find(common_rows, ARRAY_SIZE(common_rows), state, event);
	if (t)
		return t;
	return server ?
		find(server_rows, ARRAY_SIZE(server_rows), state, event) :
		find(client_rows, ARRAY_SIZE(client_rows), state, event);
}

/* Did the peer end the link, and not the driver, by disabling, before it? */
static bool died(const struct kmcl_inputs *in)
{
	return in->dead && (!in->disable || in->dead_first);
}

/* The end of a link that is up */
static enum kmcl_event end_event(const struct kmcl_inputs *in)
{
	if (died(in))
		return in->lost && !in->old ? KMCL_EV_LOST : KMCL_EV_DEAD;
	if (in->disable)
		return in->old ? KMCL_EV_DISABLE_OLD : KMCL_EV_DISABLE;
	if (in->frozen)
		return in->old ? KMCL_EV_FREEZE_OLD : KMCL_EV_FREEZE;
	return KMCL_EV_NONE;
}

/**
 * kmcl_next_event() - choose the event that a channel has to handle next
 * @state: the state that the channel is in
 * @in: what was asked for and reported
 *
 * The end of the link comes first. A pause comes after the rest of an opening
 * sequence, so that the sequence is complete.
 *
 * Context: any.
 * Return: the event, KMCL_EV_NONE when there is nothing to do.
 */
enum kmcl_event kmcl_next_event(enum kmcl_state state,
				const struct kmcl_inputs *in)
{
	enum kmcl_event end = end_event(in);

	switch (state) {
	case KMCL_ST_DISABLED:
		return in->enabled ? KMCL_EV_ENABLE : KMCL_EV_NONE;
	case KMCL_ST_CLOSED:
		/* What has ended the channel meanwhile comes first */
		if (in->froze && !in->disable && !in->dead)
			return in->up ? KMCL_EV_DONE_FREEZE_OLD :
				KMCL_EV_DONE_FREEZE;
		if (!in->up)
			return KMCL_EV_DONE;
		return died(in) ? KMCL_EV_DONE_DEAD : KMCL_EV_DONE_DISABLE;
	case KMCL_ST_ENABLED:
		/* There is no link yet, so a disable comes first */
		if (in->disable)
			return KMCL_EV_DISABLE;
		if (in->dead)
			return KMCL_EV_DEAD;
		return in->link && !in->frozen ? KMCL_EV_LINK : KMCL_EV_NONE;
	case KMCL_ST_OPENED:
		if (end != KMCL_EV_NONE)
			return end;
		return in->run ? KMCL_EV_START : KMCL_EV_PAUSE;
	case KMCL_ST_STARTING:
		return end != KMCL_EV_NONE ? end : KMCL_EV_GO;
	case KMCL_ST_ACTIVE:
		if (end != KMCL_EV_NONE)
			return end;
		if (in->post)
			return KMCL_EV_POST;
		return in->run ? KMCL_EV_NONE : KMCL_EV_PAUSE;
	case KMCL_ST_PAUSED:
		if (end != KMCL_EV_NONE)
			return end;
		return in->run ? KMCL_EV_START : KMCL_EV_NONE;
	default:
		return KMCL_EV_NONE;
	}
}

/**
 * kmcl_arrive() - clear the inputs that entering a state has handled
 * @server: which endpoint
 * @ev: the event whose steps have run
 * @next: the state that is entered
 * @in: inputs of the channel
 *
 * Context: any.
 */
void kmcl_arrive(bool server, enum kmcl_event ev, enum kmcl_state next,
		 struct kmcl_inputs *in)
{
	if (next == KMCL_ST_PAUSED || next == KMCL_ST_CLOSED)
		in->post = false;
	if (ev == KMCL_EV_FREEZE || ev == KMCL_EV_FREEZE_OLD)
		in->froze = true;
	if (ev == KMCL_EV_DONE_FREEZE || ev == KMCL_EV_DONE_FREEZE_OLD) {
		in->froze = false;
		/* The offer is bound */
		in->link = true;
	}
	if (next == KMCL_ST_DISABLED) {
		*in = (struct kmcl_inputs) { .run = !server };
	} else if (server && next == KMCL_ST_ENABLED &&
		   (ev == KMCL_EV_DEAD || ev == KMCL_EV_DONE_DEAD)) {
		/* For a client unbind() in step.c has done it */
		in->dead = false;
		in->dead_first = false;
	}
}

/**
 * kmcl_state_text() - get the name of a state
 * @server: which endpoint
 * @state: the state
 * @in: inputs of the channel; @in->run tells a server's Started from Enabled
 *
 * Context: any.
 * Return: the name that KMCL uses.
 */
const char *kmcl_state_text(bool server, enum kmcl_state state,
			    const struct kmcl_inputs *in)
{
#define KMCL_STATE_TEXT(name, text)	[KMCL_ST_##name] = text,
	static const char * const texts[] = { KMCL_STATES(KMCL_STATE_TEXT) };

	if (server && state == KMCL_ST_CLOSED)
		return "Stopped";
	if (state == KMCL_ST_DISABLED && in->enabled)
		state = KMCL_ST_ENABLED;
	if (server && state == KMCL_ST_ENABLED && in->run)
		return "Started";
	return texts[state];
}
