// SPDX-License-Identifier: GPL-2.0
/*
 * Large packets without large blocks of memory: what delivery cannot allocate where
 * it runs it waits for, in order, whatever happens to the channel meanwhile. No case
 * may allocate more than a page at a time where it cannot wait.
 */
#include <linux/sizes.h>
#include <linux/tracepoint.h>

#include "faults.h"
#include "harness.h"
#include "trace.h"

#define LARGE	SZ_128K

static struct large_fixture {
	struct fault_attr *slab;
	struct fault_attr *page;
	const struct kmcl_channel *ch;	/* whose stops are counted */
	atomic_t stops;
	u32 wrong;		/* bytes of payloads */
} large_fx;

static void on_fetch_done(void *data, const struct kmcl_channel *ch, u32 packets,
			  int reason)
{
	if (ch == large_fx.ch && reason == KMCL_STOP_MEMORY)
		atomic_inc(&large_fx.stops);
}

static int stops(void)
{
	return atomic_read(&large_fx.stops);
}

static void check(struct kmcl_context *ctx, u64 value)
{
	u64 *word = (u64 *)ctx->buf;
	u32 i;

	for (i = 0; i < ctx->len / 8; i++)
		large_fx.wrong += word[i] != value;
}

static void check_and_complete(struct end *e, struct kmcl_context *ctx, u64 value)
{
	check(ctx, value);
	kmcl_complete(ctx, NULL, 0);
}

static void check_only(struct end *e, struct kmcl_context *ctx, u64 value)
{
	check(ctx, value);
}

static void check_and_keep(struct end *e)
{
	e->keep = true;
	e->process = check_only;
}

/* Both ends have that packet size, and the server checks what it gets */
static void bring_up(struct loop *loop, u32 size)
{
	if (loop->client.ch->cfg.max_packet != size)
		KUNIT_ASSERT_EQ(loop->test, 0,
				kmcl_set_max_packet_size(loop->client.ch, size));
	KUNIT_ASSERT_EQ(loop->test, 0, kmcl_set_max_packet_size(loop->server.ch, size));
	if (!loop->server.process)
		loop->server.process = check_and_complete;
	loop_up(loop);
}

static void expect_arrived(struct loop *loop, u32 n)
{
	struct end *server = &loop->server;
	u32 i;

	loop_wait(server, loop_got(server) == n);
	for (i = 0; i < n; i++)
		KUNIT_EXPECT_EQ(loop->test, server->got[i], i);
	KUNIT_EXPECT_EQ(loop->test, large_fx.wrong, 0);
}

/* Delivery stops for the first one, and no more */
static void delivered(struct loop *loop, u32 size)
{
	u32 i;

	bring_up(loop, size);
	loop_send(&loop->client, 0, 0);
	expect_arrived(loop, 1);
	KUNIT_EXPECT_EQ(loop->test, stops(), 0);
	KUNIT_EXPECT_LE(loop->test, loop_counters(&loop->server).memory_peak, SZ_1K);
	loop_send_long(&loop->client, 1, size, 0);
	loop_send(&loop->client, 2, 0);
	expect_arrived(loop, 3);
	KUNIT_EXPECT_EQ(loop->test, stops(), 1);
	KUNIT_EXPECT_EQ(loop->test, loop_counters(&loop->server).memory_peak,
			loop->server.ch->rx.large.bytes);
	for (i = 3; i < 40; i++) {
		loop_send_long(&loop->client, i, i % 3 ? size : 8,
			       i % 2 ? KMCL_SEND_WAIT : 0);
		expect_arrived(loop, i + 1);
	}
	KUNIT_EXPECT_EQ(loop->test, stops(), 1);
	loop_wait(&loop->client, loop_done(&loop->client) == 40);
	loop_expect_balance(&loop->client);
}

static void packets_of_128_kib(struct kunit *test)
{
	delivered(test->priv, LARGE);
}

static void packets_of_the_largest_size(struct kunit *test)
{
	delivered(test->priv, KMCL_PACKET_SIZE_MAX & ~7U);
}

/* With the default packet size all are delivered at once */
static void a_page_is_no_large_packet(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	/* The client has little memory for ranges, and the server much */
	large_fx.ch = loop->client.ch;
	check_and_keep(&loop->client);
	loop_up(loop);
	for (i = 0; i < LOOP_KEPT; i++)
		loop_send_long(&loop->server, i, KMCL_DEFAULT_PACKET_SIZE,
			       i % 2 ? KMCL_SEND_WAIT : 0);
	loop_wait(&loop->client, loop_kept(&loop->client) == LOOP_KEPT);
	KUNIT_EXPECT_EQ(test, stops(), 0);
	KUNIT_EXPECT_EQ(test, large_fx.wrong, 0);
	loop_complete_all(&loop->client);
}

static void many_are_kept(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	struct kmcl_rx *rx = &server->ch->rx;
	u32 i, first, own;

	check_and_keep(server);
	bring_up(loop, LARGE);
	for (i = 0; i < 30; i++)
		loop_send_long(&loop->client, i, i % 2 ? LARGE : 8, 0);
	expect_arrived(loop, 30);
	KUNIT_EXPECT_EQ(test, loop_counters(server).memory,
			15ULL * (rx->large.bytes + rx->small.bytes));
	first = stops();
	KUNIT_EXPECT_GT(test, first, 0);
	loop_complete_all(server);
	KUNIT_EXPECT_EQ(test, loop_counters(server).memory, 0);
	/* As many as are free by then need not be waited for */
	own = rx->own && rx->own->kind == &rx->large;
	KUNIT_EXPECT_EQ(test, rx->large.cached + own, rx->large.cached_most);
	for (; i < 30 + rx->large.cached_most; i++)
		loop_send_long(&loop->client, i, LARGE, 0);
	expect_arrived(loop, i);
	KUNIT_EXPECT_EQ(test, stops(), first);
	loop_complete_all(server);
}

static void no_memory(void)
{
	faults_arm_shortage(large_fx.slab, 0);
	faults_arm_shortage(large_fx.page, 0);
}

static void memory_again(void)
{
	faults_disarm(large_fx.slab);
	faults_disarm(large_fx.page);
}

/* The server has got a small packet, and there is no memory for the large one */
static void wait_for_memory(struct loop *loop)
{
	bring_up(loop, LARGE);
	loop_send(&loop->client, 0, 0);
	expect_arrived(loop, 1);
	/* The client uses the packet again */
	loop_wait(&loop->client, loop_cached(&loop->client) == 1);
	no_memory();
	loop_send_long(&loop->client, 1, LARGE, 0);
	loop_wait(&loop->server, stops() == 1);
	loop_wait(&loop->client, loop_cached(&loop->client) == 1);
}

static void it_arrives_when_there_is_memory(struct kunit *test)
{
	struct loop *loop = test->priv;

	wait_for_memory(loop);
	/* What is behind it waits, too */
	loop_send(&loop->client, 2, 0);
	loop_wait(&loop->server, atomic_read(&large_fx.slab->times) < INT_MAX - 5);
	KUNIT_EXPECT_EQ(test, loop_got(&loop->server), 1);
	memory_again();
	expect_arrived(loop, 3);
	KUNIT_EXPECT_EQ(test, stops(), 1);
}

/* A small one needs no memory, if the driver completes it */
static void small_ones_without_memory(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	bring_up(loop, LARGE);
	loop_send(&loop->client, 0, 0);
	expect_arrived(loop, 1);
	loop_wait(&loop->client, loop_cached(&loop->client) == 1);
	no_memory();
	for (i = 1; i < 20; i++) {
		loop_send(&loop->client, i, 0);
		expect_arrived(loop, i + 1);
		loop_wait(&loop->client, loop_cached(&loop->client) == 1);
	}
	KUNIT_EXPECT_EQ(test, stops(), 0);
}

static void opened_again(struct loop *loop)
{
	struct end *client = &loop->client, *server = &loop->server;

	KUNIT_EXPECT_EQ(loop->test, READ_ONCE(server->ch->rx.large.cached), 0);
	KUNIT_ASSERT_EQ(loop->test, kmcl_channel_enable(client->ch), 0);
	loop_wait_state(client, "Active");
	loop_wait_state(server, "Active");
	loop_send_long(client, 1, LARGE, 0);
	expect_arrived(loop, 2);
}

static void disabled_while_it_waits(struct kunit *test)
{
	struct loop *loop = test->priv;

	wait_for_memory(loop);
	loop_job_wait(loop_disable(&loop->client));
	loop_wait_state(&loop->server, "Started");
	memory_again();
	opened_again(loop);
}

static void rescinded_while_it_waits(struct kunit *test)
{
	struct loop *loop = test->priv;

	wait_for_memory(loop);
	loop_job_wait(loop_disable(&loop->server));
	loop_wait_state(&loop->client, "Disabled");
	memory_again();
	KUNIT_ASSERT_EQ(test, kmcl_channel_start(loop->server.ch), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->server.ch), 0);
	opened_again(loop);
}

/* What allocates it has been begun, but has not come far, or is done */
static void disabled_while_it_is_allocated(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	u32 i;

	bring_up(loop, LARGE);
	server->ignore = true;
	for (i = 0; i < 30; i++) {
		loop_send_long(client, i, LARGE, 0);
		if (i % 2)
			loop_wait(server, stops() > i / 2);
		loop_job_wait(loop_disable(client));
		loop_wait_state(server, "Started");
		KUNIT_EXPECT_EQ(test, loop_counters(server).memory, 0);
		KUNIT_ASSERT_EQ(test, kmcl_channel_enable(client->ch), 0);
		loop_wait_state(client, "Active");
		loop_wait_state(server, "Active");
	}
	KUNIT_EXPECT_EQ(test, large_fx.wrong, 0);
}

static void defer_first(struct end *e, struct kmcl_context *ctx, u64 value)
{
	if (in_task())
		check_and_complete(e, ctx, value);
	else
		kmcl_packet_defer(ctx);
}

static void deferred(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	loop->server.process = defer_first;
	loop->server.ignore = true;
	bring_up(loop, LARGE);
	for (i = 0; i < 20; i++)
		loop_send_long(&loop->client, i, i % 3 ? 8 : LARGE,
			       i % 2 ? KMCL_SEND_WAIT : 0);
	loop_wait(&loop->client, loop_done(&loop->client) == 20);
	loop_wait(&loop->server, loop_counters(&loop->server).deferred);
	loop_poll(&loop->server, c->delivered == 20 && !c->memory);
	KUNIT_EXPECT_EQ(test, large_fx.wrong, 0);
}

/* Nobody reads what the server sends: the answer has to wait, and takes no memory */
static void answer_waits(struct kunit *test, u32 len, bool memory)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	static const u8 filler[512];
	struct sent *s;
	u64 *answer;
	u32 i;

	answer = kunit_kmalloc(test, LARGE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, answer);
	for (i = 0; i < LARGE / 8; i++)
		answer[i] = 77;
	check_and_keep(server);
	client->ignore = true;
	bring_up(loop, LARGE);
	s = loop_send(client, 0, KMCL_SEND_WAIT);
	loop_wait(server, loop_kept(server) == 1);
	kmcl_channel_pause(client->ch);
	while (!loop_counters(server).queued)
		KUNIT_ASSERT_EQ(test, 0, kmcl_send_buf(server->ch, filler,
						       sizeof(filler)));
	if (!memory)
		no_memory();
	kmcl_complete(server->kept[0], answer, len);
	server->kept[0] = NULL;
	memset(answer, 0, LARGE);
	KUNIT_EXPECT_EQ(test, loop_counters(server).memory,
			server->ch->rx.large.bytes);
	memory_again();
	KUNIT_ASSERT_EQ(test, kmcl_channel_start(client->ch), 0);
	loop_wait(client, s->done);
	KUNIT_EXPECT_EQ(test, s->status, 0);
	KUNIT_EXPECT_EQ(test, s->len, len);
	KUNIT_EXPECT_EQ(test, s->reply, 77);
	loop_poll(server, !c->memory);
}

static void the_longest_answer_without_memory(struct kunit *test)
{
	answer_waits(test, LARGE, false);
}

/* Its memory could be a smaller block, but not a page */
static void a_long_answer_is_not_copied(struct kunit *test)
{
	answer_waits(test, LARGE / 4, true);
}

/* No small context could have the driver's memory */
static void a_large_context_of_the_drivers(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	KUNIT_ASSERT_EQ(test, kmcl_set_context_size(loop->server.ch, SZ_16K), 0);
	check_and_keep(&loop->server);
	bring_up(loop, LARGE);
	for (i = 0; i < 20; i++)
		loop_send_long(&loop->client, i, i % 3 ? LARGE : 8,
			       i % 2 ? KMCL_SEND_WAIT : 0);
	expect_arrived(loop, 20);
	for (i = 0; i < 20; i++)
		KUNIT_EXPECT_NULL(test, memchr_inv(kmcl_context_priv(loop->server.kept[i]),
						   0, SZ_16K));
	loop_complete_all(&loop->server);
	loop_wait(&loop->client, loop_done(&loop->client) == 20);
}

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
	check(ctx, value);
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
	bring_up(loop, size);
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
	KUNIT_EXPECT_EQ(test, stops(), 1);
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
	bring_up(loop, SZ_16K);
	expect_arrived(loop, n);
	for (i = 0; i < 10; i++) {
		loop_send_long(&loop->client, n++, SZ_16K, KMCL_SEND_PAGED);
		expect_arrived(loop, n);
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
	no_memory();
	ask(loop, 9, LARGE, 0);
	loop_wait(&loop->client, stops() == 1);
	KUNIT_EXPECT_EQ(loop->test, atomic_read(&reply_fx.ended), 0);
}

static void a_completion_waits_for_memory(struct kunit *test)
{
	struct loop *loop = test->priv;

	wait_for_reply(loop);
	memory_again();
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

static int large_init(struct kunit *test)
{
	struct loop *loop;
	int ret = loop_init(test);

	if (ret)
		return ret;
	loop = test->priv;
	memset(&large_fx, 0, sizeof(large_fx));
	memset(&reply_fx, 0, sizeof(reply_fx));
	large_fx.slab = faults_of(test, "failslab");
	large_fx.page = faults_of(test, "fail_page_alloc");
	faults_set_any_page(test);
	large_fx.ch = loop->server.ch;
	return register_trace_kmcl_fetch_done(on_fetch_done, NULL) ?:
	       faults_watch_sizes();
}

static void large_exit(struct kunit *test)
{
	memory_again();
	KUNIT_EXPECT_EQ(test, faults_unwatch_sizes(), 0);
	unregister_trace_kmcl_fetch_done(on_fetch_done, NULL);
	tracepoint_synchronize_unregister();
	loop_exit(test);
}

static struct kunit_case large_cases[] = {
	/* KMCL: VmbChannelInitSetMaximumPacketSize EVT_VMB_CHANNEL_PROCESS_PACKET */
	KUNIT_CASE(packets_of_128_kib),
	KUNIT_CASE(packets_of_the_largest_size),
	KUNIT_CASE(a_page_is_no_large_packet),
	KUNIT_CASE(many_are_kept),
	KUNIT_CASE(it_arrives_when_there_is_memory),
	KUNIT_CASE(small_ones_without_memory),
	/* KMCL: VmbChannelDisable */
	KUNIT_CASE(disabled_while_it_waits),
	KUNIT_CASE(rescinded_while_it_waits),
	KUNIT_CASE_SLOW(disabled_while_it_is_allocated),
	/* KMCL: VmbChannelPacketDeferToPassive */
	KUNIT_CASE(deferred),
	/* KMCL: VmbChannelPacketComplete */
	KUNIT_CASE(the_longest_answer_without_memory),
	KUNIT_CASE(a_long_answer_is_not_copied),
	/* KMCL: VmbChannelInitSetClientContextSize */
	KUNIT_CASE(a_large_context_of_the_drivers),
	KUNIT_CASE(in_and_out_of_a_packet),
	/* KMCL: EVT_VMB_PACKET_COMPLETION_ROUTINE */
	KUNIT_CASE(long_completions),
	KUNIT_CASE(long_completions_of_paged_requests),
	KUNIT_CASE(a_routine_sends_what_it_was_given),
	KUNIT_CASE(queued_while_closed),
	/* KMCL: VmbChannelInitSetFlags */
	KUNIT_CASE(messages_of_a_pipe),
	KUNIT_CASE(a_completion_waits_for_memory),
	KUNIT_CASE(closed_while_it_waits),
	/* KMCL: VmbChannelSendSynchronousRequest */
	KUNIT_CASE(synchronous_requests),
	{}
};

static struct kunit_suite large_suite = {
	.name = "kmcl_large",
	.init = large_init,
	.exit = large_exit,
	.test_cases = large_cases,
};

kunit_test_suite(large_suite);
