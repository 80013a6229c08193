// SPDX-License-Identifier: GPL-2.0
/*
 * The state machine as data: every state and event of both endpoints against
 * the order of callbacks that KMCL documents, and the priorities of what is
 * requested and reported.
 */
#include <kunit/test.h>

#include <linux/bits.h>
#include <linux/string.h>

#include "inputs.h"
#include "state_names.h"

static const char * const step_names[] = {
	"end", "seek", "revoke", "retire", "open", "refuse", "Started",
	"gates", "PostStarted", "shut", "Suspend", "drain", "cancel",
	"remove", "gpadl-shut", "settle", "Closed", "gpadl-end", "disconnect",
	"release", "mmio-free", "unbind", "PnpFailure",
};

static_assert(ARRAY_SIZE(step_names) == KMCL_DO_COUNT);

/* What an endpoint does in a state, and where that ends; callbacks in capitals */
struct row {
	u8 state;
	u8 event;
	const char *steps;
	u8 next;
};

/* A link that is up: the same on both sides */
static const struct row common_rows[] = {
	{ ST(ENABLED), EV(OPEN_OK), "", ST(OPENED) },
	/* Opened returned: Started, both gates, PostStarted; or none */
	{ ST(OPENED), EV(START), "Started", ST(STARTING) },
	{ ST(STARTING), EV(GO), "gates", ST(ACTIVE) },
	{ ST(ACTIVE), EV(POST), "PostStarted", ST(ACTIVE) },
	{ ST(OPENED), EV(PAUSE), "", ST(PAUSED) },
	/* A pause: gates, Suspend, until nothing is outstanding */
	{ ST(ACTIVE), EV(PAUSE), "shut Suspend drain", ST(PAUSED) },
	/* A start does not repeat Opened */
	{ ST(PAUSED), EV(START), "Started", ST(STARTING) },
	/* Peer gone: in-flight packets end first; Suspend pairs with Started */
	{ ST(OPENED), EV(DEAD), "shut remove gpadl-shut", ST(CLOSED) },
	{ ST(STARTING), EV(DEAD), "shut remove Suspend drain gpadl-shut", ST(CLOSED) },
	{ ST(ACTIVE), EV(DEAD), "shut remove Suspend drain gpadl-shut", ST(CLOSED) },
	{ ST(PAUSED), EV(DEAD), "shut remove gpadl-shut", ST(CLOSED) },
};

static const struct row client_rows[] = {
	{ ST(DISABLED), EV(ENABLE), "seek", ST(ENABLED) },
	{ ST(ENABLED), EV(LINK), "open", ST(ENABLED) },
	/* Failed before Opened: only PnpFailure */
	{ ST(ENABLED), EV(OPEN_REFUSED), "unbind PnpFailure", ST(DISABLED) },
	/* Opened failed: no callback at all */
	{ ST(ENABLED), EV(OPEN_UNDONE), "gpadl-shut disconnect gpadl-end unbind", ST(DISABLED) },
	{ ST(ENABLED), EV(OPEN_UNDONE_OLD),
	  "gpadl-shut gpadl-end disconnect unbind", ST(DISABLED) },
	/* Rescinded before it was open: wait for the next offer */
	{ ST(ENABLED), EV(DEAD), "unbind seek", ST(ENABLED) },
	{ ST(ENABLED), EV(DISABLE), "unbind", ST(DISABLED) },
	/* As a pause, ring down, in-flight packets cancelled, Closed */
	{ ST(OPENED), EV(DISABLE), "shut gpadl-shut disconnect cancel", ST(CLOSED) },
	{ ST(STARTING), EV(DISABLE),
	  "shut Suspend drain gpadl-shut disconnect cancel", ST(CLOSED) },
	{ ST(ACTIVE), EV(DISABLE),
	  "shut Suspend drain gpadl-shut disconnect cancel", ST(CLOSED) },
	{ ST(PAUSED), EV(DISABLE), "shut gpadl-shut disconnect cancel", ST(CLOSED) },
	/* Before VMBus 4.0: Closed, which deletes GPADLs, before the ring is down */
	{ ST(OPENED), EV(DISABLE_OLD), "shut gpadl-shut cancel", ST(CLOSED) },
	{ ST(STARTING), EV(DISABLE_OLD), "shut Suspend drain gpadl-shut cancel", ST(CLOSED) },
	{ ST(ACTIVE), EV(DISABLE_OLD), "shut Suspend drain gpadl-shut cancel", ST(CLOSED) },
	{ ST(PAUSED), EV(DISABLE_OLD), "shut gpadl-shut cancel", ST(CLOSED) },
	/* Unbound: the ring is closed before packets in flight end */
	{ ST(OPENED), EV(LOST), "shut gpadl-shut disconnect remove", ST(CLOSED) },
	{ ST(STARTING), EV(LOST),
	  "shut gpadl-shut disconnect remove Suspend drain", ST(CLOSED) },
	{ ST(ACTIVE), EV(LOST),
	  "shut gpadl-shut disconnect remove Suspend drain", ST(CLOSED) },
	{ ST(PAUSED), EV(LOST), "shut gpadl-shut disconnect remove", ST(CLOSED) },
	/* The device is released after Closed only, and with the ring down */
	{ ST(CLOSED), EV(DONE), "settle Closed gpadl-end unbind", ST(DISABLED) },
	{ ST(CLOSED), EV(DONE_DISABLE),
	  "settle Closed gpadl-end disconnect release unbind", ST(DISABLED) },
	{ ST(CLOSED), EV(DONE_DEAD),
	  "settle Closed gpadl-end disconnect release unbind", ST(DISABLED) },
	/* The machine hibernates: as a disable, but the offer stays bound */
	{ ST(OPENED), EV(FREEZE), "shut gpadl-shut disconnect cancel", ST(CLOSED) },
	{ ST(STARTING), EV(FREEZE),
	  "shut Suspend drain gpadl-shut disconnect cancel", ST(CLOSED) },
	{ ST(ACTIVE), EV(FREEZE),
	  "shut Suspend drain gpadl-shut disconnect cancel", ST(CLOSED) },
	{ ST(PAUSED), EV(FREEZE), "shut gpadl-shut disconnect cancel", ST(CLOSED) },
	{ ST(OPENED), EV(FREEZE_OLD), "shut gpadl-shut cancel", ST(CLOSED) },
	{ ST(STARTING), EV(FREEZE_OLD), "shut Suspend drain gpadl-shut cancel", ST(CLOSED) },
	{ ST(ACTIVE), EV(FREEZE_OLD), "shut Suspend drain gpadl-shut cancel", ST(CLOSED) },
	{ ST(PAUSED), EV(FREEZE_OLD), "shut gpadl-shut cancel", ST(CLOSED) },
	{ ST(CLOSED), EV(DONE_FREEZE), "settle Closed gpadl-end mmio-free", ST(ENABLED) },
	{ ST(CLOSED), EV(DONE_FREEZE_OLD),
	  "settle Closed gpadl-end disconnect release mmio-free", ST(ENABLED) },
};

static const struct row server_rows[] = {
	/* The offer was put on the bus by the call itself */
	{ ST(DISABLED), EV(ENABLE), "", ST(ENABLED) },
	{ ST(ENABLED), EV(LINK), "open", ST(ENABLED) },
	/* The client is refused, the offer stays */
	{ ST(ENABLED), EV(OPEN_REFUSED), "refuse", ST(ENABLED) },
	{ ST(ENABLED), EV(OPEN_UNDONE), "refuse gpadl-shut gpadl-end disconnect", ST(ENABLED) },
	{ ST(ENABLED), EV(DEAD), "", ST(ENABLED) },
	{ ST(ENABLED), EV(DISABLE), "revoke retire", ST(DISABLED) },
	/* As a pause, offer revoked, cancelled, Closed, only then the peer */
	{ ST(OPENED), EV(DISABLE), "shut revoke cancel gpadl-shut", ST(CLOSED) },
	{ ST(STARTING), EV(DISABLE),
	  "shut Suspend drain revoke cancel gpadl-shut", ST(CLOSED) },
	{ ST(ACTIVE), EV(DISABLE),
	  "shut Suspend drain revoke cancel gpadl-shut", ST(CLOSED) },
	{ ST(PAUSED), EV(DISABLE), "shut revoke cancel gpadl-shut", ST(CLOSED) },
	{ ST(CLOSED), EV(DONE_DISABLE),
	  "settle Closed gpadl-end disconnect retire", ST(DISABLED) },
	/* A client's close leaves the offer: it may open again */
	{ ST(CLOSED), EV(DONE_DEAD), "settle Closed gpadl-end disconnect", ST(ENABLED) },
};

static const struct row *find_in(const struct row *rows, size_t count,
				 int state, int event)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (rows[i].state == state && rows[i].event == event)
			return &rows[i];
	return NULL;
}

static const struct row *find_row(bool server, int state, int event)
{
	const struct row *row;

	row = find_in(common_rows, ARRAY_SIZE(common_rows), state, event);
	if (row)
		return row;
	if (server)
		return find_in(server_rows, ARRAY_SIZE(server_rows), state,
			       event);
	return find_in(client_rows, ARRAY_SIZE(client_rows), state, event);
}

static void render(const struct kmcl_transition *t, char *text, size_t room)
{
	const u8 *step;

	text[0] = 0;
	for (step = t->steps; *step != KMCL_DO_END; step++) {
		if (text[0])
			strlcat(text, " ", room);
		strlcat(text, step_names[*step], room);
	}
}

#define ENTRIES		(2 * KMCL_ST_COUNT * KMCL_EV_COUNT)
#define SERVER(entry)	((entry) / (KMCL_ST_COUNT * KMCL_EV_COUNT))
#define STATE(entry)	((entry) / KMCL_EV_COUNT % KMCL_ST_COUNT)
#define EVENT(entry)	((entry) % KMCL_EV_COUNT)

static const struct kmcl_transition *lookup(int entry)
{
	return kmcl_transition(SERVER(entry), STATE(entry), EVENT(entry));
}

static void table_is_as_documented(struct kunit *test)
{
	const struct kmcl_transition *t;
	const struct row *row;
	char text[100], what[60];
	int i, valid = 0;

	for (i = 0; i < ENTRIES; i++) {
		snprintf(what, sizeof(what), "%s: %s in %s",
			 SERVER(i) ? "server" : "client",
			 event_names[EVENT(i)], state_names[STATE(i)]);
		t = lookup(i);
		row = find_row(SERVER(i), STATE(i), EVENT(i));
		KUNIT_EXPECT_EQ_MSG(test, !t, !row, "%s", what);
		if (!t || !row)
			continue;
		valid++;
		KUNIT_ASSERT_EQ_MSG(test, t->steps[KMCL_MAX_STEPS],
				    KMCL_DO_END, "%s", what);
		render(t, text, sizeof(text));
		KUNIT_EXPECT_STREQ_MSG(test, text, row->steps, "%s", what);
		KUNIT_EXPECT_STREQ_MSG(test, state_names[t->next],
				       state_names[row->next], "%s", what);
	}
	/* No row twice */
	KUNIT_EXPECT_EQ(test, valid, 2 * ARRAY_SIZE(common_rows) +
				     ARRAY_SIZE(client_rows) +
				     ARRAY_SIZE(server_rows));
}

static void outside_of_the_table_is_nothing(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, !kmcl_transition(false, KMCL_ST_COUNT, EV(DEAD)));
	KUNIT_EXPECT_TRUE(test, !kmcl_transition(true, ST(ACTIVE), KMCL_EV_COUNT));
	KUNIT_EXPECT_TRUE(test, !kmcl_transition(true, (enum kmcl_state)-1, EV(DEAD)));
	KUNIT_EXPECT_TRUE(test, !kmcl_transition(false, ST(ACTIVE), (enum kmcl_event)-1));
}

/* The position of a step in an entry, or -1 */
static int step_index(const struct kmcl_transition *t, enum kmcl_step step)
{
	int i;

	for (i = 0; t->steps[i] != KMCL_DO_END; i++)
		if (t->steps[i] == step)
			return i;
	return -1;
}

/* The machine hibernates */
static bool freezes(int event)
{
	return event == EV(FREEZE) || event == EV(FREEZE_OLD);
}

static bool leaves_frozen(int event)
{
	return event == EV(DONE_FREEZE) || event == EV(DONE_FREEZE_OLD);
}

static void closing_suspends_what_was_started(struct kunit *test)
{
	const struct kmcl_transition *t;
	int i, shut, suspend, drain, closing = 0;

	for (i = 0; i < ENTRIES; i++) {
		t = lookup(i);
		if (!t || t->next != ST(CLOSED))
			continue;
		closing++;
		shut = step_index(t, KMCL_DO_SHUT);
		suspend = step_index(t, KMCL_DO_CB_SUSPEND);
		drain = step_index(t, KMCL_DO_DRAIN);
		KUNIT_EXPECT_EQ(test, shut, 0);
		if (STATE(i) == ST(ACTIVE) || STATE(i) == ST(STARTING)) {
			KUNIT_EXPECT_GT(test, suspend, shut);
			KUNIT_EXPECT_GT(test, drain, suspend);
		} else {
			/* Nothing runs, nothing can be outstanding */
			KUNIT_EXPECT_EQ(test, suspend, -1);
			KUNIT_EXPECT_EQ(test, drain, -1);
		}
		/* Closed itself comes after the arrival in Closed */
		KUNIT_EXPECT_EQ(test, step_index(t, KMCL_DO_CB_CLOSED), -1);
		/* The status of packets in flight says who ended the link */
		KUNIT_EXPECT_EQ(test, step_index(t, KMCL_DO_CANCEL) >= 0,
				EVENT(i) == EV(DISABLE) ||
				EVENT(i) == EV(DISABLE_OLD) ||
				freezes(EVENT(i)));
		KUNIT_EXPECT_EQ(test, step_index(t, KMCL_DO_REMOVE) >= 0,
				EVENT(i) == EV(DEAD) || EVENT(i) == EV(LOST));
	}
	KUNIT_EXPECT_EQ(test, closing, 2 * 4 * 3 + 2 * 4);
}

static void leaving_closed_calls_closed(struct kunit *test)
{
	const struct kmcl_transition *t;
	int i, leaving = 0;

	for (i = 0; i < ENTRIES; i++) {
		t = lookup(i);
		if (!t)
			continue;
		if (STATE(i) != ST(CLOSED)) {
			KUNIT_EXPECT_EQ(test, step_index(t, KMCL_DO_CB_CLOSED), -1);
			continue;
		}
		leaving++;
		/* Routines of packets have returned before, nothing else is done */
		KUNIT_EXPECT_EQ(test, step_index(t, KMCL_DO_WAIT_DONE), 0);
		KUNIT_EXPECT_EQ(test, step_index(t, KMCL_DO_CB_CLOSED), 1);
		/* What Closed has left behind goes before the offer does */
		KUNIT_EXPECT_EQ(test, step_index(t, KMCL_DO_GPADL_END), 2);
		if ((!SERVER(i) && !leaves_frozen(EVENT(i))) ||
		    EVENT(i) == EV(DONE_DISABLE))
			KUNIT_EXPECT_EQ(test, t->next, ST(DISABLED));
		else
			KUNIT_EXPECT_EQ(test, t->next, ST(ENABLED));
	}
	KUNIT_EXPECT_EQ(test, leaving, 2 * 2 + 1 + 2);
}

/*
 * From a link that is up to the end of its close: each action that takes a part
 * of it down is there once, whichever event closes and whichever leaves Closed.
 */
static void nothing_is_taken_down_twice(struct kunit *test)
{
	static const enum kmcl_step once[] = {
		KMCL_DO_SHUT, KMCL_DO_GPADL_SHUT, KMCL_DO_CB_CLOSED,
		KMCL_DO_GPADL_END, KMCL_DO_DISCONNECT,
	};
	const struct kmcl_transition *closing, *leaving;
	bool down;
	int i, j, k;

	for (i = 0; i < ENTRIES; i++) {
		closing = lookup(i);
		if (!closing || closing->next != ST(CLOSED))
			continue;
		down = step_index(closing, KMCL_DO_DISCONNECT) >= 0;
		for (j = 0; j < KMCL_EV_COUNT; j++) {
			leaving = kmcl_transition(SERVER(i), ST(CLOSED), j);
			/* Which of them follows depends on the rings */
			if (!leaving)
				continue;
			if (down != (j == EV(DONE) || j == EV(DONE_FREEZE)))
				continue;
			if (leaves_frozen(j) && !freezes(EVENT(i)))
				continue;
			for (k = 0; k < ARRAY_SIZE(once); k++)
				KUNIT_EXPECT_EQ_MSG(test, 1,
						    (step_index(closing, once[k]) >= 0) +
						    (step_index(leaving, once[k]) >= 0),
						    "%s, %s, then %s",
						    event_names[EVENT(i)],
						    step_names[once[k]],
						    event_names[j]);
			KUNIT_EXPECT_EQ(test, 1,
					(step_index(leaving, KMCL_DO_UNBIND) >= 0) +
					(SERVER(i) || leaves_frozen(j)));
		}
	}
}

#define IN(state)	BIT(ST(state))
#define ANY_UP		(IN(OPENED) | IN(STARTING) | IN(ACTIVE) | IN(PAUSED))

/* The first rule that applies decides */
static const struct {
	u32 states;
	u32 need;
	u32 lack;
	enum kmcl_event event;
} rules[] = {
	{ IN(DISABLED), I_ENABLED, 0, EV(ENABLE) },
	/* What has ended the link meanwhile is not undone */
	{ IN(CLOSED), I_FROZE, I_DISABLE | I_DEAD | I_UP, EV(DONE_FREEZE) },
	{ IN(CLOSED), I_FROZE, I_DISABLE | I_DEAD, EV(DONE_FREEZE_OLD) },
	{ IN(CLOSED), 0, I_UP, EV(DONE) },
	/* Whichever ended the link first; the other one is absorbed */
	{ IN(CLOSED), I_DEAD, I_DISABLE, EV(DONE_DEAD) },
	{ IN(CLOSED), I_DEAD | I_DEAD_FIRST, 0, EV(DONE_DEAD) },
	{ IN(CLOSED), 0, 0, EV(DONE_DISABLE) },
	/* Not open: a disable stops the waiting, whatever else happened */
	{ IN(ENABLED), I_DISABLE, 0, EV(DISABLE) },
	{ IN(ENABLED), I_DEAD, 0, EV(DEAD) },
	{ IN(ENABLED), I_LINK, I_FROZEN, EV(LINK) },
	/* Open: an end goes before the rest of the opening sequence */
	{ ANY_UP, I_DEAD | I_LOST, I_DISABLE | I_OLD, EV(LOST) },
	{ ANY_UP, I_DEAD | I_DEAD_FIRST | I_LOST, I_OLD, EV(LOST) },
	{ ANY_UP, I_DEAD, I_DISABLE, EV(DEAD) },
	{ ANY_UP, I_DEAD | I_DEAD_FIRST, 0, EV(DEAD) },
	{ ANY_UP, I_DISABLE | I_OLD, 0, EV(DISABLE_OLD) },
	{ ANY_UP, I_DISABLE, 0, EV(DISABLE) },
	{ ANY_UP, I_FROZEN | I_OLD, 0, EV(FREEZE_OLD) },
	{ ANY_UP, I_FROZEN, 0, EV(FREEZE) },
	/* and that sequence before a pause */
	{ IN(STARTING), 0, 0, EV(GO) },
	{ IN(ACTIVE), I_POST, 0, EV(POST) },
	{ IN(OPENED) | IN(PAUSED), I_RUN, 0, EV(START) },
	{ IN(OPENED) | IN(ACTIVE), 0, I_RUN, EV(PAUSE) },
};

static void next_event_follows_the_priorities(struct kunit *test)
{
	int state, i;
	u32 bits;

	for (state = 0; state < KMCL_ST_COUNT; state++) {
		for (bits = 0; bits < BIT(INPUTS); bits++) {
			struct kmcl_inputs in = unpack(bits);
			enum kmcl_event expected = EV(NONE), event;

			for (i = 0; i < ARRAY_SIZE(rules); i++) {
				if (!(rules[i].states & BIT(state)) ||
				    (bits & rules[i].need) != rules[i].need ||
				    bits & rules[i].lack)
					continue;
				expected = rules[i].event;
				break;
			}
			event = kmcl_next_event(state, &in);
			KUNIT_EXPECT_STREQ_MSG(test, event_names[event],
					       event_names[expected],
					       "%s, inputs %#x",
					       state_names[state], bits);
			if (event == EV(NONE))
				continue;
			KUNIT_EXPECT_TRUE(test, kmcl_transition(false, state, event));
			/* A server has no old peer, no device, and its rings stay */
			if (!(bits & (I_LOST | I_OLD | I_FROZEN | I_FROZE)) &&
			    event != EV(DONE))
				KUNIT_EXPECT_TRUE(test, kmcl_transition(true, state, event));
		}
	}
	KUNIT_EXPECT_EQ(test, kmcl_next_event(KMCL_ST_COUNT,
					      &(struct kmcl_inputs) {}),
			EV(NONE));
}

static void states_have_their_names(struct kunit *test)
{
	static const char * const client[] = {
		"Disabled", "Enabled", "Opened", "Opened", "Active", "Paused",
		"Closed",
	};
	static const char * const server[] = {
		"Disabled", "Enabled", "Opened", "Opened", "Active", "Paused",
		"Stopped",
	};
	struct kmcl_inputs none = {}, run = { .run = true };
	struct kmcl_inputs enabled = { .enabled = true };
	struct kmcl_inputs both = { .enabled = true, .run = true };
	int st;

	for (st = 0; st < KMCL_ST_COUNT; st++) {
		KUNIT_EXPECT_STREQ(test, kmcl_state_text(false, st, &none), client[st]);
		KUNIT_EXPECT_STREQ(test, kmcl_state_text(false, st, &run), client[st]);
		KUNIT_EXPECT_STREQ(test, kmcl_state_text(true, st, &none), server[st]);
		KUNIT_EXPECT_STREQ(test, kmcl_state_text(true, st, &run),
				   st == ST(ENABLED) ? "Started" : server[st]);
	}
	/* As soon as enable has returned */
	KUNIT_EXPECT_STREQ(test, kmcl_state_text(false, ST(DISABLED), &both), "Enabled");
	KUNIT_EXPECT_STREQ(test, kmcl_state_text(true, ST(DISABLED), &enabled), "Enabled");
	KUNIT_EXPECT_STREQ(test, kmcl_state_text(true, ST(DISABLED), &both), "Started");
}

static struct kunit_case state_cases[] = {
	KUNIT_CASE(table_is_as_documented),
	KUNIT_CASE(outside_of_the_table_is_nothing),
	KUNIT_CASE(closing_suspends_what_was_started),
	KUNIT_CASE(leaving_closed_calls_closed),
	KUNIT_CASE(nothing_is_taken_down_twice),
	KUNIT_CASE(next_event_follows_the_priorities),
	KUNIT_CASE(states_have_their_names),
	{}
};

static struct kunit_suite state_suite = {
	.name = "kmcl_state",
	.test_cases = state_cases,
};

kunit_test_suite(state_suite);

MODULE_DESCRIPTION("KUnit tests of the KMCL state machine");
MODULE_LICENSE("GPL");
