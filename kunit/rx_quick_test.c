// SPDX-License-Identifier: GPL-2.0
/*
 * The short path of delivery: what it must leave to the long one, and what others
 * do meanwhile. Each case begins with packets that end inside their callback, so
 * that delivery has a context at hand, which it has not for the first packet of an
 * opening. The test is the peer.
 */
#include "fake_transport.h"

#define GOOD	3
#define PAYLOAD	64

static struct {
	u32 lens[GOOD + 8];
	u32 wrong;
} quick;

static void note_length(struct end *e, struct kmcl_context *ctx, u64 value)
{
	u32 got = loop_got(e) - 1;

	if (got < ARRAY_SIZE(quick.lens))
		quick.lens[got] = ctx->len;
	kmcl_complete(ctx, NULL, 0);
}

/* Write a packet of @len bytes, with the fields of @desc that are not 0 */
static void put(struct kunit *test, u32 len, const struct kmcl_wire_desc *desc)
{
	struct kmcl_ring *ring = &fake.in->tx;
	struct kmcl_wire_desc *at = (void *)(ring->data + ring->index);
	static const u8 payload[KMCL_DEFAULT_PACKET_SIZE + 8];

	KUNIT_ASSERT_EQ(test, 0, kmcl_ring_put(ring, KMCL_WIRE_DATA_INBAND, 0, 1,
					       NULL, 0, payload, len));
	if (desc->type)
		at->type = desc->type;
	if (desc->offset8)
		at->offset8 = desc->offset8;
	if (desc->len8)
		at->len8 = desc->len8;
	kmcl_ring_commit(ring);
}

static void put_good(struct kunit *test, u32 count)
{
	while (count--)
		put(test, PAYLOAD, &(struct kmcl_wire_desc) {});
}

static void begin(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.process = note_length;
	fake_up(loop);
	put_good(test, GOOD);
	fake_interrupt();
	loop_wait(&loop->client, loop_got(&loop->client) == GOOD);
	KUNIT_EXPECT_PTR_EQ(test, loop->client.ch->rx.quick,
			    loop->client.ch->rx.own);
	KUNIT_EXPECT_NOT_NULL(test, loop->client.ch->rx.quick);
}

/* The packet is counted as @bad, and no other one is delivered */
static void expect_stopped(struct kunit *test, enum kmcl_bad bad)
{
	struct loop *loop = test->priv;

	put_good(test, 1);
	fake_interrupt();
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).bad[bad], 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).bad_packets, 1);
	KUNIT_EXPECT_EQ(test, loop_got(&loop->client), GOOD);
}

/* The packet is counted as @bad, and the next one is delivered */
static void expect_dropped(struct kunit *test, enum kmcl_bad bad)
{
	struct loop *loop = test->priv;

	put_good(test, 1);
	fake_interrupt();
	loop_wait(&loop->client, loop_got(&loop->client) == GOOD + 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).bad[bad], 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).bad_packets, 1);
	KUNIT_EXPECT_EQ(test, quick.lens[GOOD], PAYLOAD);
}

static void a_packet_without_a_whole_descriptor(struct kunit *test)
{
	begin(test);
	put(test, PAYLOAD, &(struct kmcl_wire_desc) { .len8 = cpu_to_le16(1) });
	expect_stopped(test, KMCL_BAD_OFFSET);
}

static void an_offset_inside_the_descriptor(struct kunit *test)
{
	begin(test);
	put(test, PAYLOAD, &(struct kmcl_wire_desc) {
		.offset8 = cpu_to_le16(1) });
	expect_stopped(test, KMCL_BAD_OFFSET);
}

/* One unit more than there is, trailer included; and as long as can be said */
static void a_length_beyond_the_data(struct kunit *test)
{
	u16 len8 = (KMCL_RING_DESC + PAYLOAD) / 8 + 1;

	begin(test);
	put(test, PAYLOAD, &(struct kmcl_wire_desc) {
		.len8 = cpu_to_le16(len8) });
	fake_interrupt();
	expect_stopped(test, KMCL_BAD_LENGTH);
}

static void the_longest_length_beyond_the_data(struct kunit *test)
{
	struct loop *loop = test->priv;

	/* So that it is not too long for a packet */
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(loop->client.ch,
							  KMCL_MAX_PACKET_SIZE));
	begin(test);
	put(test, PAYLOAD, &(struct kmcl_wire_desc) {
		.len8 = cpu_to_le16(U16_MAX) });
	expect_stopped(test, KMCL_BAD_LENGTH);
}

static void a_write_index_outside_the_ring(struct kunit *test)
{
	struct loop *loop = test->priv;

	begin(test);
	WRITE_ONCE(fake.in->ctl->write_index, fake.in->size + 8);
	fake_interrupt();
	KUNIT_EXPECT_EQ(test, 1,
			loop_counters(&loop->client).bad[KMCL_BAD_WRITE_INDEX]);
	KUNIT_EXPECT_EQ(test, loop_got(&loop->client), GOOD);
}

static void a_payload_above_the_packet_size(struct kunit *test)
{
	begin(test);
	put(test, KMCL_DEFAULT_PACKET_SIZE + 8, &(struct kmcl_wire_desc) {});
	expect_dropped(test, KMCL_BAD_SIZE);
}

static void an_unknown_type(struct kunit *test)
{
	begin(test);
	put(test, PAYLOAD, &(struct kmcl_wire_desc) { .type = cpu_to_le16(5) });
	expect_dropped(test, KMCL_BAD_TYPE);
}

/* Not what Linux and Windows write, but allowed: the payload begins later */
static void a_longer_header(struct kunit *test)
{
	struct loop *loop = test->priv;

	begin(test);
	put(test, PAYLOAD, &(struct kmcl_wire_desc) {
		.offset8 = cpu_to_le16(4) });
	put(test, KMCL_DEFAULT_PACKET_SIZE, &(struct kmcl_wire_desc) {});
	put(test, 0, &(struct kmcl_wire_desc) {});
	fake_interrupt();
	loop_wait(&loop->client, loop_got(&loop->client) == GOOD + 3);
	KUNIT_EXPECT_EQ(test, quick.lens[GOOD], PAYLOAD - 16);
	KUNIT_EXPECT_EQ(test, quick.lens[GOOD + 1], KMCL_DEFAULT_PACKET_SIZE);
	KUNIT_EXPECT_EQ(test, quick.lens[GOOD + 2], 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).bad_packets, 0);
}

/* And the context stays at hand */
static void a_completion_of_the_peer(struct kunit *test)
{
	struct loop *loop = test->priv;

	begin(test);
	fake_completion(loop, 12345);
	fake_interrupt();
	loop_poll(&loop->client, c->comps_stale == 1);
	KUNIT_EXPECT_NOT_NULL(test, loop->client.ch->rx.quick);
	put_good(test, 1);
	fake_interrupt();
	loop_wait(&loop->client, loop_got(&loop->client) == GOOD + 1);
}

/* A signal that comes in the callback leaves the packet to the delivery */
static void one_more_comes(struct end *e, struct kmcl_context *ctx, u64 value)
{
	if (loop_got(e) == GOOD + 1) {
		put_good(e->loop->test, 1);
		fake_interrupt();
		quick.wrong += loop_got(e) != GOOD + 1;
		quick.wrong += !kmcl_rx_is(&e->ch->rx, KMCL_RX_AGAIN);
	}
	kmcl_complete(ctx, NULL, 0);
}

static void a_signal_in_the_callback(struct kunit *test)
{
	struct loop *loop = test->priv;

	begin(test);
	loop->client.process = one_more_comes;
	put_good(test, 1);
	fake_interrupt();
	loop_wait(&loop->client, loop_got(&loop->client) == GOOD + 2);
	KUNIT_EXPECT_EQ(test, quick.wrong, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&loop->client.ch->rx.state),
			KMCL_RX_OPEN);
	KUNIT_EXPECT_FALSE(test, kmcl_rx_runs(&loop->client.ch->rx));
}

static void use_the_memory(struct end *e, struct kmcl_context *ctx, u64 value)
{
	u64 *priv = kmcl_context_priv(ctx);

	quick.wrong += priv[0] || priv[1];
	priv[0] = 1;
	priv[1] = 2;
	kmcl_complete(ctx, NULL, 0);
}

static void the_drivers_memory_is_cleared(struct kunit *test)
{
	struct loop *loop = test->priv;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_context_size(loop->client.ch, 16));
	begin(test);
	loop->client.process = use_the_memory;
	put_good(test, GOOD);
	fake_interrupt();
	loop_wait(&loop->client, loop_got(&loop->client) == 2 * GOOD);
	KUNIT_EXPECT_EQ(test, quick.wrong, 0);
}

static int quick_init(struct kunit *test)
{
	memset(&quick, 0, sizeof(quick));
	return fake_init(test);
}

static struct kunit_case rx_quick_cases[] = {
	/* KMCL: EVT_VMB_CHANNEL_PROCESS_PACKET */
	KUNIT_CASE(a_packet_without_a_whole_descriptor),
	KUNIT_CASE(an_offset_inside_the_descriptor),
	KUNIT_CASE(a_length_beyond_the_data),
	KUNIT_CASE(the_longest_length_beyond_the_data),
	KUNIT_CASE(a_write_index_outside_the_ring),
	KUNIT_CASE(a_payload_above_the_packet_size),
	KUNIT_CASE(an_unknown_type),
	KUNIT_CASE(a_longer_header),
	KUNIT_CASE(a_completion_of_the_peer),
	KUNIT_CASE(a_signal_in_the_callback),
	/* KMCL: VmbChannelInitSetClientContextSize */
	KUNIT_CASE(the_drivers_memory_is_cleared),
	{}
};

static struct kunit_suite rx_quick_suite = {
	.name = "kmcl_rx_quick",
	.init = quick_init,
	.exit = fake_exit,
	.test_cases = rx_quick_cases,
};

kunit_test_suite(rx_quick_suite);
