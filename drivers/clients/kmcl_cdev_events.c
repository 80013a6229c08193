// SPDX-License-Identifier: GPL-2.0
/*
 * Events of a device: its state, uevents, and the files that events are read from.
 *
 * The state changes in callbacks of the library and in calls that hold kc.mutex, all
 * of them in process context; kc_set_state() sleeps, and is called under no lock but
 * that. kc.lock protects the state and the events that wait to be read.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/kobject.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uio.h>

#include "kmcl_cdev.h"

#define KC_EVENTS	64U	/* that wait for one reader */

/**
 * struct kc_events - a file that events are read from
 * @kc: the device, with a reference
 * @node: in kc.files; under kc.lock
 * @mutex: held by the one that reads
 * @wait: for an event
 * @first: index of the oldest event; from here on under kc.lock
 * @count: number of events
 * @ended: the last event was read
 * @event: a ring of them
 */
struct kc_events {
	struct kc *kc;
	struct list_head node;
	struct mutex mutex;		/* see above */
	wait_queue_head_t wait;
	u32 first, count;
	bool ended;
	struct kmcl_event event[KC_EVENTS];
};

const char * const kc_state_names[] = {
	[KMCL_STATE_OFF] = "off",
	[KMCL_STATE_DISABLED] = "disabled",
	[KMCL_STATE_WAITING] = "waiting",
	[KMCL_STATE_PAUSED] = "paused",
	[KMCL_STATE_ACTIVE] = "active",
};

/* The variables that each uevent of the device has. May sleep */
int kc_add_uevent(struct kc *kc, struct kobj_uevent_env *env)
{
	enum kmcl_cdev_state state;
	struct kmcl_channel *ch;
	guid_t class, instance;
	bool one;

	spin_lock_bh(&kc->lock);
	state = kc->state;
	class = kc->cfg.class;
	one = kc->cfg.one;
	instance = kc->cfg.instance;
	spin_unlock_bh(&kc->lock);
	/* Of a channel for any instance, the one that is or was open */
	rcu_read_lock();
	ch = rcu_dereference(kc->ch);
	if (ch && !one) {
		kmcl_get_instance(ch, &instance);
		one = !guid_is_null(&instance);
	}
	rcu_read_unlock();

	return add_uevent_var(env, "KMCL_STATE=%s", kc_state_names[state]) ?:
	       (guid_is_null(&class) ? 0 :
		add_uevent_var(env, "KMCL_CLASS=%pUl", &class)) ?:
	       (one ? add_uevent_var(env, "KMCL_INSTANCE=%pUl", &instance) : 0);
}

/* The oldest event makes room: the next one says that it is lost */
static void push(struct kc_events *f, const struct kmcl_event *event)
{
	struct kmcl_event *e;
	u32 lost = 0;

	if (f->count == KC_EVENTS) {
		lost = f->event[f->first].lost + 1;
		f->first = (f->first + 1) % KC_EVENTS;
		f->count--;
		f->event[f->first].lost += lost;
	}
	e = &f->event[(f->first + f->count++) % KC_EVENTS];
	*e = *event;
	wake_up_interruptible_poll(&f->wait, EPOLLIN | EPOLLRDNORM);
}

/**
 * kc_set_state() - change the state, and tell everybody
 * @kc: the device
 * @state: what it is now
 * @type: what has happened
 * @cause: of %KMCL_EVENT_CLOSED
 * @error: of %KMCL_EVENT_FAILED: a negative errno
 *
 * Context: may sleep.
 */
void kc_set_state(struct kc *kc, enum kmcl_cdev_state state,
		  enum kmcl_event_type type, enum kmcl_cause cause, int error)
{
	struct kc_events *f;

	spin_lock_bh(&kc->lock);
	kc->state = state;
	kc->last = (struct kmcl_event){
		.size = sizeof(struct kmcl_event),
		.type = type,
		.state = state,
		.cause = cause,
		.error = -error,
		.seq = kc->last.seq + 1,
		.time_ns = ktime_get_boottime_ns(),
	};
	list_for_each_entry(f, &kc->files, node)
		push(f, &kc->last);
	spin_unlock_bh(&kc->lock);

	/* Whoever polls always looks for the first; others may block there */
	wake_up_interruptible_poll(&kc->in_wait,
				   EPOLLHUP | EPOLLRDHUP | EPOLLPRI);
	wake_up_interruptible_poll(&kc->out_wait,
				   EPOLLHUP | EPOLLRDHUP | EPOLLPRI);
	wake_up_all(&kc->sync_wait);

	mutex_lock(&kc->uevent_mutex);
	if (!kc->deleted)
		kobject_uevent(&kc->dev.kobj, KOBJ_CHANGE);
	mutex_unlock(&kc->uevent_mutex);
}

/* Is there an event, or no other one to come? Sets *@ended to the latter */
static bool readable(struct kc_events *f, bool *ended)
{
	bool yes;

	spin_lock_bh(&f->kc->lock);
	*ended = f->ended && !f->count;
	yes = f->count || f->ended;
	spin_unlock_bh(&f->kc->lock);
	return yes;
}

/* The oldest event, which stays; false: there is none */
static bool peek(struct kc_events *f, struct kmcl_event *event)
{
	bool found;

	spin_lock_bh(&f->kc->lock);
	found = f->count;
	if (found)
		*event = f->event[f->first];
	spin_unlock_bh(&f->kc->lock);
	return found;
}

/* It was read, if nothing newer has taken its place */
static void pop(struct kc_events *f, const struct kmcl_event *event)
{
	spin_lock_bh(&f->kc->lock);
	if (f->count && f->event[f->first].seq == event->seq) {
		f->first = (f->first + 1) % KC_EVENTS;
		f->count--;
	} else if (f->count) {
		/* The reader has it, so it is not lost, nor what it told */
		f->event[f->first].lost -= event->lost + 1;
	}
	if (event->type == KMCL_EVENT_REMOVED)
		f->ended = true;
	spin_unlock_bh(&f->kc->lock);
}

static ssize_t events_read(struct kiocb *iocb, struct iov_iter *to)
{
	bool nonblock = iocb->ki_flags & IOCB_NOWAIT ||
			iocb->ki_filp->f_flags & O_NONBLOCK;
	struct kc_events *f = iocb->ki_filp->private_data;
	struct kmcl_event event;
	ssize_t done = 0;
	bool ended;
	int ret = 0;

	if (iov_iter_count(to) < sizeof(event))
		return -EINVAL;
	for (;;) {
		if (nonblock) {
			if (!mutex_trylock(&f->mutex))
				return -EAGAIN;
		} else if (mutex_lock_interruptible(&f->mutex)) {
			return kc_interrupted();
		}
		/* For sparse, which knows neither function */
		__acquire(&f->mutex);
		while (iov_iter_count(to) >= sizeof(event) && peek(f, &event)) {
			if (copy_to_iter(&event, sizeof(event), to) !=
			    sizeof(event)) {
				ret = -EFAULT;
				break;
			}
			done += sizeof(event);
			pop(f, &event);
		}
		mutex_unlock(&f->mutex);
		readable(f, &ended);
		if (done || ret || ended)
			return done ?: ret;
		if (nonblock)
			return -EAGAIN;
		if (wait_event_interruptible(f->wait, readable(f, &ended)))
			return kc_interrupted();
	}
}

static __poll_t events_poll(struct file *file, poll_table *wait)
{
	struct kc_events *f = file->private_data;
	bool ended;

	poll_wait(file, &f->wait, wait);
	return readable(f, &ended) ? EPOLLIN | EPOLLRDNORM : 0;
}

static int events_release(struct inode *inode, struct file *file)
{
	struct kc_events *f = file->private_data;

	spin_lock_bh(&f->kc->lock);
	list_del(&f->node);
	spin_unlock_bh(&f->kc->lock);
	put_device(&f->kc->dev);
	kfree(f);
	return 0;
}

static const struct file_operations events_fops = {
	.owner = THIS_MODULE,
	.read_iter = events_read,
	.poll = events_poll,
	.release = events_release,
};

/**
 * kc_events_file() - make a file to read events from
 * @kc: the device
 * @flags: 0 or O_NONBLOCK
 *
 * Context: may sleep.
 * Return: the file, or an ERR_PTR: -EINVAL: other flags; -ENODEV: the device was
 * removed; -ENOMEM, -ENFILE.
 */
struct file *kc_events_file(struct kc *kc, unsigned int flags)
{
	struct kc_events *f;
	struct file *file;
	bool gone;

	if (flags & ~O_NONBLOCK)
		return ERR_PTR(-EINVAL);
	f = kzalloc_obj(*f, GFP_KERNEL_ACCOUNT);
	if (!f)
		return ERR_PTR(-ENOMEM);
	mutex_init(&f->mutex);
	init_waitqueue_head(&f->wait);
	f->kc = kc;
	file = anon_inode_getfile("[kmcl-events]", &events_fops, f,
				  O_RDONLY | flags);
	if (IS_ERR(file)) {
		kfree(f);
		return file;
	}
	file->f_mode |= FMODE_NOWAIT;
	get_device(&kc->dev);
	spin_lock_bh(&kc->lock);
	gone = kc->gone;
	list_add_tail(&f->node, &kc->files);
	if (kc->last.seq)
		push(f, &kc->last);
	spin_unlock_bh(&kc->lock);
	if (!gone)
		return file;
	fput(file);
	return ERR_PTR(-ENODEV);
}

/* The same as a descriptor. Returns it or a negative errno. May sleep */
int kc_events_fd(struct kc *kc, unsigned int flags)
{
	struct file *file;
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = kc_events_file(kc, flags);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	fd_install(fd, file);
	return fd;
}
