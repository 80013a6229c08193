// SPDX-License-Identifier: GPL-2.0
/*
 * The file operations of /dev/kmcl/NAME.
 *
 * They wait here and under no lock, so that each can be interrupted; what they wait
 * for is in kmcl_cdev_send.c and kmcl_cdev_receive.c. Reading and writing sleep for
 * memory of user space.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "kmcl_cdev.h"

/* Larger messages are copied to memory that is allocated */
#define KC_SMALL	256U

/**
 * kc_opener_new() - make what an open file has
 * @kc: the device; not referenced
 *
 * Context: may sleep.
 * Return: it, or an ERR_PTR: -ENODEV: the device was removed; -ENOMEM.
 */
struct kc_opener *kc_opener_new(struct kc *kc)
{
	struct kc_opener *o;
	bool gone;

	o = kzalloc_obj(*o, GFP_KERNEL_ACCOUNT);
	if (!o)
		return ERR_PTR(-ENOMEM);
	o->kc = kc;
	spin_lock_init(&o->lock);
	spin_lock_bh(&kc->lock);
	gone = kc->gone;
	o->seen = kc->last.seq;
	o->cancelled = kc->cancelled;
	kc->n.openers += !gone;
	spin_unlock_bh(&kc->lock);
	if (!gone)
		return o;
	kfree(o);
	return ERR_PTR(-ENODEV);
}

static int kc_open(struct inode *inode, struct file *file)
{
	struct kc *kc = container_of(inode->i_cdev, struct kc, cdev);
	struct kc_opener *o = kc_opener_new(kc);

	if (IS_ERR(o))
		return PTR_ERR(o);
	file->private_data = o;
	file->f_mode |= FMODE_NOWAIT;
	/* The reference of the character device keeps kc */
	return stream_open(inode, file);
}

static int kc_release(struct inode *inode, struct file *file)
{
	struct kc_opener *o = file->private_data;

	spin_lock_bh(&o->kc->lock);
	o->kc->n.openers--;
	spin_unlock_bh(&o->kc->lock);
	kfree(o);
	return 0;
}

/* Of a process that ends: its requests need not be waited for */
static int kc_flush(struct file *file, fl_owner_t id)
{
	struct kc_opener *o = file->private_data;

	if (current->flags & PF_EXITING)
		kc_requests_exit(o->kc, id);
	return 0;
}

static bool nonblocking(const struct kiocb *iocb)
{
	return iocb->ki_flags & IOCB_NOWAIT ||
	       iocb->ki_filp->f_flags & O_NONBLOCK;
}

static gfp_t gfp_of(const struct kiocb *iocb)
{
	return (iocb->ki_flags & IOCB_NOWAIT ? GFP_NOWAIT | __GFP_NOWARN :
		GFP_KERNEL) | __GFP_ACCOUNT;
}

static ssize_t kc_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct kc_opener *o = iocb->ki_filp->private_data;
	struct kc *kc = o->kc;
	ssize_t ret;

	for (;;) {
		ret = kc_read(o, to, gfp_of(iocb));
		if (ret != -EAGAIN || nonblocking(iocb))
			return ret;
		if (wait_event_interruptible(kc->in_wait, kc_in_ready(kc)))
			return kc_interrupted();
	}
}

/* Wait for room, unless the caller must not; 0, or a negative errno */
static int wait_for_room(struct kc *kc, const struct kiocb *iocb)
{
	if (kc_out_ready(kc))
		return 0;
	if (nonblocking(iocb))
		return -EAGAIN;
	if (wait_event_interruptible(kc->out_wait, kc_out_ready(kc)))
		return kc_interrupted();
	return 0;
}

static ssize_t kc_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct kc_opener *o = iocb->ki_filp->private_data;
	size_t len = iov_iter_count(from);
	struct kc *kc = o->kc;
	u8 small[KC_SMALL];
	void *buf = small;
	int ret;

	/* Before memory is allocated; checked again when it is sent */
	ret = kc_may_write(kc, len);
	if (!ret)
		ret = wait_for_room(kc, iocb);
	if (ret)
		return ret;
	if (len > sizeof(small)) {
		buf = kvmalloc(len, gfp_of(iocb));
		if (!buf)
			return iocb->ki_flags & IOCB_NOWAIT ? -EAGAIN : -ENOMEM;
	}
	if (!copy_from_iter_full(buf, len, from)) {
		ret = -EFAULT;
		goto free;
	}
	for (;;) {
		ret = kc_write(o, buf, len);
		if (ret != -EAGAIN)
			break;
		/* Somebody else was faster */
		ret = wait_for_room(kc, iocb);
		if (ret)
			break;
	}
free:
	if (buf != small)
		kvfree(buf);
	return ret ?: len;
}

static __poll_t kc_poll(struct file *file, poll_table *wait)
{
	struct kc_opener *o = file->private_data;
	struct kc *kc = o->kc;
	__poll_t mask;
	u64 seen;

	poll_wait(file, &kc->in_wait, wait);
	poll_wait(file, &kc->out_wait, wait);
	spin_lock(&o->lock);
	seen = o->seen;
	spin_unlock(&o->lock);
	spin_lock_bh(&kc->lock);
	mask = kc_events_now(kc);
	if (kc->last.seq != seen)
		mask |= EPOLLPRI | EPOLLRDHUP;
	spin_unlock_bh(&kc->lock);
	return mask;
}

static int kc_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	return kc_sync(file->private_data);
}

const struct file_operations kc_fops = {
	.owner = THIS_MODULE,
	.open = kc_open,
	.release = kc_release,
	.flush = kc_flush,
	.read_iter = kc_read_iter,
	.write_iter = kc_write_iter,
	.poll = kc_poll,
	.fsync = kc_fsync,
	.unlocked_ioctl = kc_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
#ifdef CONFIG_IO_URING
	.uring_cmd = kc_uring_cmd,
#endif
};
