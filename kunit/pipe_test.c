// SPDX-License-Identifier: GPL-2.0
/*
 * Pipe mode: what is on the wire, messages of every length, and headers that
 * lie.
 */
#include <linux/slab.h>

#include "harness.h"

#define PIPE_DATA	1
#define PIPE_MAX	16384

static void both_pipes(struct loop *loop, u32 max)
{
	struct kunit *test = loop->test;
	struct kmcl_channel *client = loop->client.ch, *server = loop->server.ch;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_flags(client, KMCL_INIT_PIPE));
	KUNIT_ASSERT_EQ(test, 0,
			kmcl_server_set_flags(server, KMCL_SERVER_OFFER_AS_PIPE));
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(client, max));
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(server, max));
}

/* What arrived, byte for byte */
struct message {
	u32 len;
	u8 data[PIPE_MAX];
};

static struct message *last;

static void remember(struct end *e, struct kmcl_context *ctx, u64 value)
{
	last->len = ctx->len;
	memcpy(last->data, ctx->buf, ctx->len);
	kmcl_complete(ctx, &value, sizeof(value));
}

static int send_bytes(struct end *e, const u8 *data, u32 len, u32 flags)
{
	struct kmcl_packet *pkt = kmcl_packet_alloc(e->ch);
	int ret;

	KUNIT_ASSERT_NOT_NULL(e->loop->test, pkt);
	ret = kmcl_send(pkt, data, len, flags);
	if (ret)
		kmcl_packet_free(pkt);
	return ret;
}

static void a_message_arrives_with_its_exact_length(struct kunit *test)
{
	static const u32 lens[] = {
		0, 1, 2, 7, 8, 9, 15, 16, 17, 4095, 4096, 16376, 16383, PIPE_MAX
	};
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	u8 *data = kunit_kzalloc(test, PIPE_MAX, GFP_KERNEL);
	u32 i, got = 0;

	last = kunit_kzalloc(test, sizeof(*last), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, data);
	KUNIT_ASSERT_NOT_NULL(test, last);
	for (i = 0; i < PIPE_MAX; i++)
		data[i] = i % 251 + 1;
	both_pipes(loop, PIPE_MAX);
	server->process = remember;
	loop_up(loop);
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		memset(last, 0xee, sizeof(*last));
		KUNIT_ASSERT_EQ(test, 0,
				send_bytes(&loop->client, data, lens[i], 0));
		got++;
		loop_wait(server, loop_got(server) == got &&
			  !READ_ONCE(server->processing));
		KUNIT_EXPECT_EQ(test, last->len, lens[i]);
		KUNIT_EXPECT_EQ(test, server->got_len, lens[i]);
		KUNIT_EXPECT_MEMEQ(test, last->data, data, lens[i]);
	}
	KUNIT_EXPECT_EQ(test, loop_counters(server).bad_packets, 0);
}

static void messages_keep_their_bounds_and_order(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	both_pipes(loop, 4096);
	loop_up_paused(loop);
	/* More than the ring holds, then both ways */
	for (i = 0; i < 2000; i++)
		loop_send(&loop->client, i, 0);
	KUNIT_EXPECT_GT(test, loop_counters(&loop->client).queued, 0);
	kmcl_channel_start(loop->server.ch);
	for (i = 0; i < 500; i++)
		loop_send(&loop->server, i, 0);
	loop_wait(&loop->server, loop_got(&loop->server) == 2000);
	loop_wait(&loop->client, loop_got(&loop->client) == 500);
	for (i = 0; i < 2000; i++)
		KUNIT_ASSERT_EQ(test, loop->server.got[i], i);
	for (i = 0; i < 500; i++)
		KUNIT_ASSERT_EQ(test, loop->client.got[i], i);
	loop_wait(&loop->client, loop_done(&loop->client) == 2000);
	loop_wait(&loop->server, loop_done(&loop->server) == 500);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).bad_packets, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).comps_sent, 0);
}

static void messages_are_sent_together(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_message msg[40];
	u64 value[40];
	u32 i;

	both_pipes(loop, 4096);
	loop_up(loop);
	loop_messages(&loop->client, msg, value, ARRAY_SIZE(msg));
	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(msg),
			kmcl_send_many(loop->client.ch, msg, ARRAY_SIZE(msg)));
	loop_wait(&loop->server, loop_got(&loop->server) == ARRAY_SIZE(msg));
	for (i = 0; i < ARRAY_SIZE(msg); i++)
		KUNIT_EXPECT_EQ(test, loop->server.got[i], i);
	loop_wait(&loop->client, loop_done(&loop->client) == ARRAY_SIZE(msg));
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).bad_packets, 0);
	loop_expect_balance(&loop->client);
}

/* Nobody reads: the paused server's ring still holds what was sent */
static void the_header_is_what_vmbus_pipes_have(struct kunit *test)
{
	static const u8 want[] = {
		/* in-band, payload at 2 * 8, ends at 4 * 8, no flags */
		6, 0, 2, 0, 4, 0, 0, 0,
	};
	static const u8 want_payload[] = {
		1, 0, 0, 0, 5, 0, 0, 0, 'h', 'e', 'l', 'l', 'o', 0, 0, 0,
	};
	struct loop *loop = test->priv;

	both_pipes(loop, 64);
	loop_up_paused(loop);
	KUNIT_ASSERT_EQ(test, 0, send_bytes(&loop->client, "hello", 5, 0));
	KUNIT_EXPECT_EQ(test, loop->client.ch->tx.ring.index, 40);
	KUNIT_EXPECT_MEMEQ(test, loop->client.ch->tx.ring.data, want, sizeof(want));
	KUNIT_EXPECT_MEMEQ(test, loop->client.ch->tx.ring.data + 16, want_payload,
			   sizeof(want_payload));
}

/* Send a message with any header, valid or not */
static void send_message(struct end *e, u32 type, u32 bytes, u32 payload,
			 u16 flags)
{
	struct {
		__le32 type, bytes;
		u8 rest[120];
	} message = {
		.type = cpu_to_le32(type),
		.bytes = cpu_to_le32(bytes),
	};

	KUNIT_ASSERT_LE(e->loop->test, payload, (u32)sizeof(message));
	memset(message.rest, 0x55, sizeof(message.rest));
	loop_inject(e, KMCL_WIRE_DATA_INBAND, flags, NULL, 0, &message, payload);
}

static const struct bad_header {
	const char *name;
	u32 type, bytes, payload;
} bad_headers[] = {
	{ "none at all", PIPE_DATA, 0, 0 },
	{ "one byte more than there is", PIPE_DATA, 9, 16 },
	{ "most bytes", PIPE_DATA, U32_MAX, 16 },
	{ "a length that wraps to 0", PIPE_DATA, U32_MAX - 7, 16 },
	{ "more than the channel's limit", PIPE_DATA, 65, 80 },
	{ "type 0", 0, 8, 16 },
	{ "type 2, read in part: never the peer's", 2, 8, 16 },
	{ "type 3", 3, 8, 16 },
	{ "type 4", 4, 8, 16 },
	{ "type 5", 5, 8, 16 },
	{ "the last type", U32_MAX, 8, 16 },
};

KUNIT_ARRAY_PARAM_DESC(bad_header, bad_headers, name);

static void bad_headers_are_counted_and_dropped(struct kunit *test)
{
	const struct bad_header *bad = test->param_value;
	struct loop *loop = test->priv;
	struct end *server = &loop->server;

	both_pipes(loop, 64);
	loop_up(loop);
	send_message(&loop->client, bad->type, bad->bytes, bad->payload, 0);
	/* The next good one says that this one is dealt with */
	loop_send(&loop->client, 7, 0);
	loop_wait(server, loop_got(server) == 1);
	KUNIT_EXPECT_EQ(test, server->got[0], 7);
	KUNIT_EXPECT_EQ(test, loop_counters(server).bad_packets, 1);
}

/* A packet may be longer than its message, which ends where it says */
static void a_message_shorter_than_its_packet(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;

	both_pipes(loop, 64);
	loop_up(loop);
	send_message(&loop->client, PIPE_DATA, 3, 80, 0);
	loop_wait(server, loop_got(server) == 1);
	KUNIT_EXPECT_EQ(test, server->got_len, 3);
	send_message(&loop->client, PIPE_DATA, 0, 8, 0);
	loop_wait(server, loop_got(server) == 2);
	KUNIT_EXPECT_EQ(test, server->got_len, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(server).bad_packets, 0);
}

static void nothing_is_completed_in_pipe_mode(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	u64 value = 1;

	both_pipes(loop, 64);
	loop_up(loop);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			send_bytes(client, (u8 *)&value, 8, KMCL_SEND_WAIT));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			kmcl_send_sync(client->ch, &value, 8, KMCL_SEND_WAIT,
				       NULL, NULL, KMCL_NO_TIMEOUT));
	KUNIT_EXPECT_EQ(test, 0,
			kmcl_send_sync(client->ch, &value, 8, 0, NULL, NULL,
				       KMCL_NO_TIMEOUT));
	loop_wait(server, loop_got(server) == 1);

	/* The peer requests a completion all the same */
	send_message(client, PIPE_DATA, 8, 16, KMCL_WIRE_FLAG_COMPLETION_REQUESTED);
	loop_wait(server, loop_got(server) == 2);
	loop_send(client, 3, 0);
	loop_wait(server, loop_got(server) == 3);
	KUNIT_EXPECT_EQ(test, loop_counters(server).comps_sent, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(client).comps_stale, 0);
}

static void a_message_has_a_longest(struct kunit *test)
{
	struct loop *loop = test->priv;
	u8 *data = kunit_kzalloc(test, PIPE_MAX + 1, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, data);
	both_pipes(loop, 100000);
	loop_up(loop);
	KUNIT_EXPECT_EQ(test, -EMSGSIZE,
			send_bytes(&loop->client, data, PIPE_MAX + 1, 0));
	KUNIT_EXPECT_EQ(test, 0, send_bytes(&loop->client, data, PIPE_MAX, 0));
	loop_wait(&loop->server, loop_got(&loop->server) == 1);
	KUNIT_EXPECT_EQ(test, loop->server.got_len, PIPE_MAX);
}

/* Beyond the bus' limit it is dropped, whatever the channel would take */
static void a_message_beyond_the_longest_is_dropped(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	__le32 *message = kunit_kzalloc(test, PIPE_MAX + 16, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, message);
	both_pipes(loop, 100000);
	loop_up(loop);
	message[0] = cpu_to_le32(PIPE_DATA);
	message[1] = cpu_to_le32(PIPE_MAX + 1);
	loop_inject(&loop->client, KMCL_WIRE_DATA_INBAND, 0, NULL, 0, message,
		    PIPE_MAX + 16);
	loop_send(&loop->client, 9, 0);
	loop_wait(server, loop_got(server) == 1);
	KUNIT_EXPECT_EQ(test, server->got[0], 9);
	KUNIT_EXPECT_EQ(test, loop_counters(server).bad_packets, 1);
}

static void expect_mismatch(struct loop *loop)
{
	struct kunit *test = loop->test;

	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_event(&loop->client, FAILURE, 1);
	loop_expect_events(&loop->client, FAILURE);
	KUNIT_EXPECT_EQ(test, loop->failure, -EPROTO);
	loop_wait_state(&loop->client, "Disabled");
	loop_expect_no_events(&loop->server);
}

static void a_pipe_is_not_opened_by_another_client(struct kunit *test)
{
	struct loop *loop = test->priv;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_flags(loop->server.ch, KMCL_INIT_PIPE));
	expect_mismatch(loop);
}

static void a_pipe_client_opens_nothing_else(struct kunit *test)
{
	struct loop *loop = test->priv;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_flags(loop->client.ch, KMCL_INIT_PIPE));
	expect_mismatch(loop);
}

static void the_mode_is_settled_by_the_first_packet(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *client = loop->client.ch, *server = loop->server.ch;

	KUNIT_EXPECT_EQ(test, 0, kmcl_set_flags(client, KMCL_INIT_PIPE));
	KUNIT_EXPECT_EQ(test, 0, kmcl_set_flags(client, 0));
	kmcl_packet_free(kmcl_packet_alloc(client));
	KUNIT_EXPECT_EQ(test, -EBUSY, kmcl_set_flags(client, KMCL_INIT_PIPE));
	KUNIT_EXPECT_EQ(test, 0, kmcl_set_flags(client, 0));

	kmcl_packet_size(server);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			kmcl_server_set_flags(server,
					      KMCL_SERVER_OFFER_AS_PIPE));
	KUNIT_EXPECT_EQ(test, 0,
			kmcl_server_set_flags(server, KMCL_SERVER_ENUMERATE));
}

static struct kunit_case pipe_cases[] = {
	/* KMCL: VmbChannelInitSetFlags */
	KUNIT_CASE(a_message_arrives_with_its_exact_length),
	/* KMCL: VMBUS_CHANNEL_INIT_FLAG_IS_PIPE */
	KUNIT_CASE(messages_keep_their_bounds_and_order),
	/* KMCL: VMBUS_CHANNEL_INIT_FLAG_IS_PIPE */
	KUNIT_CASE(messages_are_sent_together),
	KUNIT_CASE(the_header_is_what_vmbus_pipes_have),
	KUNIT_CASE_PARAM(bad_headers_are_counted_and_dropped,
			 bad_header_gen_params),
	KUNIT_CASE(a_message_shorter_than_its_packet),
	KUNIT_CASE(nothing_is_completed_in_pipe_mode),
	KUNIT_CASE(a_message_has_a_longest),
	KUNIT_CASE(a_message_beyond_the_longest_is_dropped),
	KUNIT_CASE(a_pipe_is_not_opened_by_another_client),
	KUNIT_CASE(a_pipe_client_opens_nothing_else),
	/* KMCL: VmbChannelInitSetFlags */
	KUNIT_CASE(the_mode_is_settled_by_the_first_packet),
	{}
};

static struct kunit_suite pipe_suite = {
	.name = "kmcl_pipe",
	.init = loop_init,
	.exit = loop_exit,
	.test_cases = pipe_cases,
};

kunit_test_suite(pipe_suite);
