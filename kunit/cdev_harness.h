/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device of kmcl_cdev, opened, and the host's end of it: a server on the loopback
 * bus, which the test controls. The device is used as the kernel uses it for a
 * process, by its file operations. Nothing waits without a time limit.
 */
#ifndef _KMCL_TEST_CDEV_HARNESS_H
#define _KMCL_TEST_CDEV_HARNESS_H

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/kthread.h>

#include "../drivers/clients/kmcl_cdev.h"

#define CD_LIMIT	(10 * HZ)
#define CD_PACKET	512U
#define CD_LOG		64U
#define CD_HELD		16U

/* What a server has received: the first bytes of each message */
struct cd_server {
	struct kmcl_channel *ch;
	wait_queue_head_t wait;
	spinlock_t lock;		/* the rest */
	u64 got[CD_LOG];
	u32 len[CD_LOG];
	u32 n;
	bool hold;			/* do not complete requests */
	u32 reply_len;			/* of the answer to a request */
	struct kmcl_context *held[CD_HELD];
	u32 nheld;
	u32 completed;			/* of our packets, by the client */
};

struct cd {
	struct kc *kc;
	struct file *file;		/* the one that most tests use */
	struct cd_server server;
	struct vfsmount *mnt;		/* configfs */
};

/* A thread in a call that may wait */
struct cd_call {
	struct kunit *test;
	struct file *file;
	enum { CD_READ, CD_WRITE, CD_FSYNC, CD_OTHER } what;
	int (*fn)(void *data);
	void *data;
	u64 buf;
	size_t len;			/* up to 8 */
	ssize_t ret;
	bool began;
	struct task_struct *task;
	struct completion done;
};

extern const guid_t cd_class;
extern const guid_t cd_instance;

int cd_init(struct kunit *test);
int cd_init_pipe(struct kunit *test);
void cd_exit(struct kunit *test);

/* The server offers its device, or takes it away */
void cd_offer(struct kunit *test);
void cd_rescind(struct kunit *test);
/* Offered, and the device is active */
void cd_up(struct kunit *test);
void cd_on(struct kunit *test);
void cd_off(struct kunit *test);
void cd_limits(struct kunit *test, u32 packets, u32 bytes);
void cd_wait_state(struct kunit *test, enum kmcl_cdev_state state);

struct file *cd_open(struct kunit *test, unsigned int flags);
void cd_close(struct kunit *test, struct file *file);
ssize_t cd_read(struct file *file, void *buf, size_t len);
ssize_t cd_write(struct file *file, const void *buf, size_t len);
ssize_t cd_read_nowait(struct file *file, void *buf, size_t len);
ssize_t cd_write_nowait(struct file *file, const void *buf, size_t len);
__poll_t cd_poll(struct file *file);
/* 8 bytes with this value */
void cd_send(struct kunit *test, u64 value);
void cd_expect_value(struct kunit *test, u64 value);
/* From the server; returns what kmcl_send() does */
int cd_server_send(struct cd *cd, u64 value, u32 len);
void cd_wait_got(struct kunit *test, u32 n);
void cd_wait_waiting(struct kunit *test, u32 n);
void cd_release_held(struct cd *cd);

/* cdev_faults.c */
int cd_init_faults(struct kunit *test);
void cd_exit_faults(struct kunit *test);
void cd_faults_arm(int nth);
bool cd_faults_disarm(void);
void cd_may_fail(bool yes);
void cd_fail_each(struct kunit *test, ssize_t (*op)(struct kunit *test),
		  ssize_t good, ssize_t error, int least);

struct cd_call *cd_call(struct kunit *test, struct cd_call call);
/* It stands still: it sleeps, and has not returned */
void cd_expect_waits(struct cd_call *call);
void cd_signal(struct cd_call *call);
ssize_t cd_returned(struct cd_call *call);

struct kmcl_stats cd_stats(struct cd *cd);

/* Of these events poll() tells exactly those */
#define CD_EXPECT_POLL(test, file, mask, want)				\
	KUNIT_EXPECT_TRUE(test, (cd_poll(file) & (mask)) == (want))

#define cd_comes_true(queue, condition)					\
	({								\
		unsigned long _end = jiffies + CD_LIMIT;		\
		long _left;						\
									\
		do {							\
			_left = wait_event_timeout(queue, condition, 1); \
		} while (!_left && time_before(jiffies, _end));		\
		_left > 0;						\
	})

#endif
