/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Channels and the memory that the guest shares for them. The layer above
 * packets.h. Serialised by vm->lock.
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include "host.h"

/* gpadl.c */
void gpadl_on_header(struct vmbus *bus, const void *payload, size_t length);
void gpadl_on_body(struct vmbus *bus, const void *payload, size_t length);
void gpadl_teardown(struct gpadl *gpadl);
struct gpadl *gpadl_find(struct vmbus *bus, uint32_t handle);
uint8_t **gpadl_pages(struct vmbus *bus, const struct gpadl *gpadl,
		      uint32_t *count);
void gpadl_drop_all(struct channel *channel, bool left);

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
