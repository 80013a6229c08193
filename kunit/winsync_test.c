// SPDX-License-Identifier: GPL-2.0
/*
 * Synchronous requests under Windows' names: which status they end with, from
 * every situation that has one of its own, and time limits as Windows counts
 * them, from the call to the end of the wait. Needs loopback only.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/string.h>
#include <kmcl/vmbuskernelmodeclientlibapi.h>

#include "harness.h"

#define WAIT		VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION
#define TICKS_PER_MSEC	10000LL
/* From 1601 to 1970, in days and then in units of 100 ns */
#define EPOCH		(134774LL * 24 * 3600 * 1000 * TICKS_PER_MSEC)
#define SOON		(20 * TICKS_PER_MSEC)

#define EXPECT_STATUS(test, call, status) \
	KUNIT_EXPECT_EQ(test, (u32)(call), (u32)(status))

/* A request that another thread makes, without a time limit */
struct request {
	struct end *e;
	UINT32 flags;
	NTSTATUS status;
};

static NTSTATUS forever(struct end *e, UINT32 flags)
{
	u64 value = 1;

	return VmbChannelSendSynchronousRequest(e->ch, &value, sizeof(value),
						NULL, flags, NULL, NULL, NULL);
}

static NTSTATUS limited(struct end *e, UINT32 flags, LONGLONG ticks)
{
	LARGE_INTEGER limit = { .QuadPart = ticks };
	u64 value = 1;

	return VmbChannelSendSynchronousRequest(e->ch, &value, sizeof(value),
						NULL, flags, NULL, NULL, &limit);
}

static LONGLONG now(void)
{
	return div_u64(ktime_get_real_ns(), 100) + EPOCH;
}

static void request_thread(void *data)
{
	struct request *r = data;

	r->status = forever(r->e, r->flags);
}

static u64 in_use(struct end *e)
{
	struct kmcl_counters c = loop_counters(e);

	return c.queued + c.in_flight;
}

/* A request of another thread's that waits: queued, or for the peer */
static struct job *waiting(struct request *r, struct end *e, UINT32 flags)
{
	struct job *job;

	r->e = e;
	r->flags = flags;
	r->status = STATUS_PENDING;
	job = loop_job(e->loop, request_thread, r);
	loop_poll(e, c->queued + c->in_flight == 1);
	KUNIT_EXPECT_FALSE(e->loop->test, completion_done(&job->done));
	return job;
}

static void cancelled_when_time_is_over(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct kmcl_counters c;

	/* In the queue: there is no offer */
	KUNIT_ASSERT_EQ(test, VmbChannelEnable(client->ch), STATUS_SUCCESS);
	EXPECT_STATUS(test, limited(client, 0, -SOON), STATUS_CANCELLED);
	EXPECT_STATUS(test, limited(client, WAIT, -SOON), STATUS_CANCELLED);
	c = loop_counters(client);
	KUNIT_EXPECT_EQ(test, c.queued, 0);
	KUNIT_EXPECT_EQ(test, c.cancelled, 2);
	KUNIT_EXPECT_EQ(test, c.sent, 0);
	VmbChannelDisable(client->ch);

	/* Outstanding at the peer, which holds it */
	loop->server.keep = true;
	loop_up(loop);
	EXPECT_STATUS(test, limited(client, WAIT, -SOON), STATUS_CANCELLED);
	loop_wait(&loop->server, loop_kept(&loop->server) == 1);
	c = loop_counters(client);
	KUNIT_EXPECT_EQ(test, c.in_flight, 0);
	KUNIT_EXPECT_EQ(test, c.cancelled, 3);
	/* The request was only to be written into the ring, which was in time */
	EXPECT_STATUS(test, limited(client, 0, -SOON), STATUS_SUCCESS);
}

static void a_point_of_time_ends_the_wait(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	ktime_t start;
	s64 ms;

	/* A point of time that has passed: queued, and cancelled at once */
	KUNIT_ASSERT_EQ(test, VmbChannelEnable(client->ch), STATUS_SUCCESS);
	EXPECT_STATUS(test, limited(client, 0, now() - SOON), STATUS_CANCELLED);
	EXPECT_STATUS(test, limited(client, 0, 1), STATUS_CANCELLED);
	KUNIT_EXPECT_EQ(test, loop_counters(client).accepted, 2);
	VmbChannelDisable(client->ch);

	loop->server.keep = true;
	loop_up(loop);
	start = ktime_get();
	EXPECT_STATUS(test, limited(client, WAIT, now() + 50 * TICKS_PER_MSEC),
		      STATUS_CANCELLED);
	ms = ktime_ms_delta(ktime_get(), start);
	KUNIT_EXPECT_GE(test, ms, 40);
	KUNIT_EXPECT_LT(test, ms, 5000);
	loop_wait(&loop->server, loop_kept(&loop->server) == 1);
	loop_complete_all(&loop->server);
	loop->server.keep = false;
	EXPECT_STATUS(test, limited(client, WAIT, now() + 10000 * TICKS_PER_MSEC),
		      STATUS_SUCCESS);
}

/* Sent, as there is room, and cancelled: the peer gets it all the same */
static void no_time_to_wait_for_a_completion(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	u32 i;

	/* The server does not read yet */
	KUNIT_ASSERT_EQ(test, VmbChannelEnable(server->ch), STATUS_SUCCESS);
	KUNIT_ASSERT_EQ(test, VmbChannelEnable(client->ch), STATUS_SUCCESS);
	loop_wait_event(client, POST_STARTED, 1);
	EXPECT_STATUS(test, limited(client, WAIT, 0), STATUS_CANCELLED);
	KUNIT_EXPECT_EQ(test, loop_counters(client).sent, 1);
	KUNIT_EXPECT_EQ(test, in_use(client), 0);

	for (i = 1; i < LOOP_SENDS; i++)
		if (limited(client, 0, 0) != STATUS_SUCCESS)
			break;
	KUNIT_EXPECT_GT(test, i, 100);
	/* No room: that is the status, and nothing is queued */
	EXPECT_STATUS(test, limited(client, WAIT, 0), STATUS_BUFFER_OVERFLOW);
	EXPECT_STATUS(test, limited(client, 0, 0), STATUS_BUFFER_OVERFLOW);
	KUNIT_EXPECT_EQ(test, loop_counters(client).sent, i);
	KUNIT_EXPECT_EQ(test, loop_counters(client).accepted, i);

	VmbChannelStart(server->ch);
	loop_wait(server, loop_got(server) == i);
	/* Only the first one was to be completed, and it was too late */
	loop_poll(client, c->comps_stale == 1);
}

/* As with no room: older packets are sent first, and nothing is queued */
static void overflow_behind_what_is_queued(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	u32 i;

	KUNIT_ASSERT_EQ(test, VmbChannelEnable(loop->server.ch), STATUS_SUCCESS);
	KUNIT_ASSERT_EQ(test, VmbChannelEnable(client->ch), STATUS_SUCCESS);
	loop_wait_event(client, POST_STARTED, 1);
	/* The last one does not fit, a shorter one would */
	for (i = 0; i < LOOP_SENDS && !loop_counters(client).queued; i++)
		loop_send_long(client, i, 4096, 0);
	KUNIT_ASSERT_EQ(test, loop_counters(client).queued, 1);
	EXPECT_STATUS(test, limited(client, 0, 0), STATUS_BUFFER_OVERFLOW);
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued, 1);
	VmbChannelStart(loop->server.ch);
	loop_wait(client, loop_done(client) == i);
	EXPECT_STATUS(test, limited(client, 0, 0), STATUS_SUCCESS);
}

static NTSTATUS at_once[LOOP_EVENTS], in_callback[LOOP_EVENTS];

static void ask_in_callback(struct end *e, enum loop_event what)
{
	at_once[what] = limited(e, 0, 0);
	/* In Suspend it waits until the channel is started again */
	if (what != SUSPEND)
		in_callback[what] = forever(e, WAIT);
}

static void overflow_where_nothing_moves(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;

	memset(at_once, 0x55, sizeof(at_once));
	memset(in_callback, 0x55, sizeof(in_callback));
	KUNIT_ASSERT_EQ(test, VmbChannelEnable(client->ch), STATUS_SUCCESS);
	EXPECT_STATUS(test, limited(client, 0, 0), STATUS_BUFFER_OVERFLOW);
	EXPECT_STATUS(test, limited(client, WAIT, 0), STATUS_BUFFER_OVERFLOW);
	KUNIT_ASSERT_EQ(test, VmbChannelEnable(server->ch), STATUS_SUCCESS);
	EXPECT_STATUS(test, limited(server, 0, 0), STATUS_BUFFER_OVERFLOW);
	VmbChannelStart(server->ch);
	loop_wait_event(client, POST_STARTED, 1);
	VmbChannelPause(client->ch);
	EXPECT_STATUS(test, limited(client, 0, 0), STATUS_BUFFER_OVERFLOW);
	EXPECT_STATUS(test, limited(client, WAIT, 0), STATUS_BUFFER_OVERFLOW);
	VmbChannelDisable(client->ch);

	client->hook = ask_in_callback;
	KUNIT_ASSERT_EQ(test, VmbChannelEnable(client->ch), STATUS_SUCCESS);
	loop_wait_event(client, POST_STARTED, 2);
	/* Suspend is the pause's: a close has begun by then */
	VmbChannelPause(client->ch);
	VmbChannelDisable(client->ch);
	EXPECT_STATUS(test, at_once[OPENED], STATUS_BUFFER_OVERFLOW);
	EXPECT_STATUS(test, at_once[STARTED], STATUS_BUFFER_OVERFLOW);
	EXPECT_STATUS(test, at_once[POST_STARTED], STATUS_SUCCESS);
	EXPECT_STATUS(test, at_once[SUSPEND], STATUS_BUFFER_OVERFLOW);
	EXPECT_STATUS(test, at_once[CLOSED], STATUS_DEVICE_REMOVED);
	/* Waiting would never end in the first two */
	EXPECT_STATUS(test, in_callback[OPENED], STATUS_INVALID_DEVICE_STATE);
	EXPECT_STATUS(test, in_callback[STARTED], STATUS_INVALID_DEVICE_STATE);
	EXPECT_STATUS(test, in_callback[POST_STARTED], STATUS_SUCCESS);
	EXPECT_STATUS(test, in_callback[CLOSED], STATUS_DEVICE_REMOVED);
	KUNIT_EXPECT_EQ(test, in_use(client), 0);
}

static void expect_removed(struct end *e)
{
	struct kunit *test = e->loop->test;

	EXPECT_STATUS(test, forever(e, 0), STATUS_DEVICE_REMOVED);
	EXPECT_STATUS(test, forever(e, WAIT), STATUS_DEVICE_REMOVED);
	EXPECT_STATUS(test, limited(e, 0, -SOON), STATUS_DEVICE_REMOVED);
	EXPECT_STATUS(test, limited(e, WAIT, now() + SOON),
		      STATUS_DEVICE_REMOVED);
	EXPECT_STATUS(test, limited(e, 0, 0), STATUS_DEVICE_REMOVED);
	EXPECT_STATUS(test, limited(e, WAIT, 0), STATUS_DEVICE_REMOVED);
	KUNIT_EXPECT_EQ(test, in_use(e), 0);
}

static const struct closing_case {
	const char *name;
	bool rescind;
} closings[] = {
	{ "a disable", false },
	{ "a rescind", true },
};

KUNIT_ARRAY_PARAM_DESC(closing, closings, name);

static void removed_while_and_after_it_closes(struct kunit *test)
{
	const struct closing_case *closing = test->param_value;
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct job *job, *end = NULL;
	struct request r;

	expect_removed(client);
	loop->server.keep = true;
	loop_up(loop);
	job = waiting(&r, client, WAIT);
	loop_wait(&loop->server, loop_kept(&loop->server) == 1);
	/* Ended before anything else happens to the channel */
	loop_hold(client, SUSPEND);
	if (closing->rescind)
		kmcl_offer_rescind(loop->server.ch->link.offer);
	else
		end = loop_disable(client);
	loop_job_wait(job);
	EXPECT_STATUS(test, r.status, STATUS_DEVICE_REMOVED);
	loop_complete_all(&loop->server);
	loop_wait_held(client);
	loop_hold(client, CLOSED);
	loop_release(client);
	loop_wait_held(client);
	expect_removed(client);
	loop_release(client);
	if (end)
		loop_job_wait(end);
	loop_wait_state(client, "Disabled");
	expect_removed(client);
	VmbChannelDisable(loop->server.ch);

	/* In the queue: no offer, so that nothing is to be closed */
	KUNIT_ASSERT_EQ(test, VmbChannelEnable(client->ch), STATUS_SUCCESS);
	job = waiting(&r, client, 0);
	VmbChannelDisable(client->ch);
	loop_job_wait(job);
	EXPECT_STATUS(test, r.status, STATUS_DEVICE_REMOVED);
}

static void reply_of_24_bytes(struct end *e, struct kmcl_context *ctx,
			      u64 value)
{
	u64 data[3] = { 11, 22, 33 };

	VmbChannelPacketComplete(ctx, data, sizeof(data));
}

static void too_small_for_the_reply(struct kunit *test)
{
	struct loop *loop = test->priv;
	u64 value = 1, reply[4];
	UINT32 size;

	loop->server.process = reply_of_24_bytes;
	loop_up(loop);
#define REQUEST() \
	VmbChannelSendSynchronousRequest(loop->client.ch, &value, 8, NULL, WAIT, \
					 reply, &size, NULL)
	memset(reply, 0, sizeof(reply));
	size = 16;
	EXPECT_STATUS(test, REQUEST(), STATUS_BUFFER_TOO_SMALL);
	/* Filled, and the size needed is stored */
	KUNIT_EXPECT_EQ(test, size, 24);
	KUNIT_EXPECT_EQ(test, reply[0], 11);
	KUNIT_EXPECT_EQ(test, reply[1], 22);
	KUNIT_EXPECT_EQ(test, reply[2], 0);
	EXPECT_STATUS(test, REQUEST(), STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, size, 24);
	KUNIT_EXPECT_EQ(test, reply[2], 33);
	size = 32;
	EXPECT_STATUS(test, REQUEST(), STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, size, 24);
	KUNIT_EXPECT_EQ(test, reply[3], 0);
	size = 20;
	EXPECT_STATUS(test, REQUEST(), STATUS_INVALID_PARAMETER_7);
	KUNIT_EXPECT_EQ(test, size, 20);
#undef REQUEST
}

static void a_server_may_only_try(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;

	loop_up(loop);
	EXPECT_STATUS(test, limited(server, 0, 0), STATUS_SUCCESS);
	loop_wait(&loop->client, loop_got(&loop->client) == 1);
	EXPECT_STATUS(test, limited(server, WAIT, 0),
		      STATUS_INVALID_PARAMETER_8);
	EXPECT_STATUS(test, limited(server, 0, -SOON),
		      STATUS_INVALID_PARAMETER_8);
	EXPECT_STATUS(test, limited(server, 0, now() + SOON),
		      STATUS_INVALID_PARAMETER_8);
	EXPECT_STATUS(test, forever(server, 0), STATUS_INVALID_PARAMETER_8);
	KUNIT_EXPECT_EQ(test, loop_counters(server).accepted, 1);
}

static struct kunit_case winsync_cases[] = {
	/* KMCL: VmbChannelSendSynchronousRequest */
	KUNIT_CASE(cancelled_when_time_is_over),
	/* KMCL: VmbChannelSendSynchronousRequest */
	KUNIT_CASE(a_point_of_time_ends_the_wait),
	KUNIT_CASE(no_time_to_wait_for_a_completion),
	KUNIT_CASE(overflow_behind_what_is_queued),
	/* KMCL: VmbChannelSendSynchronousRequest */
	KUNIT_CASE(overflow_where_nothing_moves),
	/* KMCL: VmbChannelSendSynchronousRequest */
	KUNIT_CASE_PARAM(removed_while_and_after_it_closes, closing_gen_params),
	/* KMCL: VmbChannelSendSynchronousRequest */
	KUNIT_CASE(too_small_for_the_reply),
	KUNIT_CASE(a_server_may_only_try),
	{}
};

static struct kunit_suite winsync_suite = {
	.name = "kmcl_winsync",
	.init = loop_init,
	.exit = loop_exit,
	.test_cases = winsync_cases,
};

kunit_test_suite(winsync_suite);

MODULE_DESCRIPTION("KUnit tests of KMCL's synchronous requests");
MODULE_LICENSE("GPL");
