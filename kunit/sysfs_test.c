// SPDX-License-Identifier: GPL-2.0
/*
 * What sysfs and debugfs show of a channel, read from their files: see
 * Documentation/ABI/testing/sysfs-kernel-kmcl.
 */
#include <linux/kallsyms.h>
#include <linux/kernfs.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "face.h"
#include "files.h"
#include "harness.h"

#define ROUNDS	300

static const char * const names[] = {
	"name", "state", "class", "instance", "driver", "memory_limit", "counters",
};

struct fixture {
	struct loop *loop;
	struct vfsmount *sysfs;
	struct vfsmount *debugfs;
};

static struct fixture fixture;

static const char *shown(struct kmcl_channel *ch, const char *name)
{
	return files_channel(fixture.loop->test, fixture.sysfs, ch, name);
}

static ssize_t written(struct kmcl_channel *ch, const char *name,
		       const char *text)
{
	char path[FILES_PATH];

	files_channel_path(path, ch, name);
	return files_write(fixture.sysfs, path, text);
}

static void expect_line(struct kunit *test, const char *text, const char *line)
{
	KUNIT_EXPECT_TRUE_MSG(test, files_have_line(text, line),
			      "%s not in:\n%s", line, text);
}

static void each_counter_has_its_line(struct kunit *test)
{
	struct loop *loop = fixture.loop;
	unsigned int lines = 0;
	const char *p, *text;

	loop_up(loop);
	loop_send(&loop->client, 1, 0);
	loop_send(&loop->client, 2, KMCL_SEND_WAIT);
	loop_wait(&loop->client, loop_done(&loop->client) == 2);
	kmcl_channel_disable(loop->client.ch);
	text = shown(loop->client.ch, "counters");
	KUNIT_EXPECT_EQ(test, strncmp(text, "accepted 2\n", 11), 0);
	expect_line(test, text, "completed 2");
	expect_line(test, text, "in_ring 1");
	expect_line(test, text, "in_flight_peak 1");
	expect_line(test, text, "opens 1");
	expect_line(test, text, "closes 1");
	expect_line(test, text, "bad_len8 0");
	for (p = text; *p; p++)
		lines += *p == '\n';
	KUNIT_EXPECT_EQ(test, lines, sizeof(struct kmcl_counters) / sizeof(u64));
	/* However large they become */
	KUNIT_EXPECT_LT(test, p - text + lines * strlen("18446744073709551615"),
			PAGE_SIZE);
}

static void a_channel_says_what_it_is(struct kunit *test)
{
	struct loop *loop = fixture.loop;
	struct kmcl_channel *ch = loop->client.ch;
	char guid[UUID_STRING_LEN + 2], driver[KSYM_SYMBOL_LEN];

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_name(ch, "first"));
	KUNIT_EXPECT_STREQ(test, shown(ch, "name"), "first\n");
	KUNIT_EXPECT_STREQ(test, shown(ch, "state"), "Disabled\n");
	snprintf(guid, sizeof(guid), "%pUl\n", &loop->type);
	KUNIT_EXPECT_STREQ(test, shown(ch, "class"), guid);
	/* Any of the class, and none yet */
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_target(ch, &loop->type, NULL, NULL));
	KUNIT_EXPECT_STREQ(test, shown(ch, "instance"),
			   "00000000-0000-0000-0000-000000000000\n");
	snprintf(driver, sizeof(driver), "%ps\n", ch->cfg.ops.opened);
	KUNIT_EXPECT_STREQ(test, shown(ch, "driver"), driver);

	loop_up(loop);
	KUNIT_EXPECT_STREQ(test, shown(ch, "state"), "Active\n");
	snprintf(guid, sizeof(guid), "%pUl\n", &loop->instance);
	KUNIT_EXPECT_STREQ(test, shown(ch, "instance"), guid);
	KUNIT_EXPECT_STREQ(test, shown(loop->server.ch, "instance"), guid);
	kmcl_channel_pause(ch);
	KUNIT_EXPECT_STREQ(test, shown(ch, "state"), "Paused\n");
}

/* A driver can give any name: it is no path, and one line */
static void a_name_can_be_anything(struct kunit *test)
{
	static const u16 utf16[] = { 0xe4, 0x4e2d };
	struct kmcl_channel *ch = fixture.loop->client.ch;
	char *name = kunit_kzalloc(test, 3 * PAGE_SIZE, GFP_KERNEL);
	const char *text;

	KUNIT_ASSERT_NOT_NULL(test, name);
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_name(ch, "../a/b\nc\\%s"));
	KUNIT_EXPECT_STREQ(test, shown(ch, "name"), "../a/b\\nc\\\\%s\n");
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_name_utf16(ch, utf16, 2));
	KUNIT_EXPECT_STREQ(test, shown(ch, "name"), "\xc3\xa4\xe4\xb8\xad\n");
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_name(ch, ""));
	KUNIT_EXPECT_STREQ(test, shown(ch, "name"), "\n");
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_name(ch, NULL));
	KUNIT_EXPECT_STREQ(test, shown(ch, "name"), "\n");
	/* What does not fit into a page is cut, and the line ends nevertheless */
	memset(name, '\n', 3 * PAGE_SIZE - 1);
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_name(ch, name));
	text = shown(ch, "name");
	KUNIT_EXPECT_GT(test, strlen(text), 1000);
	KUNIT_EXPECT_PTR_EQ(test, strchr(text, '\n'), text + strlen(text) - 1);
}

static void the_memory_limit_can_be_set(struct kunit *test)
{
	struct kmcl_channel *ch = fixture.loop->client.ch;

	KUNIT_EXPECT_STREQ(test, shown(ch, "memory_limit"), "16777216\n");
	KUNIT_EXPECT_EQ(test, written(ch, "memory_limit", "123456\n"), 0);
	KUNIT_EXPECT_EQ(test, READ_ONCE(ch->rx.memory_limit), 123456);
	KUNIT_EXPECT_STREQ(test, shown(ch, "memory_limit"), "123456\n");
	KUNIT_EXPECT_EQ(test, written(ch, "memory_limit", "0x1000"), 0);
	KUNIT_EXPECT_EQ(test, written(ch, "memory_limit", "-1"), -EINVAL);
	KUNIT_EXPECT_EQ(test, written(ch, "memory_limit", "some"), -EINVAL);
	KUNIT_EXPECT_EQ(test, written(ch, "memory_limit", "4294967296"), -ERANGE);
	KUNIT_EXPECT_STREQ(test, shown(ch, "memory_limit"), "4096\n");
	/* The driver's way to the default is the user's as well */
	KUNIT_EXPECT_EQ(test, written(ch, "memory_limit", "0"), 0);
	KUNIT_EXPECT_STREQ(test, shown(ch, "memory_limit"), "16777216\n");
}

/* A packet that waits for memory is delivered when the limit is raised */
static void a_higher_limit_resumes_delivery(struct kunit *test)
{
	struct loop *loop = fixture.loop;
	struct end *server = &loop->server;

	server->keep = true;
	KUNIT_ASSERT_EQ(test, written(server->ch, "memory_limit", "1"), 0);
	loop_up(loop);
	loop_send(&loop->client, 1, 0);
	loop_send(&loop->client, 2, 0);
	loop_wait(server, loop_counters(server).limit_stops > 0);
	KUNIT_EXPECT_EQ(test, loop_kept(server), 1);
	KUNIT_ASSERT_EQ(test, written(server->ch, "memory_limit", "1000000"), 0);
	loop_wait(server, loop_kept(server) == 2);
	loop_complete_all(server);
}

static void each_channel_has_a_directory_until_it_is_freed(struct kunit *test)
{
	struct kmcl_channel *first, *second;
	char path[FILES_PATH], buf[64];

	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_alloc(NULL, false, &first));
	files_channel_path(path, first, "state");
	KUNIT_EXPECT_STREQ(test, shown(first, "state"), "Disabled\n");
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_free(first));
	KUNIT_EXPECT_EQ(test, files_read(fixture.sysfs, path, buf, sizeof(buf)),
			-ENOENT);
	/* The number is not used twice */
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_alloc(NULL, true, &second));
	KUNIT_EXPECT_STREQ(test, shown(second, "state"), "Disabled\n");
	KUNIT_EXPECT_EQ(test, files_read(fixture.sysfs, path, buf, sizeof(buf)),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_free(second));
}

/* Whoever still counts on the memory: the driver's channel is gone */
static void the_directory_goes_before_the_last_reference(struct kunit *test)
{
	struct kmcl_channel *ch;

	KUNIT_ASSERT_EQ(test, kmcl_channel_alloc(NULL, false, &ch), 0);
	kobject_get(&ch->kobj);
	KUNIT_EXPECT_TRUE(test, ch->kobj.state_in_sysfs);
	KUNIT_EXPECT_EQ(test, kmcl_channel_free(ch), 0);
	KUNIT_EXPECT_FALSE(test, ch->kobj.state_in_sysfs);
	kobject_put(&ch->kobj);
}

/* As if it had not been made when the module was loaded */
static void channels_can_do_without_a_directory(struct kunit *test)
{
	struct kset *kset = kmcl_kset;
	struct kmcl_channel *ch;
	int ret;

	kmcl_kset = NULL;
	ret = kmcl_channel_alloc(NULL, false, &ch);
	kmcl_kset = kset;
	KUNIT_ASSERT_EQ(test, ret, 0);
	KUNIT_EXPECT_FALSE(test, ch->kobj.state_in_sysfs);
	KUNIT_EXPECT_EQ(test, 0, kmcl_set_name(ch, "hidden"));
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_free(ch));
}

struct freeing {
	struct kmcl_channel *ch;
	bool freed;
};

static void free_it(void *data)
{
	struct freeing *f = data;

	kmcl_channel_free(f->ch);
	WRITE_ONCE(f->freed, true);
}

/* Can the file be used no more, since it is being removed? */
static bool is_going(struct kernfs_node *kn)
{
	if (!kernfs_get_active(kn))
		return true;
	kernfs_put_active(kn);
	return false;
}

static void freeing_waits_for_who_uses_a_file(struct kunit *test)
{
	struct loop *loop = fixture.loop;
	struct freeing f = {};
	struct kernfs_node *kn;
	unsigned int i;
	struct job *job;

	for (i = 0; i < 2; i++) {
		KUNIT_ASSERT_EQ(test, 0, kmcl_channel_alloc(NULL, false, &f.ch));
		kn = kernfs_find_and_get(f.ch->kobj.sd,
					 i ? "memory_limit" : "counters");
		KUNIT_ASSERT_NOT_NULL(test, kn);
		KUNIT_ASSERT_NOT_NULL(test, kernfs_get_active(kn));
		f.freed = false;
		job = loop_job(loop, free_it, &f);
		KUNIT_EXPECT_TRUE(test, loop_comes_true(loop->client.wait,
							is_going(kn)));
		/* It is still there, whatever the file says of it */
		KUNIT_EXPECT_FALSE(test, READ_ONCE(f.freed));
		KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(f.ch),
				   "Disabled");
		kernfs_put_active(kn);
		loop_job_wait(job);
		KUNIT_EXPECT_TRUE(test, f.freed);
		kernfs_put(kn);
	}
}

struct reader {
	struct job *job;
	u64 number;		/* of the directory */
	char buf[PAGE_SIZE];
	u32 read;
	u32 gone;
	ssize_t wrong;
};

static void keep_reading(void *data)
{
	struct reader *r = data;
	char path[FILES_PATH];
	unsigned int i = 0;
	ssize_t ret;

	while (!READ_ONCE(r->job) || !READ_ONCE(r->job->stop)) {
		snprintf(path, sizeof(path), "kernel/kmcl/%llu/%s",
			 READ_ONCE(r->number), names[i++ % ARRAY_SIZE(names)]);
		ret = files_read(fixture.sysfs, path, r->buf, sizeof(r->buf));
		if (ret > 0 && r->buf[ret - 1] == '\n')
			r->read++;
		else if (ret == -ENOENT || ret == -ENODEV)
			r->gone++;
		else
			r->wrong = ret;
		cond_resched();
	}
}

static void readers_while_channels_come_and_go(struct kunit *test)
{
	struct loop *loop = fixture.loop;
	struct kmcl_channel *ch;
	struct reader *r[2];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		r[i] = kunit_kzalloc(test, sizeof(*r[i]), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, r[i]);
		WRITE_ONCE(r[i]->job, loop_job(loop, keep_reading, r[i]));
	}
	for (i = 0; i < ROUNDS; i++) {
		u64 number;

		KUNIT_ASSERT_EQ(test, 0, kmcl_channel_alloc(NULL, i % 2, &ch));
		KUNIT_ASSERT_EQ(test, 0,
				kstrtou64(kobject_name(&ch->kobj), 10, &number));
		WRITE_ONCE(r[0]->number, number);
		WRITE_ONCE(r[1]->number, number);
		KUNIT_EXPECT_EQ(test, 0, kmcl_set_name(ch, "some name"));
		KUNIT_EXPECT_EQ(test, 0, kmcl_set_name(ch, "another one"));
		if (i % 16 == 0)
			schedule_timeout_uninterruptible(1);
		KUNIT_EXPECT_EQ(test, 0, kmcl_set_name(ch, NULL));
		KUNIT_EXPECT_EQ(test, 0, kmcl_channel_free(ch));
	}
	for (i = 0; i < 2; i++) {
		loop_job_stop(r[i]->job);
		KUNIT_EXPECT_EQ(test, r[i]->wrong, 0);
		KUNIT_EXPECT_GT(test, r[i]->read, 0);
		KUNIT_EXPECT_GT(test, r[i]->gone, 0);
	}
}

/* The file of all channels in debugfs, from what it says of this one on */
static const char *listed(struct kunit *test, struct kmcl_channel *ch)
{
	char *text = (char *)files_text(test, fixture.debugfs, "vmbkmcl/channels");
	char line[32], *begin, *end;

	snprintf(line, sizeof(line), "channel %s\n", kobject_name(&ch->kobj));
	begin = strstr(text, line);
	KUNIT_ASSERT_NOT_NULL_MSG(test, begin, "%s not in:\n%s", line, text);
	end = strstr(begin + 1, "\nchannel ");
	if (end)
		end[1] = '\0';
	return begin;
}

static void debugfs_lists_the_channels(struct kunit *test)
{
	struct loop *loop = fixture.loop;
	struct kmcl_channel *ch;
	const char *text;
	char line[32];

	KUNIT_ASSERT_EQ(test, 0, kmcl_server_set_mmio(loop->server.ch, 8, 2));
	KUNIT_ASSERT_EQ(test, 0, kmcl_server_set_flags(loop->server.ch,
						       KMCL_SERVER_ENUMERATE));
	kmcl_set_quota(loop->server.ch, 12);
	loop_up(loop);
	text = listed(test, loop->server.ch);
	expect_line(test, text, "endpoint server");
	expect_line(test, text, "quota 12");
	expect_line(test, text, "offer_flags 0x101");
	expect_line(test, text, "offer_mmio_megabytes 8");
	expect_line(test, text, "tx_broken 0");
	expect_line(test, text, "rx_failed 0");
	text = listed(test, loop->client.ch);
	expect_line(test, text, "endpoint client");
	KUNIT_EXPECT_NULL(test, strstr(text, "offer_flags"));
	expect_line(test, text, "tx_broken 0");

	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_alloc(NULL, false, &ch));
	listed(test, ch);
	snprintf(line, sizeof(line), "channel %s\n", kobject_name(&ch->kobj));
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_free(ch));
	text = files_text(test, fixture.debugfs, "vmbkmcl/channels");
	KUNIT_EXPECT_NULL(test, strstr(text, line));
}

static void debugfs_says_that_a_channel_receives_no_more(struct kunit *test)
{
	struct loop *loop = fixture.loop;
	struct kmcl_channel *ch = loop->client.ch;

	loop_up(loop);
	loop_inject_len8(&loop->server, 100);
	loop_wait(&loop->client, READ_ONCE(ch->tx.no_answers));
	expect_line(test, listed(test, ch), "rx_failed 1");
	kmcl_channel_disable(ch);
	expect_line(test, listed(test, ch), "rx_failed 0");
}

/* As long as the ring is there */
static void debugfs_says_that_a_ring_is_broken(struct kunit *test)
{
	struct loop *loop = fixture.loop;
	struct kmcl_channel *ch = loop->client.ch;

	loop_up(loop);
	spin_lock_irq(&ch->tx.lock);
	kmcl_ring_break(&ch->tx.ring);
	spin_unlock_irq(&ch->tx.lock);
	expect_line(test, listed(test, ch), "tx_broken 1");
	kmcl_channel_disable(ch);
	expect_line(test, listed(test, ch), "tx_broken 0");
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(ch), 0);
	loop_wait_event(&loop->client, POST_STARTED, 2);
	expect_line(test, listed(test, ch), "tx_broken 0");
}

static int sysfs_init_test(struct kunit *test)
{
	int ret = loop_init(test);

	if (ret)
		return ret;
	fixture.loop = test->priv;
	fixture.sysfs = files_mount(test, "sysfs");
	fixture.debugfs = files_mount(test, "debugfs");
	return 0;
}

static struct kunit_case sysfs_cases[] = {
	KUNIT_CASE(each_counter_has_its_line),
	KUNIT_CASE(a_channel_says_what_it_is),
	KUNIT_CASE(a_name_can_be_anything),
	KUNIT_CASE(the_memory_limit_can_be_set),
	KUNIT_CASE(a_higher_limit_resumes_delivery),
	KUNIT_CASE(each_channel_has_a_directory_until_it_is_freed),
	KUNIT_CASE(the_directory_goes_before_the_last_reference),
	KUNIT_CASE(channels_can_do_without_a_directory),
	KUNIT_CASE(freeing_waits_for_who_uses_a_file),
	KUNIT_CASE(readers_while_channels_come_and_go),
	KUNIT_CASE(debugfs_lists_the_channels),
	KUNIT_CASE(debugfs_says_that_a_channel_receives_no_more),
	KUNIT_CASE(debugfs_says_that_a_ring_is_broken),
	{}
};

static struct kunit_suite sysfs_suite = {
	.name = "kmcl_sysfs",
	.init = sysfs_init_test,
	.exit = loop_exit,
	.test_cases = sysfs_cases,
};

kunit_test_suite(sysfs_suite);
