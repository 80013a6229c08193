/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An image of a server's packets, the callbacks that save and restore them, and
 * what the suites about it share.
 */
#ifndef _KMCL_TEST_SAVE_HARNESS_H
#define _KMCL_TEST_SAVE_HARNESS_H

#include "harness.h"

#define IMAGE_BYTES	(64 * 1024)
#define MAX_CHUNKS	64
#define MAX_RESTORED	64

/* What the callbacks did; one test at a time */
struct image {
	u8 image[IMAGE_BYTES];
	u32 chunk[MAX_CHUNKS];	/* where it starts */
	u32 chunks;
	u32 bytes;

	u32 asked;		/* save callbacks without room */
	u32 saved;		/* and with */
	u32 grow;		/* more is needed the second time */
	bool fail;
	bool hold;
	int in_callback;	/* result of a forbidden call */
	struct completion entered;
	struct completion release;

	u8 *memory;		/* restore into this, not into the library's */
	u32 restored;
	u32 wrong_data;
	int status[MAX_RESTORED];	/* of the restored packets */
	u32 len[MAX_RESTORED];
	u64 reply[MAX_RESTORED];
	int packet_ret;			/* the last kmcl_packet_restore() */
	u32 ndone;
	struct end *end;
};

extern struct image *image;

/* As loop_init() and loop_exit(), with callbacks for the server's packets */
int image_init(struct kunit *test);
void image_exit(struct kunit *test);

/* Open, and paused on the server's side */
void image_open_paused(struct loop *loop);

/* Append a chunk of up to @size bytes to the image; or all in one */
int image_save_chunk(struct kmcl_channel *ch, u32 size, u32 *required);
void image_save(struct loop *loop);
int image_restore_chunk(struct loop *loop, u32 i);

/* The server is gone; another one offers the same, and is open and paused */
void image_replace_server(struct loop *loop, u32 flags);

/* An image of two packets that the client holds, and of one in the queue */
void image_leave_in_flight(struct loop *loop, u64 *ids);

#endif
