// SPDX-License-Identifier: GPL-2.0
/*
 * Prints a client's state machine as Promela: the transition table, which event is
 * next, and what entering a state does to the inputs. It is linked with the library's
 * state.c, and asks that, so nothing is written down twice. With the argument "dot" it
 * prints the states and events as a graph, for Documentation/channel-states.dot.
 *
 * The text uses ch[], which model.pml declares.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

#define NAME(name, ...)		#name,
static const char * const states[] = { KMCL_STATES(NAME) };
static const char * const events[] = { KMCL_EVENTS(NAME) };
static const char * const steps[] = { KMCL_STEPS(NAME) };

/* Bits of a step in the packed steps of a row, see next_step() in model.pml */
#define STEP_BITS	5

#define INPUTS(X)							\
	X(enabled) X(run) X(link) X(disable) X(dead) X(dead_first)	\
	X(post) X(lost) X(old) X(up) X(frozen) X(froze)
static const char * const names[] = { INPUTS(NAME) };

#define COUNT		(sizeof(names) / sizeof(names[0]))
#define ALL		((1U << COUNT) - 1)

static_assert(sizeof(struct kmcl_inputs) == COUNT * sizeof(bool),
	      "an input is missing here");
static_assert(KMCL_DO_COUNT <= 1 << STEP_BITS, "a step does not fit");
static_assert(KMCL_MAX_STEPS * STEP_BITS < 32, "a row does not fit");

static struct kmcl_inputs unpack(unsigned int bits)
{
	bool in[COUNT];
	struct kmcl_inputs ret;
	unsigned int i;

	for (i = 0; i < COUNT; i++)
		in[i] = bits >> i & 1;
	memcpy(&ret, in, sizeof(ret));
	return ret;
}

static unsigned int pack(const struct kmcl_inputs *in)
{
	bool each[COUNT];
	unsigned int i, bits = 0;

	memcpy(each, in, sizeof(each));
	for (i = 0; i < COUNT; i++)
		bits |= (unsigned int)each[i] << i;
	return bits;
}

static enum kmcl_event event_of(enum kmcl_state state, unsigned int bits)
{
	struct kmcl_inputs in = unpack(bits);

	return kmcl_next_event(state, &in);
}

/*
 * Does the event depend on input @i, where the inputs @known have the values @bits?
 * The inputs that are not known take all values.
 */
static bool depends(enum kmcl_state state, unsigned int known, unsigned int bits,
		    unsigned int i)
{
	unsigned int b, free = ALL & ~known & ~(1U << i);

	/* All subsets of the free inputs */
	for (b = free;; b = (b - 1) & free) {
		if (event_of(state, bits | b) !=
		    event_of(state, bits | b | 1U << i))
			return true;
		if (!b)
			return false;
	}
}

/* An expression for the event, one input after the other */
static void print_event(enum kmcl_state state, unsigned int known,
			unsigned int bits)
{
	unsigned int i;

	for (i = 0; i < COUNT; i++) {
		if (known >> i & 1 || !depends(state, known, bits, i))
			continue;
		printf("(ch[c].in_%s -> ", names[i]);
		print_event(state, known | 1U << i, bits | 1U << i);
		printf(" : ");
		print_event(state, known | 1U << i, bits);
		printf(")");
		return;
	}
	printf("EV_%s", events[event_of(state, bits)]);
}

static void print_events(void)
{
	int s;

	printf("#define NEXT_EVENT(c) \\\n");
	for (s = 0; s < KMCL_ST_COUNT; s++) {
		printf("\t(ch[c].state == ST_%s -> ", states[s]);
		print_event(s, 0, 0);
		printf(" : \\\n");
	}
	printf("\tEV_NONE");
	for (s = 0; s < KMCL_ST_COUNT; s++)
		printf(")");
	printf("\n\n");
}

/* What entering @next does to input @i: 0, 1, or -1 for nothing */
static int effect(enum kmcl_event ev, enum kmcl_state next, unsigned int i)
{
	unsigned int b, after, seen = 0;

	for (b = 0; b <= ALL; b++) {
		struct kmcl_inputs in = unpack(b);

		kmcl_arrive(false, ev, next, &in);
		after = pack(&in) >> i & 1;
		seen |= 1U << (2 * (b >> i & 1) + after);
	}
	switch (seen) {
	case 1 << 0 | 1 << 2:
		return 0;
	case 1 << 1 | 1 << 3:
		return 1;
	case 1 << 0 | 1 << 3:
		return -1;
	}
	fprintf(stderr, "table: %s does to \"%s\" what depends on other inputs\n",
		events[ev], names[i]);
	exit(1);
}

static void print_row(const struct kmcl_transition *row)
{
	unsigned int packed = 0, i;

	printf("\t/*");
	for (i = 0; row->steps[i] != KMCL_DO_END; i++) {
		printf(" %s", steps[row->steps[i]]);
		packed |= (unsigned int)row->steps[i] << i * STEP_BITS;
	}
	printf(" */\n\t:: from == ST_%s && event == EV_%s -> to = ST_%s; row = %u\n",
	       states[row->state], events[row->event], states[row->next],
	       packed);
}

static void print_arrival(const struct kmcl_transition *row)
{
	static bool printed[KMCL_EV_COUNT][KMCL_ST_COUNT];
	bool any = false;
	unsigned int i;
	int value;

	/* It is the same for all states that are left */
	if (printed[row->event][row->next])
		return;
	printed[row->event][row->next] = true;
	for (i = 0; i < COUNT; i++) {
		value = effect(row->event, row->next, i);
		if (value < 0)
			continue;
		if (!any)
			printf("\t:: event == EV_%s && to == ST_%s ->",
			       events[row->event], states[row->next]);
		printf("%s ch[c].in_%s = %d", any ? ";" : "", names[i], value);
		any = true;
	}
	if (any)
		printf("\n");
}

static void each_row(void (*print)(const struct kmcl_transition *row))
{
	const struct kmcl_transition *row;
	int s, e;

	for (s = 0; s < KMCL_ST_COUNT; s++) {
		for (e = 0; e < KMCL_EV_COUNT; e++) {
			row = kmcl_transition(false, s, e);
			if (row)
				print(row);
		}
	}
}

static void print_names(const char *prefix, const char * const *list, int count)
{
	int i;

	for (i = 0; i < count; i++)
		printf("#define %s_%s\t%d\n", prefix, list[i], i);
	printf("\n");
}

#define TEXT(name, text)	text,
static const char * const texts[] = { KMCL_STATES(TEXT) };

/* All events that lead from one state to another, at one arrow */
static void print_arrow(int state, int next)
{
	const struct kmcl_transition *row;
	const char *before = "";
	int e;

	for (e = 0; e < KMCL_EV_COUNT; e++) {
		row = kmcl_transition(false, state, e);
		if (!row || row->next != next)
			continue;
		if (!*before)
			printf("\t%s -> %s [label=\"", states[state], states[next]);
		printf("%s%s", before, events[e]);
		before = "\\n";
	}
	if (*before)
		printf("\"];\n");
}

static void print_dot(void)
{
	int s, next;

	printf("// Made from drivers/vmbkmcl/state.c: \"table dot\" of tools/model\n"
	       "digraph states {\n\tnode [shape=box, style=rounded, fontname=sans];\n"
	       "\tedge [fontname=sans, fontsize=9];\n");
	for (s = 0; s < KMCL_ST_COUNT; s++)
		printf("\t%s [label=\"%s%s\"];\n", states[s], texts[s],
		       s == KMCL_ST_STARTING ? "\\n(Started was called)" : "");
	for (s = 0; s < KMCL_ST_COUNT; s++)
		for (next = 0; next < KMCL_ST_COUNT; next++)
			print_arrow(s, next);
	printf("}\n");
}

int main(int argc, char **argv)
{
	unsigned int i;

	if (argc > 1 && !strcmp(argv[1], "dot")) {
		print_dot();
		return 0;
	}
	print_names("ST", states, KMCL_ST_COUNT);
	print_names("EV", events, KMCL_EV_COUNT);
	print_names("DO", steps, KMCL_DO_COUNT);
	printf("#define STEP_BITS\t%d\n\n#define KMCL_INPUTS", STEP_BITS);
	for (i = 0; i < COUNT; i++)
		printf(" bit in_%s;", names[i]);
	printf("\n\n");
	print_events();
	printf("/* The row for a state and an event */\n"
	       "inline find_row(from, event, to, row)\n{\n\tif\n");
	each_row(print_row);
	printf("\t:: else -> assert(false) /* no such row */\n\tfi\n}\n\n"
	       "inline arrive(c, event, to)\n{\n\tif\n");
	each_row(print_arrival);
	printf("\t:: else\n\tfi\n}\n");
	return 0;
}
