// SPDX-License-Identifier: GPL-2.0
/*
 * A walk through all that callers and peers can do to a channel, at any time
 * between any two steps of the state machine: the callbacks keep their order
 * and their pairs, and a disable always comes to its end.
 */
#include <kunit/test.h>

#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/slab.h>

#include "inputs.h"
#include "state_names.h"

static u32 pack(const struct kmcl_inputs *in)
{
	return (in->enabled ? I_ENABLED : 0) | (in->run ? I_RUN : 0) |
	       (in->link ? I_LINK : 0) | (in->disable ? I_DISABLE : 0) |
	       (in->dead ? I_DEAD : 0) | (in->dead_first ? I_DEAD_FIRST : 0) |
	       (in->post ? I_POST : 0) | (in->lost ? I_LOST : 0) |
	       (in->old ? I_OLD : 0) | (in->up ? I_UP : 0) |
	       (in->frozen ? I_FROZEN : 0) | (in->froze ? I_FROZE : 0);
}

/* What the table knows of a channel, and what happened to it */
struct node {
	bool server;
	u8 state;
	struct kmcl_inputs in;
	bool open;		/* Opened agreed, Closed is due */
	bool started;		/* Suspend is due */
	bool gates;
	bool delivered;		/* something may be outstanding */
	bool in_flight;
	bool external;		/* in flight, with memory the peer may use */
	bool gpadls;		/* there may be some */
};

#define NODE_BITS	23
#define SITUATIONS	((u32)BIT(16))

static u32 node_number(const struct node *n)
{
	return n->server | n->state << 1 | n->open << 4 | n->started << 5 |
	       n->gates << 6 | n->delivered << 7 | n->in_flight << 8 |
	       n->external << 9 | n->gpadls << 10 | pack(&n->in) << 11;
}

static struct node node_of(u32 number)
{
	return (struct node) {
		.server = number & 1,
		.state = number >> 1 & 7,
		.open = number >> 4 & 1,
		.started = number >> 5 & 1,
		.gates = number >> 6 & 1,
		.delivered = number >> 7 & 1,
		.in_flight = number >> 8 & 1,
		.external = number >> 9 & 1,
		.gpadls = number >> 10 & 1,
		.in = unpack(number >> 11),
	};
}

enum act { A_NOTHING, A_ENABLE, A_DISABLE, A_DEAD, A_LOST, A_LINK, A_START,
	   A_PAUSE, A_FREEZE, A_THAW, A_COUNT };

static void link_ends(struct kmcl_inputs *in, bool lost)
{
	in->dead = true;
	in->dead_first = !in->disable;
	in->lost = lost && in->up;
}

/* Is an offer bound? */
static bool bound(const struct node *n)
{
	return !n->server && (n->in.link || n->in.up || n->state > ST(ENABLED));
}

static void act(struct node *n, enum act a)
{
	struct kmcl_inputs *in = &n->in;

	if (a == A_ENABLE && n->state == ST(DISABLED))
		in->enabled = true;
	else if (a == A_DISABLE && in->enabled)
		in->disable = true;
	else if (a == A_LINK && in->enabled)
		in->link = true;
	else if (a == A_START)
		in->run = true;
	else if (a == A_PAUSE)
		in->run = false;
	else if (a == A_DEAD && in->enabled && !in->dead)
		link_ends(in, false);
	else if (a == A_LOST && in->enabled && !in->dead && !n->server)
		link_ends(in, true);
	else if (a == A_FREEZE && in->enabled && bound(n))
		in->frozen = true;
	else if (a == A_THAW)
		in->frozen = false;
}

/* May the peer still use the memory of packets that are in flight? */
static bool in_use(const struct node *n)
{
	return !n->server && n->in.up && (!n->in.dead || n->in.lost);
}

/* A step's effect; false: it is out of order */
static bool do_step(struct node *n, enum kmcl_step step)
{
	bool ok = true;

	switch (step) {
	case KMCL_DO_SEEK:
		/* A rescind of the previous offer must not count for this one */
		ok = !n->in.up;
		break;
	case KMCL_DO_OPEN:
		ok = !n->open && !n->in.up;
		n->in.link = false;
		break;
	case KMCL_DO_CB_STARTED:
		ok = n->open && !n->started && !n->gates && !n->delivered;
		n->started = true;
		break;
	case KMCL_DO_GATES:
		ok = n->started && !n->gates;
		n->gates = true;
		n->delivered = true;
		n->in_flight = true;
		n->external = !n->server;
		n->in.post = true;
		break;
	case KMCL_DO_CB_POST:
		ok = n->started && n->gates;
		n->in.post = false;
		break;
	case KMCL_DO_SHUT:
		n->gates = false;
		break;
	case KMCL_DO_CB_SUSPEND:
		ok = n->started && !n->gates;
		n->started = false;
		break;
	case KMCL_DO_DRAIN:
		ok = !n->gates && !n->started;
		n->delivered = false;
		break;
	case KMCL_DO_CANCEL:
	case KMCL_DO_REMOVE:
		ok = !n->gates;
		n->in_flight = false;
		n->external &= in_use(n);
		break;
	case KMCL_DO_GPADL_SHUT:
		ok = n->in.up && !n->gates;
		break;
	case KMCL_DO_CB_CLOSED:
		ok = n->open && !n->started && !n->gates && !n->delivered &&
		     !n->in_flight && n->external <= n->in.up;
		n->open = false;
		break;
	case KMCL_DO_GPADL_END:
		ok = !n->open && n->gpadls;
		n->gpadls = false;
		break;
	case KMCL_DO_DISCONNECT:
		ok = n->in.up && !n->gates && !(n->in.old && n->gpadls);
		n->in.up = false;
		n->in.old = false;
		break;
	case KMCL_DO_RELEASE:
		ok = !n->in.up && !n->in_flight;
		n->external = false;
		break;
	case KMCL_DO_MMIO_FREE:
		ok = !n->open && !n->in.up;
		break;
	case KMCL_DO_UNBIND:
		ok = !n->gates && !n->started && !n->in.up && !n->external &&
		     !n->gpadls;
		n->in.link = false;
		n->in.dead = false;
		n->in.dead_first = false;
		n->in.lost = false;
		n->in.frozen = false;
		break;
	case KMCL_DO_RETIRE:
		ok = !n->in.up && !n->gpadls;
		break;
	case KMCL_DO_CB_FAILURE:
	case KMCL_DO_REFUSE:
		ok = !n->open;
		break;
	default:
		break;
	}
	return ok;
}

/* As the work item does; false: the state does not match what happened */
static bool arrive(struct node *n, enum kmcl_event ev, u8 next, bool opening)
{
	n->state = next;
	if (ev == EV(OPEN_OK))
		n->open = true;
	kmcl_arrive(n->server, ev, next, &n->in);
	return n->open == (next >= ST(OPENED)) &&
	       (n->in.up || next <= ST(ENABLED) || next == ST(CLOSED)) &&
	       (!n->in.up || next >= ST(OPENED) || opening) &&
	       (next > ST(ENABLED) || opening || (!n->external && !n->gpadls)) &&
	       n->gates == (next == ST(ACTIVE)) &&
	       n->started == (next == ST(ACTIVE) || next == ST(STARTING)) &&
	       (!n->delivered || next == ST(ACTIVE));
}

/* How an opening can end; EV(NONE): the offer was rescinded meanwhile */
static const struct outcome {
	enum kmcl_event event;
	bool up;
	bool old;
} outcomes[] = {
	{ EV(OPEN_OK), true }, { EV(OPEN_OK), true, true },
	{ EV(OPEN_REFUSED) }, { EV(OPEN_UNDONE), true },
	{ EV(OPEN_UNDONE_OLD), true, true }, { EV(NONE) },
};

/*
 * Handle @ev and what comes of it, with @a done before step number @when.
 * A step that opens ends with @outcome.
 */
static const char *handle(struct node *n, enum kmcl_event ev, enum act a,
			  int when, const struct outcome *outcome)
{
	const struct kmcl_transition *t;
	bool opened;
	int i;

	for (;;) {
		opened = false;
		t = kmcl_transition(n->server, n->state, ev);
		if (!t)
			return "an event that cannot be";
		for (i = 0; t->steps[i] != KMCL_DO_END; i++) {
			if (!when--)
				act(n, a);
			opened |= t->steps[i] == KMCL_DO_OPEN;
			if (!do_step(n, t->steps[i]))
				return "a step at the wrong time";
		}
		if (opened) {
			n->in.up = outcome->up;
			n->in.old = outcome->old;
			n->gpadls = outcome->up;
		}
		if (!when--)
			act(n, a);
		if (opened && outcome->event == EV(NONE))
			act(n, A_DEAD);
		if (!arrive(n, ev, t->next, opened))
			return "something is due that cannot be in this state";
		if (!opened || outcome->event == EV(NONE))
			return NULL;
		ev = outcome->event;
	}
}

/* Does a disable reach Disabled in at most @left events? */
static const char *ends(struct node n, int left)
{
	static const enum act acts[] = {
		A_NOTHING, A_DEAD, A_LOST, A_LINK, A_PAUSE, A_FREEZE, A_THAW,
	};
	static const struct outcome none = { EV(NONE) };
	enum kmcl_event ev = kmcl_next_event(n.state, &n.in);
	const char *wrong = NULL;
	int i;

	if (n.state == ST(DISABLED) && !n.in.enabled)
		return NULL;
	if (!left)
		return "a disable that does not end";
	if (ev == EV(NONE) || ev == EV(LINK) || ev == EV(START))
		return "a disable that is ignored";
	for (i = 0; !wrong && i < ARRAY_SIZE(acts); i++) {
		struct node m = n;

		act(&m, acts[i]);
		wrong = handle(&m, kmcl_next_event(m.state, &m.in), A_NOTHING,
			       0, &none);
		if (!wrong)
			wrong = ends(m, left - 1);
	}
	return wrong;
}

static void report(struct kunit *test, const struct node *n, enum kmcl_event ev,
		   const char *wrong)
{
	if (wrong)
		KUNIT_FAIL(test, "%s, %s, inputs %#x, %s: %s",
			   n->server ? "server" : "client",
			   state_names[n->state], pack(&n->in),
			   event_names[ev], wrong);
}

struct walk {
	DECLARE_BITMAP(seen, BIT(NODE_BITS));
	u32 todo[SITUATIONS];
	u32 count;
};

static void found(struct walk *w, const struct node *n)
{
	u32 number = node_number(n);

	if (__test_and_set_bit(number, w->seen))
		return;
	if (w->count < SITUATIONS)
		w->todo[w->count] = number;
	w->count++;
}

static void follow(struct kunit *test, struct walk *w, const struct node *n,
		   enum kmcl_event ev)
{
	int a, when, i;

	for (a = 0; a < A_COUNT; a++) {
		/* Longest: an opening, what it leads to, and after that */
		for (when = 0; when < KMCL_MAX_STEPS + 3; when++) {
			for (i = 0; i < ARRAY_SIZE(outcomes); i++) {
				struct node m = *n;
				const char *wrong;

				if (n->server && outcomes[i].old)
					continue;
				wrong = handle(&m, ev, a, when, &outcomes[i]);
				report(test, n, ev, wrong);
				if (!wrong)
					found(w, &m);
				if (ev != EV(LINK))
					break;
			}
		}
	}
}

static void every_walk_keeps_the_order(struct kunit *test)
{
	struct walk *w = kvzalloc(sizeof(*w), GFP_KERNEL);
	struct node client = { .in.run = true }, server = { .server = true };
	u32 i, states[2] = {};
	int a;

	KUNIT_ASSERT_NOT_NULL(test, w);
	found(w, &client);
	found(w, &server);
	for (i = 0; i < min(w->count, SITUATIONS); i++) {
		struct node n = node_of(w->todo[i]), m;
		enum kmcl_event ev = kmcl_next_event(n.state, &n.in);

		states[n.server] |= BIT(n.state);
		for (a = 0; a < A_COUNT; a++) {
			m = n;
			act(&m, a);
			found(w, &m);
		}
		if (ev != EV(NONE))
			follow(test, w, &n, ev);
		m = n;
		act(&m, A_DISABLE);
		report(test, &m, EV(DISABLE), ends(m, 3));
		if (test->status == KUNIT_FAILURE)
			break;
	}
	KUNIT_EXPECT_LE(test, w->count, SITUATIONS);
	KUNIT_EXPECT_EQ(test, states[0], GENMASK(KMCL_ST_COUNT - 1, 0));
	KUNIT_EXPECT_EQ(test, states[1], GENMASK(KMCL_ST_COUNT - 1, 0));
	kunit_info(test, "%u situations\n", w->count);
	kvfree(w);
}

static struct kunit_case state_walk_cases[] = {
	/* KMCL: EVT_VMB_CHANNEL_OPENED EVT_VMB_CHANNEL_CLOSED */
	/* KMCL: EVT_VMB_CHANNEL_SUSPEND EVT_VMB_CHANNEL_STARTED */
	/* KMCL: EVT_VMB_CHANNEL_POST_STARTED */
	KUNIT_CASE(every_walk_keeps_the_order),
	{}
};

static struct kunit_suite state_walk_suite = {
	.name = "kmcl_state_walk",
	.test_cases = state_walk_cases,
};

kunit_test_suite(state_walk_suite);

MODULE_DESCRIPTION("KUnit walk through the KMCL state machine");
MODULE_LICENSE("GPL");
