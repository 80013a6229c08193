// SPDX-License-Identifier: GPL-2.0
/*
 * A packet for which the ring has no room, and the signal that there is some: it
 * comes at the worst time, after the peer was asked for it, and before the packet is
 * in the queue. A probe on the tracepoint of queueing is there, under tx.lock.
 */
#include <linux/tracepoint.h>

#include "comps_harness.h"
#include "trace.h"

static struct {
	const struct kmcl_channel *ch;
	u32 calls;
	u32 in_queue;		/* entries, the first time */
	u32 asked;		/* for so many bytes */
	bool looks;		/* whoever is signalled does so */
} room;

static void on_queue(void *data, const struct kmcl_channel *ch,
		     const struct kmcl_packet *pkt, u64 depth)
{
	if (ch != room.ch || room.calls++)
		return;
	room.in_queue = list_count_nodes((struct list_head *)&ch->tx.queue);
	room.asked = READ_ONCE(fake.out->ctl->pending_send_sz);
	room.looks = kmcl_tx_waits(&ch->tx);
}

static int send_alone(struct loop *loop)
{
	loop_send(&loop->client, 7, 0);
	return 0;
}

static int send_request(struct loop *loop)
{
	loop_send(&loop->client, 7, KMCL_SEND_WAIT);
	return 0;
}

static int send_more(struct loop *loop)
{
	loop_send(&loop->client, 7, KMCL_SEND_MORE);
	return 0;
}

static int send_batch(struct loop *loop)
{
	struct kmcl_message msg = {};
	struct sent *sent;
	u64 value = 7;

	msg.pkt = loop_prepare(&loop->client, value, &sent);
	msg.buf = &value;
	msg.len = sizeof(value);
	return kmcl_send_many(loop->client.ch, &msg, 1) - 1;
}

static const struct sending {
	const char *name;
	int (*send)(struct loop *loop);
} sendings[] = {
	{ "a packet", send_alone },
	{ "a request", send_request },
	{ "a packet, with KMCL_SEND_MORE", send_more },
	{ "a batch", send_batch },
};

KUNIT_ARRAY_PARAM_DESC(sending, sendings, name);

static void the_signal_is_not_lost(struct kunit *test)
{
	const struct sending *sending = test->param_value;
	struct loop *loop = test->priv;

	fake_up(loop);
	room.ch = loop->client.ch;
	comps_leave_room(0);
	KUNIT_EXPECT_EQ(test, sending->send(loop), 0);
	KUNIT_EXPECT_EQ(test, room.calls, 1);
	KUNIT_EXPECT_EQ(test, room.in_queue, 0);
	KUNIT_EXPECT_GT(test, room.asked, 0);
	KUNIT_EXPECT_TRUE(test, room.looks);
	/* And the packet is sent by it */
	KUNIT_EXPECT_EQ(test, comps_next(test), 0);
	WRITE_ONCE(fake.out->ctl->read_index, 0);
	fake_interrupt();
	KUNIT_EXPECT_EQ(test, comps_next(test), PACKET + 7);
	KUNIT_EXPECT_EQ(test, READ_ONCE(fake.out->ctl->pending_send_sz), 0);
	KUNIT_EXPECT_FALSE(test, kmcl_tx_waits(&loop->client.ch->tx));
}

static int room_init(struct kunit *test)
{
	int ret = comps_init(test);

	memset(&room, 0, sizeof(room));
	return ret ?: register_trace_kmcl_queue(on_queue, NULL);
}

static void room_exit(struct kunit *test)
{
	unregister_trace_kmcl_queue(on_queue, NULL);
	tracepoint_synchronize_unregister();
	fake_exit(test);
}

static struct kunit_case room_cases[] = {
	/* KMCL: VmbPacketSend */
	KUNIT_CASE_PARAM(the_signal_is_not_lost, sending_gen_params),
	{}
};

static struct kunit_suite room_suite = {
	.name = "kmcl_room",
	.init = room_init,
	.exit = room_exit,
	.test_cases = room_cases,
};

kunit_test_suite(room_suite);

MODULE_DESCRIPTION("KUnit tests of room in the ring that comes early");
MODULE_LICENSE("GPL");
