// SPDX-License-Identifier: GPL-2.0
/*
 * The sample kmcl_dynmem is controlled by its files in sysfs, also while it is
 * unloaded: see dynmem_harness.h.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

#include "dynmem_harness.h"
#include "files.h"

#define UNLOADS		50

static void expect_counter(struct dynmem_service *s, const char *line)
{
	const char *text = files_text(s->test, s->sysfs, DYNMEM_FILES "/counters");

	KUNIT_EXPECT_TRUE_MSG(s->test, files_have_line(text, line),
			      "no line \"%s\" in:\n%s", line, text);
}

static void sysfs_controls_the_channel(struct kunit *test)
{
	struct dynmem_service *s = test->priv;
	u32 before;

	dynmem_set_interval(1000 * 1000);
	dynmem_start(s);
	dynmem_wait(s, dynmem_got(s, DM_STATUS_REPORT) == 1);
	KUNIT_EXPECT_TRUE(test, dynmem_becomes(s, "Active"));
	expect_counter(s, "negotiated_version 0x20000");
	KUNIT_EXPECT_EQ(test, dynmem_told(s, "pause"), 0);
	KUNIT_EXPECT_TRUE(test, dynmem_becomes(s, "Paused"));
	KUNIT_EXPECT_EQ(test, dynmem_told(s, "start\n"), 0);
	KUNIT_EXPECT_TRUE(test, dynmem_becomes(s, "Active"));
	dynmem_wait(s, dynmem_got(s, DM_STATUS_REPORT) == 2);

	KUNIT_EXPECT_EQ(test, dynmem_told(s, "disable\n"), 0);
	KUNIT_EXPECT_TRUE(test, dynmem_becomes(s, "Disabled"));
	expect_counter(s, "closed 1");
	before = dynmem_got(s, DM_STATUS_REPORT);
	KUNIT_EXPECT_EQ(test, dynmem_told(s, "send 100"), 0);
	expect_counter(s, "queued 100");
	KUNIT_EXPECT_EQ(test, dynmem_got(s, DM_STATUS_REPORT), before);
	KUNIT_EXPECT_EQ(test, dynmem_told(s, "enable"), 0);
	/* And the one that the driver sends when it has negotiated */
	dynmem_wait(s, dynmem_got(s, DM_STATUS_REPORT) == before + 101);
	KUNIT_EXPECT_TRUE(test, dynmem_becomes(s, "Active"));
	expect_counter(s, "queued 0");
	expect_counter(s, "opened 2");
	expect_counter(s, "order_errors 0");
	KUNIT_EXPECT_EQ(test, dynmem_told(s, "enable"), -EBUSY);
	dynmem_unload(s);
}

static void what_is_no_command_is_refused(struct kunit *test)
{
	static const char * const wrong[] = {
		"\n", " ", "nonsense", "enabled", "enable now", "Enable", "send",
		"send ", "send 0", "send -1", "send +", "send 1 2", "send 0x",
		"send 100001", "send 4294967297", "sendx 1", "%s%n", "\x01\xff",
		" disable", "disable ", "disable\n\n", "send  1", "send 1\n\n",
	};
	struct dynmem_service *s = test->priv;
	char *text = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	unsigned int i;
	u64 accepted;

	KUNIT_ASSERT_NOT_NULL(test, text);
	dynmem_set_interval(1000 * 1000);
	dynmem_start(s);
	dynmem_wait(s, dynmem_got(s, DM_STATUS_REPORT) == 1);
	accepted = READ_ONCE(dynmem_driver->seq);
	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		KUNIT_EXPECT_EQ_MSG(test, dynmem_told(s, wrong[i]), -EINVAL, "%s",
				    wrong[i]);
	/* As long as what sysfs takes at once, though it begins with a command */
	memset(text, ' ', PAGE_SIZE - 1);
	memcpy(text, "disable", 7);
	KUNIT_EXPECT_EQ(test, dynmem_told(s, text), -EINVAL);
	KUNIT_EXPECT_TRUE(test, dynmem_becomes(s, "Active"));
	KUNIT_EXPECT_EQ(test, READ_ONCE(dynmem_driver->seq), accepted);
	dynmem_unload(s);
}

static void a_file_that_stays_open_does_nothing(struct kunit *test)
{
	struct dynmem_service *s = test->priv;
	struct file *file;
	loff_t pos = 0;

	dynmem_start(s);
	file = file_open_root_mnt(s->sysfs, DYNMEM_FILES "/control", O_WRONLY, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	dynmem_unload(s);
	KUNIT_EXPECT_EQ(test, kernel_write(file, "send 1", 6, &pos), -ENODEV);
	KUNIT_EXPECT_EQ(test, dynmem_told(s, "send 1"), -ENOENT);
	/* Nor if there is another one of that name */
	dynmem_start(s);
	KUNIT_EXPECT_EQ(test, kernel_write(file, "send 1", 6, &pos), -ENODEV);
	dynmem_unload(s);
	__fput_sync(file);
}

/* One who uses the files without pause */
struct caller {
	struct work_struct work;
	struct dynmem_service *s;
	bool stop;
	u32 done;
	u32 gone;
	ssize_t wrong;
	char buf[PAGE_SIZE];
};

static void caller_counts(struct caller *c, ssize_t ret)
{
	if (ret >= 0 || ret == -EBUSY)
		c->done++;
	else if (ret == -ENOENT || ret == -ENODEV)
		c->gone++;
	else
		c->wrong = ret;
}

static void caller_commands(struct work_struct *work)
{
	static const char * const commands[] = {
		"disable", "send 3", "enable", "pause", "send 1", "start",
	};
	struct caller *c = container_of(work, struct caller, work);
	unsigned int i = 0;
	ssize_t ret;

	while (!READ_ONCE(c->stop)) {
		ret = dynmem_told(c->s, commands[i++ % ARRAY_SIZE(commands)]);
		caller_counts(c, ret);
		cond_resched();
	}
}

static void caller_reads(struct work_struct *work)
{
	static const char * const paths[] = {
		DYNMEM_FILES "/counters", DYNMEM_FILES "/state",
	};
	struct caller *c = container_of(work, struct caller, work);
	unsigned int i = 0;
	ssize_t ret;

	while (!READ_ONCE(c->stop)) {
		ret = files_read(c->s->sysfs, paths[i++ % ARRAY_SIZE(paths)],
				 c->buf, sizeof(c->buf));
		caller_counts(c, ret);
		cond_resched();
	}
}

static void the_driver_goes_while_its_files_are_used(struct kunit *test)
{
	static const work_func_t works[] = {
		caller_commands, caller_reads, caller_commands,
	};
	struct caller *callers = kunit_kcalloc(test, ARRAY_SIZE(works),
					       sizeof(*callers), GFP_KERNEL);
	struct workqueue_struct *wq = alloc_workqueue("callers", WQ_UNBOUND, 0);
	struct dynmem_service *s = test->priv;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, callers);
	KUNIT_ASSERT_NOT_NULL(test, wq);
	for (i = 0; i < ARRAY_SIZE(works); i++) {
		callers[i].s = s;
		INIT_WORK(&callers[i].work, works[i]);
		queue_work(wq, &callers[i].work);
	}
	for (i = 0; i < UNLOADS && !dynmem_load(s); i++) {
		schedule_timeout_uninterruptible(1);
		dynmem_unload(s);
	}
	KUNIT_EXPECT_EQ(test, i, UNLOADS);
	for (i = 0; i < ARRAY_SIZE(works); i++) {
		WRITE_ONCE(callers[i].stop, true);
		flush_work(&callers[i].work);
		KUNIT_EXPECT_EQ(test, callers[i].wrong, 0);
		KUNIT_EXPECT_GT(test, callers[i].done, 0);
		KUNIT_EXPECT_GT(test, callers[i].gone, 0);
	}
	destroy_workqueue(wq);
}

static struct kunit_case dynmem_files_test_cases[] = {
	KUNIT_CASE(sysfs_controls_the_channel),
	KUNIT_CASE(what_is_no_command_is_refused),
	KUNIT_CASE(a_file_that_stays_open_does_nothing),
	KUNIT_CASE(the_driver_goes_while_its_files_are_used),
	{}
};

static struct kunit_suite dynmem_files_test_suite = {
	.name = "kmcl_dynmem_sample_files",
	.init = dynmem_init,
	.exit = dynmem_exit,
	.test_cases = dynmem_files_test_cases,
};

kunit_test_suite(dynmem_files_test_suite);
