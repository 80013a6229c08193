/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The packets of an open channel. The layer above host.h.
 * Serialised by vm->lock.
 */
#ifndef PACKETS_H
#define PACKETS_H

#include "host.h"

/* tx.c */
void channel_signal_guest(struct channel *channel);
enum ring_result channel_write(struct channel *channel,
			       const struct descriptor *desc,
			       const void *payload, uint32_t bytes);
enum ring_result channel_write_ranges(struct channel *channel,
				      const struct descriptor *desc,
				      const void *header, uint32_t header_bytes,
				      const void *payload, uint32_t bytes);

/* traffic.c */
uint32_t crc32(uint32_t crc, const void *data, size_t length);
void traffic_gather(struct channel *channel, const struct packet *packet);
void traffic_check(struct channel *channel, const struct packet *packet);
uint32_t traffic_fill(uint8_t *payload, uint32_t bytes, uint64_t sequence);
uint32_t traffic_make(const struct channel *channel, uint8_t *payload,
		      uint32_t bytes, uint64_t sequence);

/* ranges.c */
uint32_t ranges_fill(struct channel *channel, uint64_t trans,
		     struct ranges_header *header);

/* garble.c */
void garble_work(struct channel *channel);
bool garble_request(struct channel *channel, uint64_t trans);
bool garble_waits(struct channel *channel, uint64_t now);
void garble_offer(struct channel *channel, struct msg_offer *offer);
void garble_open_result(struct channel *channel, struct msg_open_result *msg);

/* behaviours.c */
void behaviour_signal(struct channel *channel);
void behaviour_work(struct channel *channel);
void behaviour_set(struct channel *channel, const struct behaviour *behaviour);
void behaviour_started(struct channel *channel);
void behaviour_stopped(struct channel *channel);
void behaviour_forget(struct channel *channel);

/* monitor.c */
uint64_t monitor_look(struct channel *channel);

#endif
