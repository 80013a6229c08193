/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Channels, offered and opened. The layer above packets.h. Serialised by
 * vm->lock.
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include "host.h"

/* channel.c */
struct channel *channel_add(struct vmbus *bus, const struct guid *class,
			    const struct guid *instance);
int channel_offer(struct channel *channel);
int channel_rescind(struct channel *channel);
int channel_add_subs(struct channel *channel, unsigned int count);
void channel_offer_all(struct vmbus *bus);
void channel_reset_all(struct vmbus *bus);
void channel_on_open(struct vmbus *bus, const struct msg_open *msg);
void channel_on_close(struct vmbus *bus, uint32_t relid);
void channel_on_teardown(struct vmbus *bus,
			 const struct msg_gpadl_teardown *msg);
void channel_on_released(struct vmbus *bus, uint32_t relid);
void channel_on_modify(struct vmbus *bus, const struct msg_modify *msg);
void channel_reset_counters(struct channel *channel);

#endif
