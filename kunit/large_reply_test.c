// SPDX-License-Identifier: GPL-2.0
/*
 * Large packets that are sent, and their completions: the payload of a packet is in
 * parts of a page at most, and a long completion has memory of its own.
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/uaccess.h>

#include "large_harness.h"

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");

/* What happens to requests whose completions are long */
static struct {
	atomic_t ended;
	int status;
	u32 len;
	u32 wrong;
	bool again;		/* send what was got */
} reply_fx;

static void check_reply(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	u64 *word = buf, value = (unsigned long)kmcl_packet_get_pointer(pkt);
	u32 i;

	reply_fx.status = status;
	reply_fx.len = len;
	for (i = 0; i < len / 8; i++)
		reply_fx.wrong += word[i] != value;
	if (reply_fx.again && !status) {
		reply_fx.again = false;
		if (!kmcl_send(pkt, buf, len, KMCL_SEND_WAIT))
			return;
		reply_fx.wrong++;
	}
	kmcl_packet_free(pkt);
	atomic_inc(&reply_fx.ended);
}

static void echo(struct end *e, struct kmcl_context *ctx, u64 value)
{
	large_check(ctx, value);
	kmcl_complete(ctx, ctx->buf, ctx->len);
}

static void ask(struct loop *loop, u64 value, u32 len, u32 flags)
{
	struct kmcl_packet *pkt = kmcl_packet_alloc(loop->client.ch);
	u64 *buf = kvmalloc(len, GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(loop->test, pkt);
	KUNIT_ASSERT_NOT_NULL(loop->test, buf);
	for (i = 0; i < len / 8; i++)
		buf[i] = value;
	kmcl_packet_set_pointer(pkt, (void *)(unsigned long)value);
	kmcl_packet_set_done(pkt, check_reply);
	KUNIT_EXPECT_EQ(loop->test, 0,
			kmcl_send(pkt, buf, len, flags | KMCL_SEND_WAIT));
	kvfree(buf);
}

static void expect_replies(struct loop *loop, u32 n)
{
	loop_wait(&loop->client, atomic_read(&reply_fx.ended) == n);
	KUNIT_EXPECT_EQ(loop->test, reply_fx.wrong, 0);
	KUNIT_EXPECT_EQ(loop->test, large_fx.wrong, 0);
	KUNIT_EXPECT_EQ(loop->test, reply_fx.status, 0);
	loop_expect_balance(&loop->client);
}

static void bring_up_echo(struct loop *loop, u32 size)
{
	large_fx.ch = loop->client.ch;
	loop->server.process = echo;
	large_bring_up(loop, size);
}

/* The bounds of the parts of a packet, and completions of all these lengths */
static void of_each_length(struct loop *loop, u32 size, u32 flags)
{
	u32 n = 0, part, len, room;
	u32 i;

	bring_up_echo(loop, size);
	ask(loop, ++n, 8, flags);
	expect_replies(loop, n);
	room = loop->client.ch->tx.room;
	KUNIT_ASSERT_LT(loop->test, room, size);
	for (part = room; part < size; part += PAGE_SIZE - 8) {
		for (i = 0; i < 3; i++) {
			len = min(part - 8 + 8 * i, size);
			ask(loop, ++n, len, flags);
			expect_replies(loop, n);
			KUNIT_EXPECT_EQ(loop->test, reply_fx.len, len);
		}
	}
	ask(loop, ++n, size, flags);
	expect_replies(loop, n);
	KUNIT_EXPECT_EQ(loop->test, reply_fx.len, size);
}

static void long_completions(struct kunit *test)
{
	of_each_length(test->priv, LARGE, 0);
	KUNIT_EXPECT_EQ(test, large_stops(), 1);
}

static void long_completions_of_paged_requests(struct kunit *test)
{
	of_each_length(test->priv, 3 * PAGE_SIZE, KMCL_SEND_PAGED);
}

static void a_routine_sends_what_it_was_given(struct kunit *test)
{
	struct loop *loop = test->priv;

	reply_fx.again = true;
	bring_up_echo(loop, LARGE);
	ask(loop, 5, LARGE, 0);
	expect_replies(loop, 1);
	KUNIT_EXPECT_EQ(test, reply_fx.len, LARGE);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).accepted, 2);
}

/* All are queued in their fragments, and written when the channel opens */
static void queued_while_closed(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(loop->client.ch, LARGE));
	for (i = 1; i <= 40; i++)
		ask(loop, i, i % 4 == 3 ? 8 : LARGE >> (i % 4 * 2),
		    i % 2 ? KMCL_SEND_PAGED : 0);
	bring_up_echo(loop, LARGE);
	expect_replies(loop, 40);
	for (i = 0; i < 40; i++)
		KUNIT_EXPECT_EQ(test, loop->server.got[i], i + 1);
}

/* Their header is not in the packet */
static void messages_of_a_pipe(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i, n = 0;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_flags(loop->client.ch, KMCL_INIT_PIPE));
	KUNIT_ASSERT_EQ(test, 0,
			kmcl_server_set_flags(loop->server.ch, KMCL_SERVER_OFFER_AS_PIPE));
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(loop->client.ch, SZ_16K));
	for (i = 0; i < 40; i++)
		loop_send_long(&loop->client, n++, i % 3 ? SZ_16K : PAGE_SIZE - 80 + 8 * i,
			       i % 2 ? KMCL_SEND_PAGED : 0);
	large_bring_up(loop, SZ_16K);
	large_expect_arrived(loop, n);
	for (i = 0; i < 10; i++) {
		loop_send_long(&loop->client, n++, SZ_16K, KMCL_SEND_PAGED);
		large_expect_arrived(loop, n);
		KUNIT_EXPECT_EQ(test, loop->server.got_len, SZ_16K);
	}
	loop_expect_balance(&loop->client);
}

/* The client waits for memory for the data of a completion */
static void wait_for_reply(struct loop *loop)
{
	bring_up_echo(loop, LARGE);
	/* The server has what it needs, and the client a packet */
	loop_send_long(&loop->client, 7, LARGE, 0);
	loop_wait(&loop->server, loop_got(&loop->server) == 1);
	loop_wait(&loop->client, loop_cached(&loop->client) == 1);
	large_no_memory();
	ask(loop, 9, LARGE, 0);
	loop_wait(&loop->client, large_stops() == 1);
	KUNIT_EXPECT_EQ(loop->test, atomic_read(&reply_fx.ended), 0);
}

static void a_completion_waits_for_memory(struct kunit *test)
{
	struct loop *loop = test->priv;

	wait_for_reply(loop);
	large_memory_again();
	expect_replies(loop, 1);
	KUNIT_EXPECT_EQ(test, reply_fx.len, LARGE);
}

static void closed_while_it_waits(struct kunit *test)
{
	struct loop *loop = test->priv;

	wait_for_reply(loop);
	loop_job_wait(loop_disable(&loop->client));
	KUNIT_EXPECT_EQ(test, atomic_read(&reply_fx.ended), 1);
	KUNIT_EXPECT_EQ(test, reply_fx.status, -ECANCELED);
	KUNIT_EXPECT_EQ(test, reply_fx.len, 0);
}

/* The reply has a buffer of the caller's */
static void synchronous_requests(struct kunit *test)
{
	struct loop *loop = test->priv;
	u64 *buf = kunit_kmalloc(test, LARGE, GFP_KERNEL);
	u32 i, len = LARGE;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	bring_up_echo(loop, LARGE);
	memset(buf, 3, LARGE);
	KUNIT_EXPECT_EQ(test, 0, kmcl_send_sync(loop->client.ch, buf, LARGE,
						KMCL_SEND_WAIT | KMCL_SEND_PAGED,
						buf, &len, KMCL_NO_TIMEOUT));
	KUNIT_EXPECT_EQ(test, len, LARGE);
	KUNIT_EXPECT_NULL(test, memchr_inv(buf, 3, LARGE));
	KUNIT_EXPECT_EQ(test, large_fx.wrong, 0);
	/* Without waiting, if there is room */
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, 0, kmcl_send_sync(loop->client.ch, buf,
							LARGE, KMCL_SEND_PAGED,
							NULL, NULL, 0));
		loop_wait(&loop->server, loop_got(&loop->server) == 2 + i);
	}
	KUNIT_EXPECT_EQ(test, large_fx.wrong, 0);
}

static void in_and_out_of_a_packet(struct kunit *test)
{
	struct loop *loop = test->priv;
	u8 *from, *to;
	struct kmcl_packet *pkt;
	u32 i, len;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(loop->client.ch, SZ_32K));
	from = kunit_kmalloc(test, SZ_32K, GFP_KERNEL);
	to = kunit_kmalloc(test, SZ_32K, GFP_KERNEL);
	pkt = kmcl_packet_alloc(loop->client.ch);
	KUNIT_ASSERT_NOT_NULL(test, from);
	KUNIT_ASSERT_NOT_NULL(test, to);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	for (i = 0; i < SZ_32K; i++)
		from[i] = i ^ i >> 8;
	for (len = 0; len <= SZ_32K; len += 61) {
		memset(to, 0xee, SZ_32K);
		kmcl_packet_store(pkt, from, len);
		kmcl_packet_load(pkt, to, len);
		KUNIT_EXPECT_EQ(test, 0, memcmp(from, to, len));
		KUNIT_EXPECT_TRUE(test, len == SZ_32K || to[len] == 0xee);
	}
	kmcl_packet_free(pkt);
}

/* A fault in any part is one */
static void out_of_a_program(struct kunit *test)
{
	const u32 len = 3 * PAGE_SIZE;
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt;
	unsigned long at;
	u8 *from, *to;
	u32 i;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(loop->client.ch, len));
	from = kunit_kmalloc(test, len, GFP_KERNEL);
	to = kunit_kzalloc(test, len, GFP_KERNEL);
	pkt = kmcl_packet_alloc(loop->client.ch);
	KUNIT_ASSERT_NOT_NULL(test, from);
	KUNIT_ASSERT_NOT_NULL(test, to);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	at = kunit_vm_mmap(test, NULL, 0, len, PROT_READ | PROT_WRITE,
			   MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_NE(test, at, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(at));
	for (i = 0; i < len; i++)
		from[i] = i ^ i >> 8;
	KUNIT_ASSERT_EQ(test, 0, copy_to_user((void __force __user *)at, from, len));
	KUNIT_EXPECT_EQ(test, 0, kmcl_packet_read(pkt, (void *)at, len));
	kmcl_packet_load(pkt, to, len);
	KUNIT_EXPECT_EQ(test, 0, memcmp(from, to, len));
	for (i = 2; i < 3; i--) {
		KUNIT_ASSERT_EQ(test, 0, vm_munmap(at + i * PAGE_SIZE, PAGE_SIZE));
		KUNIT_EXPECT_EQ(test, -EFAULT, kmcl_packet_read(pkt, (void *)at, len));
	}
	kmcl_packet_free(pkt);
}

/* The packet has no routine: what it was answered is given back with it */
static void nobody_gets_the_reply(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct kmcl_rx *rx = &client->ch->rx;
	struct kmcl_packet *pkt;
	void *zeroes;

	zeroes = kunit_kzalloc(test, LARGE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, zeroes);
	bring_up_echo(loop, LARGE);
	pkt = kmcl_packet_alloc(client->ch);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	KUNIT_EXPECT_EQ(test, 0, kmcl_send(pkt, zeroes, LARGE, KMCL_SEND_WAIT));
	loop_wait(client, loop_cached(client) == 1);
	KUNIT_EXPECT_EQ(test, loop_counters(client).completed, 1);
	loop_wait(client, READ_ONCE(rx->large.cached) == rx->large.cached_most);
}

static int reply_init(struct kunit *test)
{
	memset(&reply_fx, 0, sizeof(reply_fx));
	return large_init(test);
}

static struct kunit_case large_reply_cases[] = {
	KUNIT_CASE(in_and_out_of_a_packet),
	KUNIT_CASE(out_of_a_program),
	/* KMCL: EVT_VMB_PACKET_COMPLETION_ROUTINE */
	KUNIT_CASE(long_completions),
	KUNIT_CASE(long_completions_of_paged_requests),
	KUNIT_CASE(a_routine_sends_what_it_was_given),
	KUNIT_CASE(nobody_gets_the_reply),
	KUNIT_CASE(queued_while_closed),
	/* KMCL: VmbChannelInitSetFlags */
	KUNIT_CASE(messages_of_a_pipe),
	KUNIT_CASE(a_completion_waits_for_memory),
	KUNIT_CASE(closed_while_it_waits),
	/* KMCL: VmbChannelSendSynchronousRequest */
	KUNIT_CASE(synchronous_requests),
	{}
};

static struct kunit_suite large_reply_suite = {
	.name = "kmcl_large_reply",
	.init = reply_init,
	.exit = large_exit,
	.test_cases = large_reply_cases,
};

kunit_test_suite(large_reply_suite);
