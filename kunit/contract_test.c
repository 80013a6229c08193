// SPDX-License-Identifier: GPL-2.0
/*
 * The run latch, and calls that meet a state callback: what the tables of states
 * say of pausing, disabling and a peer that goes while a callback runs, on both
 * endpoints. The harness looks at the order and context of callbacks.
 */
#include <linux/string.h>

#include "harness.h"

static void enable(struct end *e)
{
	KUNIT_ASSERT_EQ(e->loop->test, 0, kmcl_channel_enable(e->ch));
}

static void server_up(struct loop *loop)
{
	kmcl_channel_start(loop->server.ch);
	enable(&loop->server);
}

/* The job waits for the callback that is held */
static void expect_waiting(struct job *job)
{
	KUNIT_EXPECT_EQ(job->loop->test, 0,
			wait_for_completion_timeout(&job->done, HZ / 20));
}

/* A thread has asked for it: what @e does from here on is after that */
static void wait_asked(struct end *e, bool disable)
{
	const struct kmcl_inputs *in = &e->ch->sm.in;

	loop_wait(e, disable ? READ_ONCE(in->disable) : !READ_ONCE(in->run));
}

/* Each callback that was called has its counterpart */
static void expect_pairs(struct end *e)
{
	struct kunit *test = e->loop->test;

	KUNIT_EXPECT_LE(test, loop_count(e, OPENED_BEGINS), 1);
	KUNIT_EXPECT_EQ(test, loop_count(e, OPENED_BEGINS),
			loop_count(e, CLOSED_BEGINS));
	KUNIT_EXPECT_EQ(test, loop_count(e, STARTED_BEGINS),
			loop_count(e, SUSPEND_BEGINS));
	KUNIT_EXPECT_LE(test, loop_count(e, POST_STARTED_BEGINS),
			loop_count(e, STARTED_BEGINS));
}

static void while_disabled_the_last_call_counts(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;

	kmcl_channel_pause(client->ch);
	kmcl_channel_start(client->ch);
	kmcl_channel_start(server->ch);
	kmcl_channel_pause(server->ch);
	enable(server);
	loop_wait_state(server, "Enabled");
	enable(client);
	loop_wait_event(client, POST_STARTED, 1);
	loop_expect_events(client, OPENED, STARTED, POST_STARTED);
	loop_wait_state(server, "Paused");
	loop_expect_events(server, OPENED);
	kmcl_channel_disable(client->ch);
	kmcl_channel_disable(server->ch);

	kmcl_channel_pause(server->ch);
	kmcl_channel_start(server->ch);
	enable(server);
	loop_wait_state(server, "Started");
	/* Neither has run a callback or moved a channel that is disabled */
	kmcl_channel_start(client->ch);
	kmcl_channel_pause(client->ch);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(client->ch), "Disabled");
	enable(client);
	loop_wait_state(client, "Paused");
	loop_wait_event(server, POST_STARTED, 1);
	loop_expect_events(client, OPENED, STARTED, POST_STARTED, SUSPEND,
			   CLOSED, OPENED);
	loop_expect_events(server, OPENED, CLOSED, OPENED, STARTED,
			   POST_STARTED);
}

static void a_client_disabled_while_paused_runs_again(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;

	server_up(loop);
	kmcl_channel_pause(client->ch);
	enable(client);
	loop_wait_state(client, "Paused");
	kmcl_channel_disable(client->ch);
	enable(client);
	loop_wait_event(client, POST_STARTED, 1);
	loop_expect_events(client, OPENED, CLOSED, OPENED, STARTED,
			   POST_STARTED);

	/* The other side's end of the link has left it disabled as well */
	kmcl_channel_pause(client->ch);
	kmcl_channel_disable(loop->server.ch);
	loop_wait_state(client, "Disabled");
	enable(client);
	server_up(loop);
	loop_wait_event(client, POST_STARTED, 2);
	loop_expect_events(client, OPENED, CLOSED, OPENED, STARTED,
			   POST_STARTED, SUSPEND, CLOSED, OPENED, STARTED,
			   POST_STARTED);
}

static void a_servers_latch_is_kept_after_its_client_closed(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;

	loop_up(loop);
	kmcl_channel_pause(server->ch);
	kmcl_channel_disable(client->ch);
	loop_wait_event(server, CLOSED, 1);
	loop_wait_state(server, "Enabled");
	enable(client);
	loop_wait_state(server, "Paused");
	loop_expect_events(server, OPENED, STARTED, POST_STARTED, SUSPEND,
			   CLOSED, OPENED);
	kmcl_channel_start(server->ch);
	loop_wait_event(server, POST_STARTED, 2);
	kmcl_channel_disable(client->ch);
	loop_wait_event(server, CLOSED, 2);
	enable(client);
	loop_wait_event(server, POST_STARTED, 3);
	loop_expect_events(server, OPENED, STARTED, POST_STARTED, SUSPEND,
			   CLOSED, OPENED, STARTED, POST_STARTED, SUSPEND,
			   CLOSED, OPENED, STARTED, POST_STARTED);
}

/* Both sides are enabled, and @e is in the callback @what */
static void hold_opening(struct end *e, enum loop_event what)
{
	loop_hold(e, what);
	server_up(e->loop);
	enable(&e->loop->client);
	loop_wait_held(e);
}

/* A callback of one of the endpoints */
struct callback_case {
	const char *name;
	bool server;
	enum loop_event what;
};

static const struct callback_case opened[] = {
	{ "the client's Opened", false, OPENED },
	{ "the server's Opened", true, OPENED },
};

KUNIT_ARRAY_PARAM_DESC(opened, opened, name);

static struct end *end_of(struct loop *loop, bool server)
{
	return server ? &loop->server : &loop->client;
}

static void pausing_while_opened_runs(struct kunit *test)
{
	const struct callback_case *param = test->param_value;
	struct loop *loop = test->priv;
	struct end *e = end_of(loop, param->server);

	hold_opening(e, param->what);
	/* There is nothing to wait for */
	loop_job_wait(loop_pause(e));
	loop_expect_events(e, OPENED_BEGINS);
	loop_release(e);
	loop_wait_state(e, "Paused");
	loop_expect_events(e, OPENED);
	kmcl_channel_start(e->ch);
	loop_wait_event(e, POST_STARTED, 1);
	loop_expect_events(e, OPENED, STARTED, POST_STARTED);
}

static void starting_while_opened_runs(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;

	kmcl_channel_pause(client->ch);
	hold_opening(client, OPENED);
	kmcl_channel_start(client->ch);
	loop_expect_events(client, OPENED_BEGINS);
	loop_release(client);
	loop_wait_event(client, POST_STARTED, 1);
	loop_expect_events(client, OPENED, STARTED, POST_STARTED);
}

/* What Opened returns after it was held */
struct result_case {
	const char *name;
	int result;
	bool server;
};

static const struct result_case results[] = {
	{ "the client's agrees", 0, false },
	{ "the client's does not", -EIO, false },
	{ "the server's agrees", 0, true },
	{ "the server's does not", -EIO, true },
};

KUNIT_ARRAY_PARAM_DESC(result, results, name);

static const struct result_case client_results[] = {
	{ "it agrees", 0, false },
	{ "it does not", -EIO, false },
};

KUNIT_ARRAY_PARAM_DESC(client_result, client_results, name);

/* Without Started, and without Closed if it did not agree */
static void expect_opened_only(struct end *e, int result)
{
	if (result)
		loop_expect_events(e, OPENED);
	else
		loop_expect_events(e, OPENED, CLOSED);
}

/* However the last opening ended */
static void expect_it_opens_again(struct loop *loop)
{
	kmcl_channel_disable(loop->client.ch);
	kmcl_channel_disable(loop->server.ch);
	loop_forget(&loop->client);
	loop_forget(&loop->server);
	loop->client.opened_result = 0;
	loop->server.opened_result = 0;
	loop_up(loop);
	loop_expect_events(&loop->client, OPENED, STARTED, POST_STARTED);
	loop_expect_events(&loop->server, OPENED, STARTED, POST_STARTED);
}

static void disabling_while_opened_runs(struct kunit *test)
{
	const struct result_case *param = test->param_value;
	struct loop *loop = test->priv;
	struct end *e = end_of(loop, param->server);
	struct job *job;

	e->opened_result = param->result;
	hold_opening(e, OPENED);
	job = loop_disable(e);
	wait_asked(e, true);
	expect_waiting(job);
	loop_release(e);
	loop_job_wait(job);
	expect_opened_only(e, param->result);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(e->ch), "Disabled");
	/* A client of a server that agreed may have opened, and has closed */
	if (param->server && param->result)
		KUNIT_EXPECT_EQ(test, 0,
				loop_count(&loop->client, OPENED_BEGINS));
	else if (param->server)
		expect_pairs(&loop->client);
	expect_it_opens_again(loop);
}

static void a_rescind_while_a_clients_opened_runs(struct kunit *test)
{
	const struct result_case *param = test->param_value;
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct job *job;

	client->opened_result = param->result;
	hold_opening(client, OPENED);
	loop_wait_event(&loop->server, POST_STARTED, 1);
	job = loop_disable(&loop->server);
	loop_wait_event(&loop->server, CLOSED, 1);
	/* Which waits until the client has released the offer */
	expect_waiting(job);
	loop_expect_events(client, OPENED_BEGINS);
	loop_release(client);
	loop_job_wait(job);
	loop_wait_state(client, "Disabled");
	expect_opened_only(client, param->result);
	loop_expect_events(&loop->server, OPENED, STARTED, POST_STARTED,
			   SUSPEND, CLOSED);
	KUNIT_EXPECT_EQ(test, loop_count(client, FAILURE_BEGINS), 0);
	expect_it_opens_again(loop);
}

/* The client's link ends without a call of its channel, as in a crash */
static void a_client_that_goes_while_opened_runs(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;

	hold_opening(server, OPENED);
	kmcl_link_dead(server->ch);
	loop_release(server);
	loop_wait_event(server, CLOSED, 1);
	loop_wait_state(server, "Started");
	loop_expect_events(server, OPENED, CLOSED);
	KUNIT_EXPECT_TRUE(test, kmcl_offer_exists(&loop->type, &loop->instance));
}

static void a_client_disabled_while_the_servers_opened_runs(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	struct job *job;

	hold_opening(server, OPENED);
	job = loop_disable(client);
	wait_asked(client, true);
	expect_waiting(job);
	loop_release(server);
	loop_job_wait(job);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(client->ch), "Disabled");
	KUNIT_EXPECT_EQ(test, loop_count(client, STARTED_BEGINS), 0);
	expect_pairs(client);
	/* How far the server got is not defined, but it ends */
	loop_wait_event(server, CLOSED, 1);
	loop_wait_state(server, "Started");
	expect_pairs(server);
	/* And opens again */
	enable(client);
	loop_wait_event(client, POST_STARTED, 1);
	loop_wait_state(server, "Active");
}

static const struct callback_case starting[] = {
	{ "the client's Started", false, STARTED },
	{ "the client's PostStarted", false, POST_STARTED },
	{ "the server's Started", true, STARTED },
	{ "the server's PostStarted", true, POST_STARTED },
};

KUNIT_ARRAY_PARAM_DESC(starting, starting, name);

/* The opening runs to its end, with what was queued, and then the pause */
static void pausing_while_it_starts(struct kunit *test)
{
	const struct callback_case *param = test->param_value;
	struct loop *loop = test->priv;
	struct end *e = end_of(loop, param->server);
	struct end *peer = end_of(loop, !param->server);
	struct job *job;

	hold_opening(e, param->what);
	loop_send(e, 1, 0);
	job = loop_pause(e);
	wait_asked(e, false);
	expect_waiting(job);
	loop_release(e);
	loop_job_wait(job);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(e->ch), "Paused");
	loop_expect_events(e, OPENED, STARTED, POST_STARTED, SUSPEND);
	KUNIT_EXPECT_EQ(test, loop_counters(e).sent, 1);
	loop_wait(peer, loop_got(peer) == 1);
	loop_send(e, 2, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(e).queued, 1);
	kmcl_channel_start(e->ch);
	loop_wait(peer, loop_got(peer) == 2);
}

static const struct ending_case {
	const char *name;
	bool server;		/* the callback is the server's */
	enum loop_event what;
	bool server_ends;
} endings[] = {
	{ "the client's Started, the client", false, STARTED, false },
	{ "the client's Started, the server", false, STARTED, true },
	{ "the client's PostStarted, the client", false, POST_STARTED, false },
	{ "the client's PostStarted, the server", false, POST_STARTED, true },
	{ "the server's Started, the server", true, STARTED, true },
	{ "the server's Started, the client", true, STARTED, false },
	{ "the server's PostStarted, the server", true, POST_STARTED, true },
	{ "the server's PostStarted, the client", true, POST_STARTED, false },
};

KUNIT_ARRAY_PARAM_DESC(ending, endings, name);

/* The rest of the opening is skipped, and what was started is suspended */
static void ending_while_it_starts(struct kunit *test)
{
	const struct ending_case *param = test->param_value;
	struct loop *loop = test->priv;
	struct end *closing = end_of(loop, param->server_ends);
	struct end *peer = end_of(loop, !param->server);
	struct end *e = end_of(loop, param->server);
	struct job *job;

	hold_opening(e, param->what);
	/* It is open for the other side, too */
	loop_wait_event(peer, POST_STARTED, 1);
	job = loop_disable(closing);
	if (closing == e) {
		wait_asked(e, true);
		expect_waiting(job);
	} else {
		/* It has heard of the other side's end */
		loop_wait(e, READ_ONCE(e->ch->sm.in.dead));
	}
	loop_release(e);
	loop_job_wait(job);
	loop_wait_event(e, CLOSED, 1);
	loop_wait_event(peer, CLOSED, 1);
	if (param->what == STARTED)
		loop_expect_events(e, OPENED, STARTED, SUSPEND, CLOSED);
	else
		loop_expect_events(e, OPENED, STARTED, POST_STARTED, SUSPEND,
				   CLOSED);
	loop_expect_events(peer, OPENED, STARTED, POST_STARTED, SUSPEND,
			   CLOSED);
	expect_it_opens_again(loop);
}

static void disabling_a_server_that_is_stopped(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	struct job *job;

	loop_up(loop);
	loop_hold(server, CLOSED);
	kmcl_channel_disable(loop->client.ch);
	loop_wait_held(server);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(server->ch), "Stopped");
	job = loop_disable(server);
	wait_asked(server, true);
	expect_waiting(job);
	loop_release(server);
	loop_job_wait(job);
	loop_expect_events(server, OPENED, STARTED, POST_STARTED, SUSPEND,
			   CLOSED);
	KUNIT_EXPECT_FALSE(test, kmcl_offer_exists(&loop->type, &loop->instance));
}

static struct kunit_case contract_cases[] = {
	/* KMCL: VmbChannelPause VmbChannelStart */
	KUNIT_CASE(while_disabled_the_last_call_counts),
	/* KMCL: VmbChannelPause VmbChannelEnable */
	KUNIT_CASE(a_client_disabled_while_paused_runs_again),
	/* KMCL: VmbChannelStart */
	KUNIT_CASE(a_servers_latch_is_kept_after_its_client_closed),
	/* KMCL: VmbChannelPause EVT_VMB_CHANNEL_OPENED */
	KUNIT_CASE_PARAM(pausing_while_opened_runs, opened_gen_params),
	/* KMCL: VmbChannelStart EVT_VMB_CHANNEL_OPENED */
	KUNIT_CASE(starting_while_opened_runs),
	/* KMCL: VmbChannelDisable EVT_VMB_CHANNEL_OPENED */
	KUNIT_CASE_PARAM(disabling_while_opened_runs, result_gen_params),
	/* KMCL: EVT_VMB_CHANNEL_OPENED EVT_VMB_CHANNEL_CLOSED */
	KUNIT_CASE_PARAM(a_rescind_while_a_clients_opened_runs,
			 client_result_gen_params),
	KUNIT_CASE(a_client_that_goes_while_opened_runs),
	KUNIT_CASE(a_client_disabled_while_the_servers_opened_runs),
	/* KMCL: VmbChannelPause EVT_VMB_CHANNEL_STARTED */
	/* KMCL: EVT_VMB_CHANNEL_POST_STARTED */
	KUNIT_CASE_PARAM(pausing_while_it_starts, starting_gen_params),
	/* KMCL: EVT_VMB_CHANNEL_SUSPEND */
	KUNIT_CASE_PARAM(ending_while_it_starts, ending_gen_params),
	/* KMCL: VmbChannelDisable */
	KUNIT_CASE(disabling_a_server_that_is_stopped),
	{}
};

static struct kunit_suite contract_suite = {
	.name = "kmcl_contract",
	.init = loop_init,
	.exit = loop_exit,
	.test_cases = contract_cases,
};

kunit_test_suite(contract_suite);

MODULE_DESCRIPTION("KUnit tests of KMCL's run latch and its callbacks");
MODULE_LICENSE("GPL");
