/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The machine hibernates, for suites that do not see what is inside a channel.
 */
#ifndef _KMCL_TEST_HIBERNATE_H
#define _KMCL_TEST_HIBERNATE_H

struct kmcl_channel;
struct kmcl_offer;

/* Suspend the offer that a channel has. Returns it, or NULL if that is refused. */
struct kmcl_offer *hibernate_channel(struct kmcl_channel *ch);
void wake_offer(struct kmcl_offer *offer);

#endif
