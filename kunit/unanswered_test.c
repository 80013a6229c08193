// SPDX-License-Identifier: GPL-2.0
/*
 * Requests whose answer nobody will see, because nothing more is read from the
 * incoming ring: each of them ends, once, before the channel is closed, except
 * for those with memory that the peer may still use.
 */
#include "fake_transport.h"

#define WAIT	KMCL_SEND_WAIT
#define COUNT	40		/* some bursts */

/* The other side of the client writes a length that cannot be true */
static void break_ring(struct loop *loop)
{
	loop_inject_len8(&loop->server, 0xffff);
	loop_wait(&loop->client,
		  loop_counters(&loop->client).bad[KMCL_BAD_LENGTH]);
}

/* The server answers nothing */
static void open_both(struct loop *loop)
{
	loop->server.keep = true;
	loop_up(loop);
}

static void reopen(struct end *e)
{
	kmcl_channel_disable(e->ch);
	loop_forget(e);
	KUNIT_ASSERT_EQ(e->loop->test, kmcl_channel_enable(e->ch), 0);
	loop_wait_event(e, POST_STARTED, 1);
}

static int try(struct end *e, u32 flags)
{
	struct kmcl_packet *pkt = kmcl_packet_alloc(e->ch);
	u64 value = 1;
	int ret;

	KUNIT_ASSERT_NOT_NULL(e->loop->test, pkt);
	ret = kmcl_send(pkt, &value, sizeof(value), flags);
	/* Complains if it was accepted */
	if (ret)
		kmcl_packet_free(pkt);
	return ret;
}

static void requests_in_flight_end(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct sent *s[COUNT];
	struct kmcl_counters c;
	u32 i;

	open_both(loop);
	for (i = 0; i < COUNT; i++)
		s[i] = loop_send(client, i, WAIT);
	loop_wait(&loop->server, loop_kept(&loop->server) == COUNT);
	break_ring(loop);
	loop_wait(client, loop_done(client) == COUNT);
	for (i = 0; i < COUNT; i++) {
		KUNIT_EXPECT_EQ(test, s[i]->status, -EPROTO);
		KUNIT_EXPECT_EQ(test, s[i]->done, 1);
		KUNIT_EXPECT_EQ(test, s[i]->order, i + 1);
	}
	c = loop_counters(client);
	KUNIT_EXPECT_EQ(test, c.unanswered, COUNT);
	KUNIT_EXPECT_EQ(test, c.completed, COUNT);
	KUNIT_EXPECT_EQ(test, c.in_flight, 0);
	/* The answers come too late, and are not read */
	loop_complete_all(&loop->server);
	KUNIT_EXPECT_EQ(test, loop_counters(client).comps_stale, 0);
	loop_expect_balance(client);
}

/* What needs no answer is sent, all else refused, until the next opening */
static void later_requests_are_refused(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct kmcl_counters c;
	struct sent *s;
	u32 len = 8;
	u64 value = 1;

	open_both(loop);
	break_ring(loop);
	loop_wait(client, READ_ONCE(client->ch->tx.no_answers));
	KUNIT_EXPECT_EQ(test, try(client, WAIT), -EPROTO);
	KUNIT_EXPECT_EQ(test, try(client, WAIT), -EPROTO);
	KUNIT_EXPECT_EQ(test, loop_request(client, WAIT, KMCL_NO_TIMEOUT),
			-EPROTO);
	KUNIT_EXPECT_EQ(test, loop_request(client, WAIT, 0), -EPROTO);
	KUNIT_EXPECT_EQ(test, loop_request(client, 0, KMCL_NO_TIMEOUT), 0);
	KUNIT_EXPECT_EQ(test, try(client, 0), 0);
	loop_wait(&loop->server, loop_got(&loop->server) == 2);
	c = loop_counters(client);
	KUNIT_EXPECT_EQ(test, c.accepted, 2);
	KUNIT_EXPECT_EQ(test, c.completed, 2);
	KUNIT_EXPECT_EQ(test, c.unanswered, 0);

	loop->server.keep = false;
	loop_complete_all(&loop->server);
	reopen(client);
	s = loop_send(client, 7, WAIT);
	loop_wait(client, s->done);
	KUNIT_EXPECT_EQ(test, s->status, 0);
	KUNIT_EXPECT_EQ(test, kmcl_send_sync(client->ch, &value, 8, WAIT, &value,
					     &len, KMCL_NO_TIMEOUT), 0);
}

/* While the gate is closed they are queued, as always */
static void requests_of_a_paused_channel_end_at_its_start(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct sent *in_flight, *queued, *after;

	open_both(loop);
	in_flight = loop_send(client, 1, WAIT);
	break_ring(loop);
	loop_wait(client, in_flight->done);
	kmcl_channel_pause(client->ch);
	queued = loop_send(client, 2, WAIT);
	after = loop_send(client, 3, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued, 2);
	kmcl_channel_start(client->ch);
	loop_wait(client, loop_done(client) == 3);
	KUNIT_EXPECT_EQ(test, queued->status, -EPROTO);
	KUNIT_EXPECT_EQ(test, after->status, 0);
	loop_expect_balance(client);
}

/* And those that wait for its next opening are sent then */
static void requests_of_a_closed_channel_are_sent(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct sent *s;

	loop_up(loop);
	break_ring(loop);
	kmcl_channel_disable(client->ch);
	s = loop_send(client, 1, WAIT);
	loop_forget(client);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(client->ch), 0);
	loop_wait(client, s->done);
	KUNIT_EXPECT_EQ(test, s->status, 0);
}

/* The ring to the other side is full, and nobody reads it */
static void queued_requests_end_without_room(struct kunit *test)
{
	u32 fit = (FAKE_RING_BYTES - 1) / 4024;
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct sent *s, *plain;
	u32 i;

	fake_up(loop);
	for (i = 0; i < fit; i++)
		loop_send_long(client, i, 4000, WAIT);
	for (i = 0; i < 2 * KMCL_TX_BURST; i++)
		s = loop_send_long(client, i, 4000, WAIT);
	plain = loop_send_long(client, i, 4000, 0);
	loop_send_long(client, i, 4000, WAIT);
	KUNIT_EXPECT_EQ(test, loop_counters(client).in_flight, fit);
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued,
			2 * KMCL_TX_BURST + 2);
	WRITE_ONCE(fake.in->ctl->write_index, fake.in->size + 8);
	fake_interrupt();
	loop_wait(client, s->done);
	KUNIT_EXPECT_EQ(test, s->status, -EPROTO);
	/* One that needs no answer keeps its place, and all behind it */
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued, 2);
	KUNIT_EXPECT_EQ(test, loop_counters(client).in_flight, 0);
	KUNIT_EXPECT_FALSE(test, plain->done);

	WRITE_ONCE(fake.out->ctl->read_index,
		   READ_ONCE(fake.out->ctl->write_index));
	fake_interrupt();
	loop_wait(client, plain->done);
	KUNIT_EXPECT_EQ(test, plain->status, 0);
	loop_wait(client, !loop_counters(client).queued);
	KUNIT_EXPECT_EQ(test, loop_counters(client).unanswered,
			fit + 2 * KMCL_TX_BURST + 1);
	loop_expect_balance(client);
}

/* The peer may use its memory until the link is gone */
static void external_data_ends_with_the_link(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->client.ch;
	u8 *mem = loop_memory(test, 1);
	struct kmcl_packet *pkt[2];
	struct kmcl_mdl *mdl;
	u64 value = 1;
	u32 i;

	fake_up(loop);
	mdl = kmcl_mdl_from_buffer(mem, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mdl);
	for (i = 0; i < 2; i++) {
		pkt[i] = kmcl_packet_alloc(ch);
		KUNIT_ASSERT_NOT_NULL(test, pkt[i]);
		kmcl_packet_set_done(pkt[i], fake_done);
	}
	KUNIT_EXPECT_EQ(test, kmcl_send_mdl(pkt[0], &value, 8, mdl, WAIT), 0);
	loop_send(&loop->client, 2, WAIT);
	WRITE_ONCE(fake.in->ctl->write_index, fake.in->size + 8);
	fake_interrupt();
	loop_wait(&loop->client, loop_done(&loop->client) == 1);
	KUNIT_EXPECT_EQ(test, kmcl_send_mdl(pkt[1], &value, 8, mdl, WAIT),
			-EPROTO);
	kmcl_mdl_free(mdl);
	KUNIT_EXPECT_EQ(test, fake.ndone, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).in_flight, 1);
	kmcl_channel_disable(ch);
	KUNIT_EXPECT_EQ(test, fake.ndone, 1);
	KUNIT_EXPECT_EQ(test, fake.status, -ECANCELED);
	KUNIT_EXPECT_EQ(test, fake.closes_at_done, 1);
	for (i = 0; i < 2; i++)
		kmcl_packet_free(pkt[i]);
}

static void ask(void *data)
{
	struct loop *loop = data;

	loop->failure = loop_request(&loop->client, WAIT, KMCL_NO_TIMEOUT);
}

static void a_synchronous_request_ends(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct job *job;

	open_both(loop);
	job = loop_job(loop, ask, loop);
	loop_wait(&loop->server, loop_kept(&loop->server) == 1);
	break_ring(loop);
	loop_job_wait(job);
	KUNIT_EXPECT_EQ(test, loop->failure, -EPROTO);
}

static void fail_packet(struct end *e, struct kmcl_context *ctx, u64 value)
{
	kmcl_packet_fail(ctx);
}

/* The driver itself wants no more of that ring */
static void requests_of_a_driver_that_fails_a_packet(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	struct sent *s;

	server->process = fail_packet;
	loop->client.keep = true;
	loop_up(loop);
	s = loop_send(server, 1, WAIT);
	loop_wait(&loop->client, loop_kept(&loop->client) == 1);
	loop_send(&loop->client, 2, 0);
	loop_wait(server, s->done);
	KUNIT_EXPECT_EQ(test, s->status, -EPROTO);
	KUNIT_EXPECT_EQ(test, try(server, WAIT), -EPROTO);
	loop_complete_all(&loop->client);
}

/* Ended twice, or never: the balance shows it */
static void each_ends_once_while_the_channel_closes(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	u32 i, round, sent = 0;
	struct job *job;

	open_both(loop);
	for (round = 0; round < 30; round++) {
		for (i = 0; i < COUNT; i++, sent++)
			loop_send(client, i, WAIT);
		loop_wait(&loop->server, loop_kept(&loop->server) == COUNT);
		/* Every other time by the other side */
		job = loop_disable(round & 1 ? &loop->server : client);
		loop_complete_kept(&loop->server, 0, 0);
		spin_lock_irq(&client->ch->rx.lock);
		atomic_or(KMCL_RX_FAILED, &client->ch->rx.state);
		spin_unlock_irq(&client->ch->rx.lock);
		kmcl_tx_no_answers(client->ch);
		loop_complete_all(&loop->server);
		loop_job_wait(job);
		loop_wait(client, loop_done(client) == sent);
		loop_expect_balance(client);
		loop_wait_state(client, "Disabled");
		loop_forget(client);
		KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(client->ch));
		if (round & 1) {
			kmcl_channel_start(loop->server.ch);
			KUNIT_ASSERT_EQ(test, 0,
					kmcl_channel_enable(loop->server.ch));
		}
		loop_wait_event(client, POST_STARTED, 1);
	}
}

static struct kunit_case unanswered_cases[] = {
	/* KMCL: EVT_VMB_PACKET_COMPLETION_ROUTINE */
	KUNIT_CASE(requests_in_flight_end),
	/* KMCL: VmbPacketSend */
	KUNIT_CASE(later_requests_are_refused),
	KUNIT_CASE(requests_of_a_paused_channel_end_at_its_start),
	KUNIT_CASE(requests_of_a_closed_channel_are_sent),
	KUNIT_CASE(queued_requests_end_without_room),
	KUNIT_CASE(external_data_ends_with_the_link),
	/* KMCL: VmbChannelSendSynchronousRequest */
	KUNIT_CASE(a_synchronous_request_ends),
	/* KMCL: VmbChannelPacketFail */
	KUNIT_CASE(requests_of_a_driver_that_fails_a_packet),
	KUNIT_CASE_SLOW(each_ends_once_while_the_channel_closes),
	{}
};

static struct kunit_suite unanswered_suite = {
	.name = "kmcl_unanswered",
	.init = fake_init,
	.exit = fake_exit,
	.test_cases = unanswered_cases,
};

kunit_test_suite(unanswered_suite);

MODULE_DESCRIPTION("KUnit tests of requests whose answer nobody will see");
MODULE_LICENSE("GPL");
