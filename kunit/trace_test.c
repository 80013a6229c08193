// SPDX-License-Identifier: GPL-2.0
/*
 * Tracepoints: each is called once for its event, with the channel, the
 * id, the length and the numbers that are right. Needs loopback only.
 */
#include <linux/slab.h>
#include <linux/tracepoint.h>

#include "trace_probes.h"

/* Until a delivery has ended for @reason, and @packets were taken by then */
static void wait_stopped(struct end *e, enum kmcl_rx_reason reason, u32 packets)
{
	unsigned long end = jiffies + LOOP_LIMIT;
	struct kunit *test = e->loop->test;
	const struct trace_note *note;
	u32 i, taken;

	do {
		taken = 0;
		for (i = 0; (note = probes_find(e, EV_FETCH_DONE, i)); i++) {
			taken += note->value[0];
			if (note->value[1] == reason && taken >= packets) {
				KUNIT_EXPECT_EQ(test, taken, packets);
				return;
			}
		}
		schedule_timeout_uninterruptible(1);
	} while (time_before(jiffies, end));
	KUNIT_FAIL_AND_ABORT(test, "stop %d: %u of %u packets", reason, taken,
			     packets);
}

/* What the harness has sent and freed last; the channel keeps it */
static struct kmcl_packet *freed_packet(struct end *e)
{
	loop_wait(e, READ_ONCE(e->ch->tx.spare));
	return e->ch->tx.spare;
}

static void a_packet_and_its_completion(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	const struct trace_note *note;
	struct kmcl_packet *pkt;
	struct sent *s;
	u64 id;
	u32 i;

	loop_up(loop);
	s = loop_send_long(client, 1, 24, KMCL_SEND_WAIT);
	loop_wait(client, s->done);
	id = probes_value(client, EV_SEND, 0, 0);
	pkt = freed_packet(client);
	KUNIT_EXPECT_EQ(test, pkt->trans_id, id);
	probes_expect(client, EV_SEND, 0, id, false, 24, true, 0);
	probes_expect(server, EV_FETCH, 0, id, false, 24, false);
	probes_expect(server, EV_SEND, 0, id, true, 8, false, 0);
	probes_expect(client, EV_FETCH, 0, id, true, 8, false);
	probes_expect(client, EV_COMPLETE, 0, (long)pkt, id, 0);
	wait_stopped(server, KMCL_STOP_EMPTY, 1);

	/* No completion is requested: the id is the packet's serial number */
	s = loop_send(client, 1, 0);
	loop_wait(server, loop_got(server) == 2);
	KUNIT_EXPECT_EQ(test, s->done, 1);
	pkt = freed_packet(client);
	id = pkt->serial;
	probes_expect(client, EV_SEND, 1, id, false, 8, false, 0);
	probes_expect(server, EV_FETCH, 1, id, false, 8, false);
	probes_expect(client, EV_COMPLETE, 1, (long)pkt, id, 0);
	probes_expect_count(client, EV_SEND, 2);
	probes_expect_count(client, EV_FETCH, 1);
	probes_expect_count(client, EV_COMPLETE, 2);
	probes_expect_count(client, EV_QUEUE, 0);
	probes_expect_count(server, EV_SEND, 1);
	probes_expect_count(server, EV_FETCH, 2);
	probes_expect_count(server, EV_COMPLETE, 0);
	/* A completion is no packet that was delivered */
	for (i = 0; (note = probes_find(client, EV_FETCH_DONE, i)); i++)
		KUNIT_EXPECT_EQ(test, note->value[0], 0);
}

/* The second one needs no signal, and completes without the done list */
static void packets_that_complete_in_the_ring(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct kmcl_packet *pkt;
	u32 i;

	loop_up_paused(loop);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, loop_send(client, i, 0)->done, 1);
		pkt = freed_packet(client);
		KUNIT_EXPECT_EQ(test, pkt->serial,
				probes_value(client, EV_SEND, i, 0));
		probes_expect(client, EV_COMPLETE, i, (long)pkt,
			      pkt->serial, 0);
	}
	KUNIT_EXPECT_EQ(test, client->ch->tx.ring.signals, 1);
	probes_expect_count(client, EV_COMPLETE, 2);
}

/* Short ones are written in one go, and each has its own event */
static void packets_that_are_sent_together(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct kmcl_message msg[3];
	u64 value[3];
	u32 i;

	loop_up(loop);
	/* After this one it is known how much room there is */
	loop_send(client, 0, 0);
	loop_messages(client, msg, value, 3);
	for (i = 0; i < 3; i++)
		msg[i].len = 8 - i;
	KUNIT_EXPECT_EQ(test, 3, kmcl_send_many(client->ch, msg, 3));
	for (i = 0; i < 3; i++)
		probes_expect(client, EV_SEND, 1 + i,
			      probes_value(client, EV_COMPLETE, 1 + i, 1), false,
			      8 - i, false, 0);
	probes_expect_count(client, EV_SEND, 4);
}

static void end_empty(struct end *e, struct kmcl_context *ctx, u64 value)
{
	kmcl_complete(ctx, NULL, 0);
}

/* Delivery writes them when the batch ends */
static void completions_without_data(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	struct sent *s;
	u32 i;

	server->process = end_empty;
	loop_up(loop);
	for (i = 0; i < 3; i++) {
		s = loop_send(client, i, KMCL_SEND_WAIT);
		loop_wait(client, s->done);
		probes_expect(server, EV_SEND, i,
			      probes_value(client, EV_SEND, i, 0), true, 0,
			      false, 0);
	}
	probes_expect_count(server, EV_SEND, 3);
}

static void external_data(struct kunit *test)
{
	struct loop *loop = test->priv;
	void *mem = kunit_kzalloc(test, 100, GFP_KERNEL);
	struct kmcl_mdl *mdl;
	u64 value = 1;

	KUNIT_ASSERT_NOT_NULL(test, mem);
	mdl = kmcl_mdl_from_buffer(mem, 100, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mdl);
	loop_up(loop);
	KUNIT_EXPECT_EQ(test, 0,
			kmcl_send_sync_mdl(loop->client.ch, &value, 8, mdl,
					   KMCL_SEND_WAIT, NULL, NULL,
					   KMCL_NO_TIMEOUT));
	kmcl_mdl_free(mdl);
	probes_expect(&loop->server, EV_FETCH, 0,
		      probes_value(&loop->client, EV_SEND, 0, 0), false, 8,
		      true);
}

static void the_queue_and_what_leaves_it(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct sent *s;
	u32 i;

	for (i = 0; i < 3; i++) {
		s = loop_send(client, i, 0);
		probes_expect(client, EV_QUEUE, i,
			      probes_value(client, EV_QUEUE, i, 0), i + 1);
	}
	probes_expect_count(client, EV_SEND, 0);
	loop_up(loop);
	loop_wait(client, s->done);
	/* How many there were, the packet itself counted */
	for (i = 0; i < 3; i++)
		probes_expect(client, EV_SEND, i,
			      probes_value(client, EV_QUEUE, i, 0), false, 8,
			      false, 3 - i);
	probes_expect_count(client, EV_QUEUE, 3);
	probes_expect_count(client, EV_SEND, 3);

	loop->server.keep = true;
	s = loop_send(client, 3, KMCL_SEND_WAIT);
	loop_wait(&loop->server, loop_kept(&loop->server) == 1);
	kmcl_channel_disable(client->ch);
	KUNIT_EXPECT_EQ(test, s->status, -ECANCELED);
	KUNIT_EXPECT_EQ(test, probes_value(client, EV_COMPLETE, 3, 1),
			probes_value(client, EV_SEND, 3, 0));
	KUNIT_EXPECT_EQ(test, probes_value(client, EV_COMPLETE, 3, 2),
			-ECANCELED);
	probes_expect_count(client, EV_COMPLETE, 4);
	loop_complete_all(&loop->server);
}

static void states_and_callbacks(struct kunit *test)
{
	static const s64 states[][3] = {
		{ KMCL_ST_DISABLED, KMCL_EV_ENABLE, KMCL_ST_ENABLED },
		{ KMCL_ST_ENABLED, KMCL_EV_LINK, KMCL_ST_ENABLED },
		{ KMCL_ST_ENABLED, KMCL_EV_OPEN_OK, KMCL_ST_OPENED },
		{ KMCL_ST_OPENED, KMCL_EV_START, KMCL_ST_STARTING },
		{ KMCL_ST_STARTING, KMCL_EV_GO, KMCL_ST_ACTIVE },
		{ KMCL_ST_ACTIVE, KMCL_EV_POST, KMCL_ST_ACTIVE },
		{ KMCL_ST_ACTIVE, KMCL_EV_DISABLE, KMCL_ST_CLOSED },
		{ KMCL_ST_CLOSED, KMCL_EV_DONE, KMCL_ST_DISABLED },
		/* Once more, with no offer */
		{ KMCL_ST_DISABLED, KMCL_EV_ENABLE, KMCL_ST_ENABLED },
		{ KMCL_ST_ENABLED, KMCL_EV_DISABLE, KMCL_ST_DISABLED },
	};
	static const s64 callbacks[] = {
		KMCL_DO_OPEN, KMCL_DO_CB_STARTED, KMCL_DO_CB_POST,
		KMCL_DO_CB_SUSPEND, KMCL_DO_CB_CLOSED,
	};
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	u32 i;

	loop_up(loop);
	kmcl_channel_disable(client->ch);
	kmcl_channel_disable(loop->server.ch);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(client->ch));
	flush_work(&client->ch->sm.work);
	kmcl_channel_disable(client->ch);
	for (i = 0; i < ARRAY_SIZE(states); i++)
		probes_expect(client, EV_STATE, i, states[i][0], states[i][1],
			      states[i][2]);
	probes_expect_count(client, EV_STATE, ARRAY_SIZE(states));
	for (i = 0; i < ARRAY_SIZE(callbacks); i++) {
		probes_expect(client, EV_CALLBACK, 2 * i, callbacks[i], true,
			      0);
		probes_expect(client, EV_CALLBACK, 2 * i + 1, callbacks[i],
			      false, 0);
	}
	probes_expect_count(client, EV_CALLBACK, 2 * ARRAY_SIZE(callbacks));
}

static void callbacks_that_fail_or_report_a_failure(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;

	server->opened_result = -EIO;
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(server->ch));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(client->ch));
	loop_wait_event(client, FAILURE, 1);
	loop_wait_state(client, "Disabled");
	probes_expect(server, EV_CALLBACK, 0, KMCL_DO_OPEN, true, 0);
	probes_expect(server, EV_CALLBACK, 1, KMCL_DO_OPEN, false, -EIO);
	probes_expect_count(server, EV_CALLBACK, 2);
	probes_expect(client, EV_CALLBACK, 0, KMCL_DO_CB_FAILURE, true,
		      -ECONNREFUSED);
	probes_expect(client, EV_CALLBACK, 1, KMCL_DO_CB_FAILURE, false,
		      -ECONNREFUSED);
	probes_expect_count(client, EV_CALLBACK, 2);
}

static void the_quota(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	u32 i;

	loop_up(loop);
	kmcl_set_quota(server->ch, 2);
	server->keep = true;
	for (i = 0; i < 3; i++)
		loop_send(&loop->client, i, KMCL_SEND_WAIT);
	wait_stopped(server, KMCL_STOP_QUOTA, 2);
	probes_expect(server, EV_QUOTA, 0, 2, 2);
	loop_complete_all(server);
}

static void the_limit_of_memory(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	u32 i, one;

	loop_up(loop);
	one = server->ch->rx.large.bytes;
	kmcl_set_memory_limit(server->ch, 2 * one + 1);
	server->keep = true;
	for (i = 0; i < 3; i++)
		loop_send(&loop->client, i, KMCL_SEND_WAIT);
	wait_stopped(server, KMCL_STOP_LIMIT, 2);
	probes_expect(server, EV_LIMIT, 0, 2 * one, 0, 2 * one + 1);
	loop_complete_all(server);
}

static void the_budget(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	u32 i;

	loop_up_paused(loop);
	for (i = 0; i < KMCL_RX_BUDGET + 40; i++)
		loop_send(&loop->client, i, 0);
	KUNIT_ASSERT_EQ(test, loop_counters(&loop->client).queued, 0);
	kmcl_channel_start(server->ch);
	wait_stopped(server, KMCL_STOP_EMPTY, KMCL_RX_BUDGET + 40);
	probes_expect(server, EV_FETCH_DONE, 0, KMCL_RX_BUDGET,
		      KMCL_STOP_BUDGET);
	probes_expect(server, EV_FETCH_DONE, 1, 40, KMCL_STOP_EMPTY);
	KUNIT_EXPECT_EQ(test, probes_value(server, EV_BUDGET, 0, 0),
			KMCL_RX_BUDGET);
	KUNIT_EXPECT_GT(test, probes_value(server, EV_BUDGET, 0, 1), 0);
	KUNIT_EXPECT_LT(test, probes_value(server, EV_BUDGET, 0, 1),
			10LL * NSEC_PER_SEC);
	probes_expect_count(server, EV_BUDGET, 1);
}

static void defer_once(struct end *e, struct kmcl_context *ctx, u64 value)
{
	if (in_task())
		kmcl_complete(ctx, NULL, 0);
	else
		kmcl_packet_defer(ctx);
}

static void a_deferred_packet(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	struct sent *s;
	u64 id;

	server->process = defer_once;
	loop_up(loop);
	s = loop_send(&loop->client, 1, KMCL_SEND_WAIT);
	loop_wait(&loop->client, s->done);
	id = probes_value(&loop->client, EV_SEND, 0, 0);
	probes_expect(server, EV_FETCH, 0, id, false, 8, false);
	probes_expect(server, EV_DEFER, 0, id);
	/* It is not counted, and not taken from the ring twice */
	wait_stopped(server, KMCL_STOP_DEFER, 0);
	wait_stopped(server, KMCL_STOP_EMPTY, 1);
	probes_expect_count(server, EV_FETCH, 1);
	probes_expect_count(server, EV_DEFER, 1);
}

static void fail(struct end *e, struct kmcl_context *ctx, u64 value)
{
	kmcl_packet_fail(ctx);
}

static void a_failed_packet(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;

	server->process = fail;
	loop_up(loop);
	loop_send(&loop->client, 1, KMCL_SEND_WAIT);
	wait_stopped(server, KMCL_STOP_FAILED, 1);
	probes_expect(server, EV_FAIL, 0,
		      probes_value(&loop->client, EV_SEND, 0, 0));
	probes_expect_count(server, EV_FAIL, 1);
	/* It is no bad packet of the peer's */
	probes_expect_count(server, EV_BAD_PACKET, 0);
}

static void bad_packets(struct kunit *test)
{
	static const u8 zeroes[128];
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(server->ch, 64));
	loop_up(loop);
	loop_inject(client, 3, 0, zeroes, 16, zeroes, 40);
	loop_inject(client, KMCL_WIRE_DATA_INBAND, 0, NULL, 0, zeroes, 72);
	loop_wait(server, loop_counters(server).bad_packets == 2);
	loop_inject_len8(client, 100);
	loop_wait(server, loop_counters(server).bad_packets == 3);
	probes_expect(server, EV_BAD_PACKET, 0, KMCL_BAD_TYPE, 9, 4, 3);
	probes_expect(server, EV_BAD_PACKET, 1, KMCL_BAD_SIZE, 11,
		      2, KMCL_WIRE_DATA_INBAND);
	probes_expect(server, EV_BAD_PACKET, 2, KMCL_BAD_LENGTH, 100, 2,
		      KMCL_WIRE_DATA_INBAND);
	wait_stopped(server, KMCL_STOP_FAILED, 0);
	probes_expect_count(server, EV_BAD_PACKET, 3);
	probes_expect_count(server, EV_FETCH, 0);
}

static void gpadls(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	void *mem = kunit_kzalloc(test, 5000, GFP_KERNEL);
	struct kmcl_mdl *mdl;
	u32 handle;

	KUNIT_ASSERT_NOT_NULL(test, mem);
	loop_up(loop);
	KUNIT_ASSERT_EQ(test, 0, kmcl_gpadl_create(client->ch, 0, mem, 5000,
						   &handle));
	KUNIT_ASSERT_EQ(test, 0, kmcl_gpadl_map(server->ch, 0, handle, &mdl));
	KUNIT_EXPECT_EQ(test, -EBUSY, kmcl_gpadl_map(server->ch, 0, handle,
						     &mdl));
	KUNIT_EXPECT_EQ(test, 0, kmcl_gpadl_unmap(server->ch, handle));
	KUNIT_EXPECT_EQ(test, -ENOENT, kmcl_gpadl_unmap(server->ch, handle));
	KUNIT_EXPECT_EQ(test, 0, kmcl_gpadl_delete(client->ch, handle));
	probes_expect(client, EV_GPADL, 0, KMCL_GPADL_CREATE, handle, 5000, 0);
	probes_expect(client, EV_GPADL, 1, KMCL_GPADL_DELETE, handle, 5000, 0);
	probes_expect_count(client, EV_GPADL, 2);
	probes_expect(server, EV_GPADL, 0, KMCL_GPADL_MAP, handle, 0, 0);
	probes_expect(server, EV_GPADL, 1, KMCL_GPADL_MAP, handle, 0, -EBUSY);
	probes_expect(server, EV_GPADL, 2, KMCL_GPADL_UNMAP, handle, 0, 0);
	probes_expect(server, EV_GPADL, 3, KMCL_GPADL_UNMAP, handle, 0,
		      -ENOENT);
	probes_expect_count(server, EV_GPADL, 4);
}

static void synchronous_requests(struct kunit *test)
{
	s64 soon = 20 * NSEC_PER_MSEC;
	struct loop *loop = test->priv;
	struct end *client = &loop->client;

	loop_up(loop);
	KUNIT_EXPECT_EQ(test, 0, loop_request(client, KMCL_SEND_WAIT,
					      KMCL_NO_TIMEOUT));
	KUNIT_EXPECT_EQ(test, loop_request(client, 0, 0), 0);
	kmcl_channel_pause(client->ch);
	KUNIT_EXPECT_EQ(test, loop_request(client, 0, soon), -ECANCELED);
	KUNIT_EXPECT_EQ(test, loop_request(client, 0, 0), -EAGAIN);
	kmcl_channel_disable(client->ch);
	KUNIT_EXPECT_EQ(test, loop_request(client, 0, soon), -ENODEV);
	probes_expect(client, EV_SYNC, 0, KMCL_NO_TIMEOUT, 0);
	probes_expect(client, EV_SYNC, 1, 0, 0);
	probes_expect(client, EV_SYNC, 2, soon, -ECANCELED);
	probes_expect(client, EV_SYNC, 3, 0, -EAGAIN);
	probes_expect(client, EV_SYNC, 4, soon, -ENODEV);
	probes_expect_count(client, EV_SYNC, 5);
}

/* Into the queue, from there into the ring, and once into the ring only */
static void large_packets(struct kunit *test)
{
	const u32 len = KMCL_TX_AT_ONCE + 8;
	struct loop *loop = test->priv;
	struct end *client = &loop->client;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(client->ch, len));
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(loop->server.ch, len));
	loop_send_long(client, 0, len, 0);
	probes_expect_count(client, EV_COPY, 1);
	loop_up(loop);
	loop_wait(&loop->server, loop_got(&loop->server) == 1);
	loop_send_long(client, 1, len, 0);
	loop_send_long(client, 1, KMCL_TX_AT_ONCE, 0);
	loop_wait(&loop->server, loop_got(&loop->server) == 3);
	probes_expect(client, EV_COPY, 0, len);
	probes_expect(client, EV_COPY, 1, len);
	probes_expect(client, EV_COPY, 2, len);
	probes_expect_count(client, EV_COPY, 3);
}

static void count_ours(struct tracepoint *tp, void *count)
{
	*(u32 *)count += !strncmp(tp->name, "kmcl_", 5);
}

static void there_are_no_other_tracepoints(struct kunit *test)
{
	u32 count = 0;

	for_each_kernel_tracepoint(count_ours, &count);
	KUNIT_EXPECT_EQ(test, count, EV_COUNT);
}

static struct kunit_case trace_cases[] = {
	KUNIT_CASE(a_packet_and_its_completion),
	KUNIT_CASE(packets_that_complete_in_the_ring),
	KUNIT_CASE(packets_that_are_sent_together),
	KUNIT_CASE(completions_without_data),
	KUNIT_CASE(external_data),
	KUNIT_CASE(the_queue_and_what_leaves_it),
	KUNIT_CASE(large_packets),
	KUNIT_CASE(states_and_callbacks),
	KUNIT_CASE(callbacks_that_fail_or_report_a_failure),
	KUNIT_CASE(the_quota),
	KUNIT_CASE(the_limit_of_memory),
	KUNIT_CASE(the_budget),
	KUNIT_CASE(a_deferred_packet),
	KUNIT_CASE(a_failed_packet),
	KUNIT_CASE(bad_packets),
	KUNIT_CASE(gpadls),
	KUNIT_CASE(synchronous_requests),
	KUNIT_CASE(there_are_no_other_tracepoints),
	{}
};

static struct kunit_suite trace_suite = {
	.name = "kmcl_trace",
	.init = probes_init,
	.exit = probes_exit,
	.test_cases = trace_cases,
};

kunit_test_suite(trace_suite);
