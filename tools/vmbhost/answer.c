// SPDX-License-Identifier: GPL-2.0
/*
 * The answers that the host refuses or keeps back.
 *
 * Serialised by vm->lock.
 */
#include <stdlib.h>

#include "host.h"

/**
 * answer_refuse() - whether this request is one of the next that are refused
 */
bool answer_refuse(struct vmbus *bus, enum answer answer)
{
	if (!bus->refuse[answer])
		return false;
	bus->refuse[answer]--;
	return true;
}

/* Return: false if the answer is to be given now */
static bool withhold(struct channel *channel, enum answer answer, uint32_t id,
		     void (*give)(struct channel *channel, uint32_t id))
{
	struct vmbus *bus = channel->bus;
	struct withheld *withheld;

	if (!bus->withhold[answer])
		return false;
	withheld = calloc(1, sizeof(*withheld));
	if (!withheld)
		return false;
	withheld->answer = answer;
	withheld->channel = channel;
	withheld->id = id;
	withheld->give = give;
	*bus->withheld_end = withheld;
	bus->withheld_end = &withheld->next;
	return true;
}

/**
 * answer_give() - give an answer, or keep it back if that was asked for
 * @id:		what the guest named its request by
 * @give:	gives it, now or when it is released
 */
void answer_give(struct channel *channel, enum answer answer, uint32_t id,
		 void (*give)(struct channel *channel, uint32_t id))
{
	if (!withhold(channel, answer, id, give))
		give(channel, id);
}

static void take_out(struct vmbus *bus, struct withheld **p)
{
	struct withheld *withheld = *p;

	*p = withheld->next;
	if (bus->withheld_end == &withheld->next)
		bus->withheld_end = p;
	free(withheld);
}

/**
 * answer_release() - give the answers that were withheld, and the later ones
 */
void answer_release(struct vmbus *bus, enum answer answer)
{
	struct withheld **p = &bus->withheld;

	bus->withhold[answer] = false;
	while (*p) {
		struct withheld one = **p;

		if (one.answer != answer) {
			p = &(*p)->next;
			continue;
		}
		take_out(bus, p);
		one.give(one.channel, one.id);
	}
}

/**
 * answer_drop() - the channel is gone: so are the answers it waits for
 * @all:	those to a teardown, too. A guest that waits for one looks at no
 *		rescind; but none is left when it has released the relid.
 */
void answer_drop(struct channel *channel, bool all)
{
	struct withheld **p = &channel->bus->withheld;

	while (*p) {
		if ((*p)->channel == channel &&
		    (all || (*p)->answer != ANSWER_TEARDOWN))
			take_out(channel->bus, p);
		else
			p = &(*p)->next;
	}
}
