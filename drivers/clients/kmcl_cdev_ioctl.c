// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of <uapi/linux/kmcl.h>.
 *
 * All of them sleep. Those that enable or disable take kc.mutex.
 */
#include <linux/capability.h>
#include <linux/ioctl.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <asm/ioctls.h>

#include "kmcl_cdev.h"

/* Bytes of the first version of each structure, which a caller has at least */
#define INFO_BYTES	96U
#define STATS_BYTES	184U
#define MODE_BYTES	8U
#define LIMITS_BYTES	16U
#define REQUEST_BYTES	40U

static_assert(sizeof(struct kmcl_info) == INFO_BYTES);
static_assert(sizeof(struct kmcl_stats) == STATS_BYTES);
static_assert(sizeof(struct kmcl_mode) == MODE_BYTES);
static_assert(sizeof(struct kmcl_limits) == LIMITS_BYTES);
static_assert(sizeof(struct kmcl_request) == REQUEST_BYTES);
static_assert(sizeof(struct kmcl_event) == 40);

/* The size that the caller's structure says, or a negative errno */
static int size_of(const void __user *arg, u32 least)
{
	u32 size;

	if (get_user(size, (const u32 __user *)arg))
		return -EFAULT;
	return size < least || size > PAGE_SIZE ? -EINVAL : size;
}

/* Read a structure of @bytes, of which callers have at least @least */
static int get_struct(void *to, u32 bytes, const void __user *arg, u32 least)
{
	int size = size_of(arg, least);

	return size < 0 ? size : copy_struct_from_user(to, bytes, arg, size);
}

/* Write as much of a structure as the caller has, and clear the rest of that */
static int put_struct(void __user *arg, const void *from, u32 bytes, u32 least)
{
	int size = size_of(arg, least);

	if (size < 0)
		return size;
	if (copy_to_user(arg, from, min_t(u32, size, bytes)) ||
	    (size > bytes && clear_user(arg + bytes, size - bytes)))
		return -EFAULT;
	return 0;
}

/* See kc_set_state(): nothing else counts changes. Ends EPOLLPRI, and EPIPE */
void kc_get_info(struct kc_opener *o, struct kmcl_info *info)
{
	struct kc *kc = o->kc;
	struct kmcl_counters c;
	struct kmcl_channel *ch;
	guid_t instance;
	u64 opening;

	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	strscpy(info->name, kc->name, sizeof(info->name));
	spin_lock_bh(&kc->lock);
	info->state = kc->state;
	info->changes = kc->last.seq;
	info->packet_bytes = kc->packet_bytes;
	if (kc->cfg.pipe)
		info->flags |= KMCL_INFO_PIPE;
	if (!kc->cfg.one)
		info->flags |= KMCL_INFO_ANY_INSTANCE;
	if (!kc->manual)
		info->flags |= KMCL_INFO_REOPEN;
	if (kc->open)
		info->flags |= KMCL_INFO_OPEN;
	if (kc->drop)
		info->flags |= KMCL_INFO_DROP;
	opening = kc->n.opens;
	export_guid(info->class_id, &kc->cfg.class);
	instance = kc->cfg.instance;
	spin_unlock_bh(&kc->lock);

	rcu_read_lock();
	ch = rcu_dereference(kc->ch);
	if (ch) {
		kmcl_get_counters(ch, &c);
		info->ring_in = min_t(u64, c.ring_in, U32_MAX);
		info->ring_out = min_t(u64, c.ring_out, U32_MAX);
		kmcl_get_instance(ch, &instance);
	}
	rcu_read_unlock();
	export_guid(info->instance_id, &instance);

	spin_lock(&o->lock);
	o->seen = max(o->seen, info->changes);
	o->opening = max(o->opening, opening);
	spin_unlock(&o->lock);
}

void kc_get_stats(struct kc *kc, struct kmcl_stats *stats)
{
	spin_lock_bh(&kc->lock);
	*stats = kc->n;
	stats->queued = kc->queued;
	stats->queued_bytes = kc->queued_bytes;
	spin_unlock_bh(&kc->lock);
	stats->size = sizeof(*stats);
}

static int get_info(struct kc_opener *o, void __user *arg)
{
	struct kmcl_info info;

	kc_get_info(o, &info);
	return put_struct(arg, &info, sizeof(info), INFO_BYTES);
}

static int get_stats(struct kc *kc, void __user *arg)
{
	struct kmcl_stats stats;

	kc_get_stats(kc, &stats);
	return put_struct(arg, &stats, sizeof(stats), STATS_BYTES);
}

static int set_mode(struct kc_opener *o, const void __user *arg)
{
	struct kmcl_mode mode;
	int ret;

	ret = get_struct(&mode, sizeof(mode), arg, MODE_BYTES);
	if (ret)
		return ret;
	if (mode.flags & ~KMCL_MODE_TRUNCATE)
		return -EINVAL;
	spin_lock(&o->lock);
	o->mode = mode.flags;
	spin_unlock(&o->lock);
	return 0;
}

static int get_limits(struct kc *kc, void __user *arg)
{
	struct kmcl_limits limits = { .size = sizeof(limits) };

	spin_lock_bh(&kc->lock);
	limits.queue_packets = kc->max_packets;
	limits.queue_bytes = kc->max_bytes;
	spin_unlock_bh(&kc->lock);
	return put_struct(arg, &limits, sizeof(limits), LIMITS_BYTES);
}

static int set_limits(struct kc *kc, const void __user *arg)
{
	struct kmcl_limits limits;
	u32 packets, bytes;
	int ret;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	ret = get_struct(&limits, sizeof(limits), arg, LIMITS_BYTES);
	if (ret)
		return ret;
	if (limits.queue_packets > KC_QUEUE_PACKETS_MAX ||
	    limits.queue_bytes > KC_QUEUE_BYTES_MAX)
		return -EINVAL;
	if (mutex_lock_interruptible(&kc->mutex))
		return -ERESTARTSYS;
	/* For sparse, which does not know that function */
	__acquire(&kc->mutex);
	spin_lock_bh(&kc->lock);
	packets = limits.queue_packets ?: kc->max_packets;
	bytes = limits.queue_bytes ?: kc->max_bytes;
	spin_unlock_bh(&kc->lock);
	kc_set_limits(kc, packets, bytes);
	mutex_unlock(&kc->mutex);
	return 0;
}

/* Read a request that a user has made. May sleep */
int kc_copy_request(struct kmcl_request *r, const void __user *arg)
{
	return get_struct(r, sizeof(*r), arg, REQUEST_BYTES);
}

static int request(struct file *file, struct kc *kc,
		   struct kmcl_request __user *arg)
{
	struct kmcl_request r;
	int ret;

	ret = kc_copy_request(&r, arg);
	if (ret)
		return ret;
	ret = kc_request(kc, &r, file->f_flags & O_NONBLOCK);
	if ((!ret || ret == -ENOSPC) && put_user(r.reply_len, &arg->reply_len))
		return -EFAULT;
	return ret;
}

/* The length of the next message */
static int next_length(struct kc *kc, int __user *arg)
{
	struct kc_msg *msg;
	int len;

	spin_lock_bh(&kc->lock);
	msg = list_first_entry_or_null(&kc->fifo, struct kc_msg, node);
	len = msg ? msg->len : 0;
	spin_unlock_bh(&kc->lock);
	return put_user(len, arg);
}

static int control(struct kc *kc, unsigned int cmd)
{
	int ret;

	if (mutex_lock_interruptible(&kc->mutex))
		return -ERESTARTSYS;
	/* For sparse, which does not know that function */
	__acquire(&kc->mutex);
	switch (cmd) {
	case KMCL_IOC_ENABLE:
		ret = kc_enable(kc);
		break;
	case KMCL_IOC_DISABLE:
		ret = kc_disable(kc);
		break;
	case KMCL_IOC_PAUSE:
		ret = kc_pause(kc);
		break;
	default:
		ret = kc_start(kc);
	}
	mutex_unlock(&kc->mutex);
	return ret;
}

static bool is_gone(struct kc *kc)
{
	bool gone;

	spin_lock_bh(&kc->lock);
	gone = kc->gone;
	spin_unlock_bh(&kc->lock);
	return gone;
}

long kc_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct kc_opener *o = file->private_data;
	void __user *user = (void __user *)arg;
	struct kc *kc = o->kc;

	if (is_gone(kc))
		return -ENODEV;
	switch (cmd) {
	case FIONREAD:
		return next_length(kc, user);
	case KMCL_IOC_GET_INFO:
		return get_info(o, user);
	case KMCL_IOC_GET_STATS:
		return get_stats(kc, user);
	case KMCL_IOC_SET_MODE:
		return set_mode(o, user);
	case KMCL_IOC_GET_LIMITS:
		return get_limits(kc, user);
	case KMCL_IOC_SET_LIMITS:
		return set_limits(kc, user);
	case KMCL_IOC_EVENTS:
		return kc_events_fd(kc, arg);
	}
	switch (cmd) {
	case KMCL_IOC_REQUEST:
	case KMCL_IOC_ENABLE:
	case KMCL_IOC_DISABLE:
	case KMCL_IOC_PAUSE:
	case KMCL_IOC_START:
		if (!(file->f_mode & FMODE_WRITE))
			return -EBADF;
		return cmd == KMCL_IOC_REQUEST ? request(file, kc, user) :
		       control(kc, cmd);
	}
	return -ENOTTY;
}
