/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A client and a server that were made from descriptions, on the loopback bus,
 * and what their callbacks have noted.
 *
 * The callbacks run on the library's workqueue and in softirqs; side.lock is held
 * for what those write, and the tests wait for it.
 */
#ifndef _KMCL_TEST_CLIENT_HARNESS_H
#define _KMCL_TEST_CLIENT_HARNESS_H

#include "harness.h"

#define TYPE	GUID_INIT(0x7d1c9b52, 0x3a40, 0x4f7e, \
			  0x9c, 0x15, 0x60, 0x0e, 0xb1, 0x7d, 0x22, 0x01)
#define KEPT	4U

struct side {
	struct kmcl_channel *ch;
	spinlock_t lock;		/* the rest */
	enum loop_event log[8];
	unsigned int logged;
	int opened_result;
	int failure;
	u32 packets;
	u32 in_task;
	u32 len;
	u32 batches;
	u32 context_bytes;
	u32 dirty;			/* bytes of context that were not 0 */
	bool keep;
	struct kmcl_context *kept[KEPT];
};

struct made_channels {
	struct side client;
	struct side server;
	wait_queue_head_t wait;
	u32 saved, restored;
};

extern struct made_channels made;

extern const guid_t client_instance;
extern const guid_t client_other_instance;

/* With all callbacks, and no limits */
extern const struct kmcl_client client_described;
extern const struct kmcl_server server_described;

int client_init(struct kunit *test);
void client_exit(struct kunit *test);
void client_make(struct kunit *test, const struct kmcl_client *c);
void client_make_server(struct kunit *test, const struct kmcl_server *s);
void client_open_both(struct kunit *test);
/* Until that is the last event */
void client_wait_log(struct kunit *test, struct side *s, enum loop_event event);
void client_wait_packets(struct kunit *test, struct side *s, u32 packets);
/* 2 bytes to the server, and 3 to the client */
void client_send_both(struct kunit *test);

#endif
