// SPDX-License-Identifier: GPL-2.0
/*
 * Waits that take long because a driver, or a program that it serves, does: the
 * kernel does not take the waiting task for a hung one, and the log says what is
 * waited for.
 *
 * "Long" is a few jiffies here. Lines of the log are noted by a probe on the
 * kernel's console tracepoint, in any context, under the lock.
 */
#include <linux/sched.h>
#include <trace/events/printk.h>

#include "fake_transport.h"
#include "gpadl_harness.h"

#define LINES	8

static struct wait_fixture {
	spinlock_t lock;		/* the rest */
	char lines[LINES][320];
	u32 nlines;
} fx;

static void on_console(void *data, const char *text, size_t len)
{
	const char *line = strnstr(text, "still waiting for ", len);
	unsigned long flags;

	if (!line)
		return;
	spin_lock_irqsave(&fx.lock, flags);
	if (fx.nlines < LINES)
		scnprintf(fx.lines[fx.nlines], sizeof(fx.lines[0]), "%.*s",
			  (int)(text + len - line), line);
	fx.nlines++;
	spin_unlock_irqrestore(&fx.lock, flags);
}

static int listen(void)
{
	memset(&fx, 0, sizeof(fx));
	spin_lock_init(&fx.lock);
	kmcl_slow = DIV_ROUND_UP(HZ, 50);
	return register_trace_console(on_console, NULL);
}

static void listen_end(void)
{
	kmcl_slow = 30 * HZ;
	unregister_trace_console(on_console, NULL);
	tracepoint_synchronize_unregister();
}

static int wait_init(struct kunit *test)
{
	return gpadl_init(test) ?: listen();
}

static void wait_exit(struct kunit *test)
{
	listen_end();
	loop_exit(test);
}

static int transport_init(struct kunit *test)
{
	return fake_init(test) ?: listen();
}

static void transport_exit(struct kunit *test)
{
	listen_end();
	fake_exit(test);
}

/* Does a line of the log have all of these? */
static bool said(const char *what, const char *state)
{
	bool found = false;
	u32 i;

	spin_lock_irq(&fx.lock);
	for (i = 0; i < min(fx.nlines, LINES); i++)
		if (strstr(fx.lines[i], what) && strstr(fx.lines[i], state))
			found = true;
	spin_unlock_irq(&fx.lock);
	return found;
}

/* Not woken up for signals, and not a hung task; nor does it count as load */
static bool idle(struct job *job)
{
	return READ_ONCE(job->task->__state) == TASK_IDLE;
}

static void drain(void *data)
{
	struct end *e = data;

	kmcl_rx_drain(e->ch);
}

/* The job waits idly, and the log says for what, */
static void expect_wait(struct end *e, struct job *job, const char *what,
			const char *state)
{
	struct kunit *test = e->loop->test;

	loop_wait(e, said(what, state));
	KUNIT_EXPECT_TRUE(test, loop_comes_true(e->wait, idle(job)));
}

/* The server's driver keeps @count of the client's packets */
static void keep_packets(struct loop *loop, u32 count)
{
	u32 i;

	loop->server.keep = true;
	loop_up(loop);
	for (i = 0; i < count; i++)
		loop_send(&loop->client, i, 0);
	loop_wait(&loop->server, loop_kept(&loop->server) == count);
}

static void a_driver_that_keeps_packets(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->server;
	struct job *job[2];
	char device[80];

	keep_packets(loop, 3);
	job[0] = loop_disable(e);
	job[1] = loop_job(loop, drain, e);
	expect_wait(e, job[0], ": state ",
		    "3 packets not completed by the driver");
	expect_wait(e, job[1], ": state ", "driver with on_opened");
	snprintf(device, sizeof(device), "device %pUl of class %pUl",
		 &loop->instance, &loop->type);
	KUNIT_EXPECT_TRUE(test, said(device, ": state "));
	loop_complete_all(e);
	loop_job_wait(job[0]);
	loop_job_wait(job[1]);
}

static void a_callback_that_does_not_return(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->client;
	struct job *job;

	loop_up(loop);
	loop_hold(e, SUSPEND);
	job = loop_pause(e);
	expect_wait(e, job, "pause to end", "inside Suspend");
	loop_release(e);
	loop_job_wait(job);
}

static void a_server_that_does_not_answer(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop_hold(&loop->server, OPENED);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait(&loop->client, said("the server to answer", "state Enabled"));
	loop_release(&loop->server);
	loop_wait_event(&loop->client, POST_STARTED, 1);
}

static void a_device_that_is_in_use(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->client;
	struct job *job;

	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	loop_hold(e, OPENED);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(e->ch));
	loop_wait_held(e);
	job = loop_disable(&loop->server);
	loop_wait(e, said("it to leave its device", "inside Opened"));
	loop_release(e);
	loop_job_wait(job);
}

static void a_server_that_has_memory_mapped(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->client;
	struct job *job;
	char what[48];

	loop_up(loop);
	gpadl_fx.handle = gpadl_create(loop, 0, 0, FRAME);
	gpadl_map(loop, 0, gpadl_fx.handle);
	job = loop_job(loop, gpadl_delete_handle, e);
	snprintf(what, sizeof(what), "which has GPADL 0x%x mapped",
		 gpadl_fx.handle);
	expect_wait(e, job, what, "state Active");
	KUNIT_EXPECT_EQ(test, 0, kmcl_gpadl_unmap(loop->server.ch,
						  gpadl_fx.handle));
	loop_job_wait(job);
}

static void a_call_that_saves(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->server;
	struct job *job;

	loop_up_paused(loop);
	KUNIT_ASSERT_EQ(test, 0, kmcl_save_enter(e->ch));
	job = loop_save_end(e);
	expect_wait(e, job, "a call that saves or restores", "state Paused");
	kmcl_save_leave(e->ch);
	loop_job_wait(job);
}

static void a_call_in_another_thread(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->client;
	struct job *job;

	kmcl_call_begin(e->ch);
	job = loop_free(e);
	expect_wait(e, job, "calls in other threads", "state Disabled");
	kmcl_call_end(e->ch);
	loop_job_wait(job);
	e->ch = NULL;
}

/* Once a minute for each channel, which is twice as long as it takes first */
static void it_is_said_once_a_minute(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->client.ch;

	kmcl_slow = 30 * HZ;
	kmcl_still_waiting(ch, "test %d", 1);
	KUNIT_EXPECT_TRUE(test, said("test 1: ", "state Disabled"));
	kmcl_still_waiting(ch, "test %d", 2);
	KUNIT_EXPECT_EQ(test, fx.nlines, 1);
	ch->sm.told -= 30 * HZ;
	kmcl_still_waiting(ch, "test %d", 3);
	KUNIT_EXPECT_EQ(test, fx.nlines, 1);
	kmcl_still_waiting(loop->server.ch, "test %d", 4);
	KUNIT_EXPECT_EQ(test, fx.nlines, 2);
	ch->sm.told -= 30 * HZ;
	kmcl_still_waiting(ch, "test %d", 5);
	KUNIT_EXPECT_EQ(test, fx.nlines, 3);
	KUNIT_EXPECT_TRUE(test, said("test 5: ", "state Disabled"));
}

static void unregister(void *data)
{
	kmcl_transport_unregister(&fake_ops);
}

/* As when a driver that is probed has a device of the class locked */
static void a_class_that_is_not_left(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->client;
	struct job *freeing, *going;
	struct completion settle;
	char class[60];

	init_completion(&settle);
	fake_up(loop);
	kmcl_channel_disable(e->ch);
	fake.settle_waits = &settle;
	freeing = loop_free(e);
	loop_wait(&loop->server, READ_ONCE(fake.settles) == 1);
	e->ch = NULL;
	fake.settle_waits = NULL;
	going = loop_job(loop, unregister, NULL);
	snprintf(class, sizeof(class), "of class %pUl", &loop->type);
	expect_wait(&loop->server, going, class, "devices of class");
	complete_all(&settle);
	loop_job_wait(freeing);
	loop_job_wait(going);
}

/* The bus removes it meanwhile, which waits for whoever has it locked */
static void a_device_that_is_not_released(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->client;
	struct completion release;
	struct job *going;
	char device[100];

	init_completion(&release);
	fake_up(loop);
	fake.release_waits = &release;
	kmcl_offer_rescind(fake.offer);
	loop_wait(e, READ_ONCE(fake.releases) == 1);
	going = loop_job(loop, unregister, NULL);
	snprintf(device, sizeof(device), "device %pUl of class %pUl",
		 &loop->instance, &loop->type);
	expect_wait(e, going, device, "to be released");
	complete_all(&release);
	loop_job_wait(going);
	fake.release_waits = NULL;
}

static struct kunit_case wait_cases[] = {
	KUNIT_CASE(a_driver_that_keeps_packets),
	KUNIT_CASE(a_callback_that_does_not_return),
	KUNIT_CASE(a_server_that_does_not_answer),
	KUNIT_CASE(a_device_that_is_in_use),
	KUNIT_CASE(a_server_that_has_memory_mapped),
	KUNIT_CASE(a_call_that_saves),
	KUNIT_CASE(a_call_in_another_thread),
	KUNIT_CASE(it_is_said_once_a_minute),
	{}
};

static struct kunit_suite wait_suite = {
	.name = "kmcl_wait",
	.init = wait_init,
	.exit = wait_exit,
	.test_cases = wait_cases,
};

static struct kunit_case transport_cases[] = {
	KUNIT_CASE(a_class_that_is_not_left),
	KUNIT_CASE(a_device_that_is_not_released),
	{}
};

static struct kunit_suite transport_suite = {
	.name = "kmcl_wait_transport",
	.init = transport_init,
	.exit = transport_exit,
	.test_cases = transport_cases,
};

kunit_test_suites(&wait_suite, &transport_suite);
