/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The machine hibernates, for suites that do not see what is inside a channel.
 */
#ifndef _KMCL_TEST_HIBERNATE_H
#define _KMCL_TEST_HIBERNATE_H

struct kmcl_channel;

/* For a channel that has an offer, as kmcl_offer_suspend() and kmcl_offer_resume() */
int hibernate_channel(struct kmcl_channel *ch);
void wake_channel(struct kmcl_channel *ch);

#endif
