// SPDX-License-Identifier: GPL-2.0
/*
 * A device of kmcl_cdev for the suites, see cdev_harness.h.
 */
#include <linux/anon_inodes.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "cdev_harness.h"
#include "leaks.h"

const guid_t cd_class =
	GUID_INIT(0x51a7c0de, 0x11b0, 0x4c8e,
		  0x9a, 0x3f, 0x0d, 0x52, 0x77, 0x1e, 0x64, 0x01);
const guid_t cd_instance =
	GUID_INIT(0x51a7c0de, 0x11b0, 0x4c8e,
		  0x9a, 0x3f, 0x0d, 0x52, 0x77, 0x1e, 0x64, 0x02);

static void process(struct kmcl_channel *ch, struct kmcl_context *ctx,
		    void *buf, u32 len, u32 flags)
{
	struct cd_server *s = kmcl_get_pointer(ch);
	u32 reply_len;
	bool hold;

	spin_lock_bh(&s->lock);
	if (s->n < CD_LOG) {
		s->got[s->n] = 0;
		memcpy(&s->got[s->n], buf, min(len, 8U));
		s->len[s->n] = len;
	}
	s->n++;
	hold = s->hold && s->nheld < CD_HELD;
	if (hold)
		s->held[s->nheld++] = ctx;
	reply_len = s->reply_len;
	spin_unlock_bh(&s->lock);
	if (!hold)
		kmcl_complete(ctx, buf, min(len, reply_len));
	wake_up_all(&s->wait);
}

static int make_server(struct cd *cd, bool pipe)
{
	const struct kmcl_server desc = {
		.name = "cdev server",
		.type = cd_class,
		.instance = &cd_instance,
		.flags = pipe ? KMCL_INIT_PIPE : 0,
		.packet_bytes = CD_PACKET,
		.process = process,
	};
	struct cd_server *s = &cd->server;

	init_waitqueue_head(&s->wait);
	spin_lock_init(&s->lock);
	s->reply_len = CD_PACKET;
	s->ch = kmcl_server_create(NULL, &desc, s);
	if (IS_ERR(s->ch))
		return PTR_ERR(s->ch);
	return kmcl_channel_start(s->ch);
}

static int init(struct kunit *test, bool pipe)
{
	const struct kc_config cfg = {
		.class = cd_class,
		.pipe = pipe,
		.packet_bytes = CD_PACKET,
	};
	int ret = leaks_watch(test);
	struct cd *cd;

	if (ret)
		return ret;
	cd = kunit_kzalloc(test, sizeof(*cd), GFP_KERNEL);
	if (!cd)
		return -ENOMEM;
	test->priv = cd;
	ret = make_server(cd, pipe);
	if (ret)
		return ret;
	cd->kc = kc_create("test", &cfg);
	if (IS_ERR(cd->kc))
		return PTR_ERR(cd->kc);
	cd_on(test);
	cd->file = cd_open(test, 0);
	return 0;
}

int cd_init(struct kunit *test)
{
	return init(test, false);
}

int cd_init_pipe(struct kunit *test)
{
	return init(test, true);
}

void cd_exit(struct kunit *test)
{
	struct cd *cd = test->priv;

	if (!cd)
		return;
	cd_release_held(cd);
	if (cd->file)
		cd_close(test, cd->file);
	if (!IS_ERR_OR_NULL(cd->kc))
		kc_remove(cd->kc);
	if (IS_ERR_OR_NULL(cd->server.ch))
		return;
	kmcl_channel_disable(cd->server.ch);
	kmcl_channel_free(cd->server.ch);
}

void cd_offer(struct kunit *test)
{
	struct cd *cd = test->priv;

	KUNIT_ASSERT_EQ(test, kmcl_channel_start(cd->server.ch), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(cd->server.ch), 0);
}

void cd_rescind(struct kunit *test)
{
	struct cd *cd = test->priv;

	KUNIT_ASSERT_EQ(test, kmcl_channel_disable(cd->server.ch), 0);
}

static enum kmcl_cdev_state state(struct kc *kc)
{
	enum kmcl_cdev_state now;

	spin_lock_bh(&kc->lock);
	now = kc->state;
	spin_unlock_bh(&kc->lock);
	return now;
}

void cd_wait_state(struct kunit *test, enum kmcl_cdev_state want)
{
	struct cd *cd = test->priv;

	KUNIT_ASSERT_TRUE_MSG(test, cd_comes_true(cd->kc->in_wait,
						  state(cd->kc) == want),
			      "it is %s, not %s",
			      kc_state_names[state(cd->kc)],
			      kc_state_names[want]);
}

void cd_up(struct kunit *test)
{
	cd_offer(test);
	cd_wait_state(test, KMCL_STATE_ACTIVE);
}

void cd_on(struct kunit *test)
{
	struct cd *cd = test->priv;
	int ret;

	mutex_lock(&cd->kc->mutex);
	ret = kc_on(cd->kc);
	mutex_unlock(&cd->kc->mutex);
	KUNIT_ASSERT_EQ(test, ret, 0);
}

void cd_off(struct kunit *test)
{
	struct cd *cd = test->priv;

	mutex_lock(&cd->kc->mutex);
	kc_off(cd->kc);
	mutex_unlock(&cd->kc->mutex);
}

void cd_limits(struct kunit *test, u32 packets, u32 bytes)
{
	struct cd *cd = test->priv;

	mutex_lock(&cd->kc->mutex);
	kc_set_limits(cd->kc, packets, bytes);
	mutex_unlock(&cd->kc->mutex);
}

/* As from /dev, whose inode would hold the reference */
struct file *cd_open(struct kunit *test, unsigned int flags)
{
	struct cd *cd = test->priv;
	struct kc_opener *o;
	struct file *file;

	o = kc_opener_new(cd->kc);
	KUNIT_ASSERT_FALSE(test, IS_ERR(o));
	get_device(&cd->kc->dev);
	file = anon_inode_getfile("[kmcl-test]", &kc_fops, o, O_RDWR | flags);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	return file;
}

static struct kc *kc_of(struct file *file)
{
	return ((struct kc_opener *)file->private_data)->kc;
}

void cd_close(struct kunit *test, struct file *file)
{
	struct kc *kc = kc_of(file);

	__fput_sync(file);
	put_device(&kc->dev);
}

ssize_t cd_read(struct file *file, void *buf, size_t len)
{
	loff_t pos = 0;

	return kernel_read(file, buf, len, &pos);
}

ssize_t cd_write(struct file *file, const void *buf, size_t len)
{
	loff_t pos = 0;

	return kernel_write(file, buf, len, &pos);
}

static ssize_t nowait(struct file *file, void *buf, size_t len, bool write)
{
	struct kvec vec = { .iov_base = buf, .iov_len = len };
	struct iov_iter iter;
	struct kiocb iocb;

	init_sync_kiocb(&iocb, file);
	iocb.ki_flags |= IOCB_NOWAIT;
	iov_iter_kvec(&iter, write ? ITER_SOURCE : ITER_DEST, &vec, 1, len);
	return write ? file->f_op->write_iter(&iocb, &iter) :
	       file->f_op->read_iter(&iocb, &iter);
}

ssize_t cd_read_nowait(struct file *file, void *buf, size_t len)
{
	return nowait(file, buf, len, false);
}

ssize_t cd_write_nowait(struct file *file, const void *buf, size_t len)
{
	return nowait(file, (void *)buf, len, true);
}

__poll_t cd_poll(struct file *file)
{
	return vfs_poll(file, NULL);
}

void cd_send(struct kunit *test, u64 value)
{
	struct cd *cd = test->priv;

	KUNIT_ASSERT_EQ(test, cd_write(cd->file, &value, sizeof(value)),
			sizeof(value));
}

void cd_expect_value(struct kunit *test, u64 value)
{
	struct cd *cd = test->priv;
	u64 got = 0;

	KUNIT_EXPECT_EQ(test, cd_read_nowait(cd->file, &got, sizeof(got)),
			sizeof(got));
	KUNIT_EXPECT_EQ(test, got, value);
}

static void server_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	struct cd_server *s = kmcl_get_pointer(kmcl_packet_channel(pkt));

	kmcl_packet_free(pkt);
	spin_lock_bh(&s->lock);
	s->completed += !status;
	spin_unlock_bh(&s->lock);
	wake_up_all(&s->wait);
}

int cd_server_send(struct cd *cd, u64 value, u32 len)
{
	u64 buf[CD_PACKET / 8] = { value };
	struct kmcl_packet *pkt;
	bool pipe = kmcl_channel_is_pipe(cd->server.ch);
	int ret;

	pkt = kmcl_packet_alloc(cd->server.ch);
	if (!pkt)
		return -ENOMEM;
	kmcl_packet_set_done(pkt, server_done);
	ret = kmcl_send(pkt, buf, len, pipe ? 0 : KMCL_SEND_WAIT);
	if (ret)
		kmcl_packet_free(pkt);
	return ret;
}

void cd_wait_got(struct kunit *test, u32 n)
{
	struct cd_server *s = &((struct cd *)test->priv)->server;

	KUNIT_ASSERT_TRUE_MSG(test, cd_comes_true(s->wait, READ_ONCE(s->n) >= n),
			      "%u of %u messages", s->n, n);
}

struct kmcl_stats cd_stats(struct cd *cd)
{
	struct kmcl_stats stats;

	kc_get_stats(cd->kc, &stats);
	return stats;
}

void cd_wait_waiting(struct kunit *test, u32 n)
{
	struct cd *cd = test->priv;

	KUNIT_ASSERT_TRUE_MSG(test, cd_comes_true(cd->kc->in_wait,
						  cd_stats(cd).waiting == n),
			      "%llu messages, not %u", cd_stats(cd).waiting, n);
}

void cd_release_held(struct cd *cd)
{
	struct cd_server *s = &cd->server;
	struct kmcl_context *held[CD_HELD];
	u32 i, n;

	if (IS_ERR_OR_NULL(s->ch))
		return;
	spin_lock_bh(&s->lock);
	n = s->nheld;
	memcpy(held, s->held, sizeof(held));
	s->nheld = 0;
	s->hold = false;
	spin_unlock_bh(&s->lock);
	for (i = 0; i < n; i++)
		kmcl_complete(held[i], NULL, 0);
}

static int run(void *data)
{
	struct cd_call *call = data;

	allow_signal(SIGINT);
	WRITE_ONCE(call->began, true);
	switch (call->what) {
	case CD_READ:
		call->ret = cd_read(call->file, &call->buf, call->len);
		break;
	case CD_WRITE:
		call->ret = cd_write(call->file, &call->buf, call->len);
		break;
	case CD_FSYNC:
		call->ret = vfs_fsync(call->file, 0);
		break;
	default:
		call->ret = call->fn(call->data);
	}
	if (call->file)
		cd_close(call->test, call->file);
	complete_all(&call->done);
	return 0;
}

static void stop_call(void *data)
{
	struct cd_call *call = data;

	if (!wait_for_completion_timeout(&call->done, CD_LIMIT))
		kunit_err(call->test, "a call does not return\n");
	kthread_stop_put(call->task);
}

struct cd_call *cd_call(struct kunit *test, struct cd_call call)
{
	struct cd_call *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, c);
	*c = call;
	c->test = test;
	init_completion(&c->done);
	if (c->file) {
		get_file(c->file);
		get_device(&kc_of(c->file)->dev);
	}
	c->task = kthread_run(run, c, "cdev-test");
	KUNIT_ASSERT_FALSE(test, IS_ERR(c->task));
	get_task_struct(c->task);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, stop_call, c), 0);
	return c;
}

static bool sleeps(struct cd_call *call)
{
	unsigned int now = READ_ONCE(call->task->__state);

	return READ_ONCE(call->began) &&
	       now & (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE);
}

void cd_expect_waits(struct cd_call *call)
{
	unsigned long end = jiffies + CD_LIMIT;

	while (!completion_done(&call->done) && !sleeps(call) &&
	       time_before(jiffies, end))
		fsleep(1000);
	KUNIT_ASSERT_TRUE(call->test, sleeps(call));
	KUNIT_ASSERT_FALSE(call->test, completion_done(&call->done));
}

void cd_signal(struct cd_call *call)
{
	send_sig(SIGINT, call->task, 1);
}

ssize_t cd_returned(struct cd_call *call)
{
	KUNIT_ASSERT_TRUE(call->test,
			  wait_for_completion_timeout(&call->done, CD_LIMIT));
	return call->ret;
}
