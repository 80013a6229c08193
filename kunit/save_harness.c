// SPDX-License-Identifier: GPL-2.0
/*
 * Save and restore callbacks for the suites, see save_harness.h.
 */
#include <linux/vmalloc.h>

#include "save_harness.h"

struct image *image;

/* A driver's bytes with each packet, by the value that the packet carries */
static const u32 data_bytes[] = { 0, 3, 8, 100, 1 };

static int save_packet(struct kmcl_channel *ch, struct kmcl_packet *pkt,
		       void *buf, u32 size, u32 *needed)
{
	struct sent *sent = kmcl_packet_get_pointer(pkt);
	u32 bytes = data_bytes[sent->value % ARRAY_SIZE(data_bytes)];

	if (image->hold) {
		image->hold = false;
		image->in_callback = kmcl_channel_disable(ch);
		complete(&image->entered);
		wait_for_completion_timeout(&image->release, LOOP_LIMIT);
	}
	if (image->fail)
		return -EIO;
	if (size)
		image->saved++;
	else
		image->asked++;
	if (size && image->grow) {
		*needed = size + image->grow;
		image->grow = 0;
		return -ENOSPC;
	}
	if (!bytes)
		return 0;
	if (size < bytes) {
		*needed = bytes;
		return -ENOSPC;
	}
	memset(buf, 0x40 + sent->value, bytes);
	return 0;
}

static struct kmcl_packet *new_packet(struct kmcl_channel *ch)
{
	u32 size = kmcl_packet_size(ch);
	void *pkt;

	if (!image->memory)
		return kmcl_packet_alloc(ch);
	pkt = image->memory + image->restored * ALIGN(size, 8);
	return kmcl_packet_init(ch, pkt, size) ? NULL : pkt;
}

static void free_packet(struct kmcl_packet *pkt)
{
	if (!image->memory)
		kmcl_packet_free(pkt);
}

static void restored_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	u32 i = (unsigned long)kmcl_packet_get_pointer(pkt);

	image->status[i] = status;
	image->len[i] = len;
	image->reply[i] = len >= 8 ? *(u64 *)buf : 0;
	free_packet(pkt);
	WRITE_ONCE(image->ndone, image->ndone + 1);
	wake_up_all(&image->end->wait);
}

static int restore_packet(struct kmcl_channel *ch, void *saved, u32 saved_size,
			  void *data, u32 size)
{
	struct kmcl_packet *pkt;
	u32 i;

	if (image->restored == MAX_RESTORED)
		return -EIO;
	pkt = new_packet(ch);
	if (!pkt)
		return -ENOMEM;
	for (i = 1; i < size; i++)
		image->wrong_data += ((u8 *)data)[i] != *(u8 *)data;
	kmcl_packet_set_done(pkt, restored_done);
	kmcl_packet_set_pointer(pkt, (void *)(unsigned long)image->restored);
	image->status[image->restored] = 1;
	image->packet_ret = kmcl_packet_restore(pkt, saved, saved_size);
	if (image->packet_ret) {
		free_packet(pkt);
		return -EINVAL;
	}
	image->restored++;
	return 0;
}

int image_init(struct kunit *test)
{
	struct loop *loop;
	int ret;

	ret = loop_init(test);
	if (ret)
		return ret;
	loop = test->priv;
	image = vzalloc(sizeof(*image));
	if (!image)
		return -ENOMEM;
	init_completion(&image->entered);
	init_completion(&image->release);
	image->end = &loop->server;
	return kmcl_server_set_save_restore(loop->server.ch, save_packet,
					    restore_packet);
}

void image_exit(struct kunit *test)
{
	if (image)
		complete_all(&image->release);
	loop_exit(test);
	vfree(image);
	image = NULL;
}

void image_open_paused(struct loop *loop)
{
	struct kunit *test = loop->test;

	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_state(&loop->server, "Paused");
}

int image_save_chunk(struct kmcl_channel *ch, u32 size, u32 *required)
{
	u32 filled = 77;
	int ret;

	ret = kmcl_save_continue(ch, image->image + image->bytes, size, &filled,
				 required);
	if ((!ret || ret == -EMSGSIZE) && image->chunks < MAX_CHUNKS) {
		image->chunk[image->chunks++] = image->bytes;
		image->bytes += filled;
	}
	return ret;
}

void image_save(struct loop *loop)
{
	struct kunit *test = loop->test;
	struct kmcl_channel *ch = loop->server.ch;
	u32 required;

	KUNIT_ASSERT_EQ(test, 0, kmcl_save_begin(ch));
	KUNIT_ASSERT_EQ(test, 0, image_save_chunk(ch, IMAGE_BYTES, &required));
	kmcl_save_end(ch);
}

int image_restore_chunk(struct loop *loop, u32 i)
{
	u32 end = i + 1 < image->chunks ? image->chunk[i + 1] : image->bytes;

	return kmcl_restore(loop->server.ch, image->image + image->chunk[i],
			    end - image->chunk[i]);
}

void image_replace_server(struct loop *loop, u32 flags)
{
	struct kunit *test = loop->test;
	struct end *e = &loop->server;
	struct kmcl_channel *old = e->ch, *ch;

	kmcl_channel_disable(old);
	loop_wait_state(&loop->client, "Disabled");
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_alloc(NULL, true, &ch));
	kmcl_set_pointer(ch, e);
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_ops(ch, &old->cfg.ops));
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_process(ch, old->cfg.process,
						  old->cfg.processed));
	KUNIT_ASSERT_EQ(test, 0, kmcl_server_set_target(ch, &loop->type,
							&loop->instance));
	KUNIT_ASSERT_EQ(test, 0, kmcl_server_set_flags(ch, flags));
	KUNIT_ASSERT_EQ(test, 0, kmcl_server_set_save_restore(ch, save_packet,
							      restore_packet));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_free(old));
	e->ch = ch;
	loop_forget(e);
	loop_forget(&loop->client);
	image_open_paused(loop);
}

void image_leave_in_flight(struct loop *loop, u64 *ids)
{
	struct kmcl_packet *pkt;
	u32 i = 0;

	loop->client.keep = true;
	loop_up(loop);
	loop_send(&loop->server, 1, KMCL_SEND_WAIT);
	loop_send(&loop->server, 2, KMCL_SEND_WAIT);
	loop_wait(&loop->client, loop_kept(&loop->client) == 2);
	kmcl_channel_pause(loop->server.ch);
	loop_send(&loop->server, 3, KMCL_SEND_WAIT);
	list_for_each_entry(pkt, &loop->server.ch->tx.in_flight, item.node)
		ids[i++] = pkt->trans_id;
	image_save(loop);
	KUNIT_EXPECT_EQ(loop->test, image->asked, 3);
	loop_complete_all(&loop->client);
	loop->client.keep = false;
}
