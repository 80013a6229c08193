// SPDX-License-Identifier: GPL-2.0
/*
 * The files of a channel in sysfs. What is in them, and may not change, is in
 * Documentation/ABI/testing/sysfs-kernel-kmcl.
 *
 * A channel is a kobject: that counts its references, and is its directory below
 * /sys/kernel/kmcl/, whose name is a number that is not used twice. The name that
 * the driver gives it is a file: it can be anything, and change. A channel for
 * whose directory there was no memory has none, and works.
 *
 * Files are read and written in process context. A channel is not freed meanwhile,
 * since removing the directory waits for that. What can change is read under the
 * lock that protects it. The driver's functions are read without a lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/kobject.h>
#include <linux/kstrtox.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "channel.h"
#include "face.h"

/* Bytes of a name that are shown; up to twice as many in the file */
#define NAME_SHOWN	1024

/* NULL: no channel has a directory */
struct kset *kmcl_kset;
static atomic64_t last_number = ATOMIC64_INIT(0);

struct channel_file {
	struct attribute attr;
	ssize_t (*show)(struct kmcl_channel *ch, char *buf);
	ssize_t (*store)(struct kmcl_channel *ch, const char *buf, size_t len);
};

/* Escaped, so that it is one line */
static ssize_t name_show(struct kmcl_channel *ch, char *buf)
{
	const char *name;
	ssize_t len;

	spin_lock_irq(&ch->sm.lock);
	name = ch->cfg.name ?: "";
	len = sysfs_emit(buf, "%*pEcs\n", (int)strnlen(name, NAME_SHOWN), name);
	spin_unlock_irq(&ch->sm.lock);
	return len;
}

static ssize_t state_show(struct kmcl_channel *ch, char *buf)
{
	return sysfs_emit(buf, "%s\n", kmcl_channel_state_name(ch));
}

static ssize_t class_show(struct kmcl_channel *ch, char *buf)
{
	guid_t type;

	spin_lock_irq(&kmcl_bus_lock);
	type = ch->cfg.type;
	spin_unlock_irq(&kmcl_bus_lock);
	return sysfs_emit(buf, "%pUl\n", &type);
}

static ssize_t instance_show(struct kmcl_channel *ch, char *buf)
{
	guid_t instance;

	kmcl_get_instance(ch, &instance);
	return sysfs_emit(buf, "%pUl\n", &instance);
}

static ssize_t driver_show(struct kmcl_channel *ch, char *buf)
{
	return sysfs_emit(buf, "%ps\n", kmcl_driver_function(ch));
}

static ssize_t memory_limit_show(struct kmcl_channel *ch, char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(ch->rx.memory_limit));
}

static ssize_t memory_limit_store(struct kmcl_channel *ch, const char *buf,
				  size_t len)
{
	u32 bytes;
	int ret;

	ret = kstrtou32(buf, 0, &bytes);
	if (ret)
		return ret;
	kmcl_set_memory_limit(ch, bytes);
	return len;
}

#define COUNTER(name)	{ #name, offsetof(struct kmcl_counters, name) }
#define BAD(name, kind)	\
	{ "bad_" name, offsetof(struct kmcl_counters, bad[KMCL_BAD_##kind]) }

static const struct {
	const char *name;
	unsigned int offset;
} counters[] = {
	COUNTER(accepted),
	COUNTER(completed),
	COUNTER(cancelled),
	COUNTER(removed),
	COUNTER(in_ring),
	COUNTER(sent),
	COUNTER(queued),
	COUNTER(queued_peak),
	COUNTER(in_flight),
	COUNTER(in_flight_peak),
	COUNTER(full),
	COUNTER(broken),
	COUNTER(delivered),
	COUNTER(outstanding),
	COUNTER(outstanding_peak),
	COUNTER(external),
	COUNTER(deferred),
	COUNTER(failed),
	COUNTER(batches),
	COUNTER(quota_stops),
	COUNTER(limit_stops),
	COUNTER(memory),
	COUNTER(memory_peak),
	COUNTER(budget_stops),
	COUNTER(comps_sent),
	COUNTER(comps_dropped),
	COUNTER(comps_stale),
	COUNTER(comps_too_long),
	COUNTER(unanswered),
	COUNTER(bad_packets),
	BAD("write_index", WRITE_INDEX),
	BAD("short", SHORT),
	BAD("offset8", OFFSET),
	BAD("len8", LENGTH),
	BAD("type", TYPE),
	BAD("size", SIZE),
	BAD("pipe", PIPE),
	BAD("external", EXTERNAL),
	BAD("driver", DRIVER),
	COUNTER(gpadls),
	COUNTER(gpadls_left),
	COUNTER(gpadls_kept),
	COUNTER(rings_kept),
	COUNTER(packets_kept),
	COUNTER(kept_bytes),
	COUNTER(ring_in),
	COUNTER(ring_out),
	COUNTER(ring_memory),
	COUNTER(small_rings),
	COUNTER(opens),
	COUNTER(closes),
	COUNTER(rescinds),
	COUNTER(open_failures),
};

/* One line per counter: name and value. They fit into a page. */
static ssize_t counters_show(struct kmcl_channel *ch, char *buf)
{
	struct kmcl_counters c;
	ssize_t len = 0;
	int i;

	kmcl_get_counters(ch, &c);
	for (i = 0; i < ARRAY_SIZE(counters); i++)
		len += sysfs_emit_at(buf, len, "%s %llu\n", counters[i].name,
				     *(u64 *)((u8 *)&c + counters[i].offset));
	return len;
}

#define FILE_RO(_name)							\
	static struct channel_file _name##_file = __ATTR_RO(_name)
#define FILE_RW(_name)							\
	static struct channel_file _name##_file = __ATTR_RW(_name)

FILE_RO(name);
FILE_RO(state);
FILE_RO(class);
FILE_RO(instance);
FILE_RO(driver);
FILE_RW(memory_limit);
FILE_RO(counters);

/* Each one costs every channel the memory of a node of kernfs. */
static struct attribute *channel_attrs[] = {
	&name_file.attr,
	&state_file.attr,
	&class_file.attr,
	&instance_file.attr,
	&driver_file.attr,
	&memory_limit_file.attr,
	&counters_file.attr,
	NULL
};
ATTRIBUTE_GROUPS(channel);

static ssize_t file_show(struct kobject *kobj, struct attribute *attr, char *buf)
{
	const struct channel_file *file = container_of(attr, struct channel_file,
						       attr);

	return file->show(container_of(kobj, struct kmcl_channel, kobj), buf);
}

/* Only for a file that can be written: sysfs does not open another one for it */
static ssize_t file_store(struct kobject *kobj, struct attribute *attr,
			  const char *buf, size_t len)
{
	const struct channel_file *file = container_of(attr, struct channel_file,
						       attr);

	return file->store(container_of(kobj, struct kmcl_channel, kobj), buf,
			   len);
}

static const struct sysfs_ops channel_sysfs_ops = {
	.show = file_show,
	.store = file_store,
};

static const struct kobj_type channel_ktype = {
	.release = kmcl_channel_release,
	.sysfs_ops = &channel_sysfs_ops,
	.default_groups = channel_groups,
};

/* Begin to count references. After that the channel is freed by dropping them. */
void kmcl_sysfs_prepare(struct kmcl_channel *ch)
{
	kobject_init(&ch->kobj, &channel_ktype);
}

/* From here on, the channel can be seen. Sleeps. The kernel reports errors. */
void kmcl_sysfs_add(struct kmcl_channel *ch)
{
	int ret;

	if (!kmcl_kset)
		return;
	ch->kobj.kset = kmcl_kset;
	ret = kobject_add(&ch->kobj, NULL, "%llu",
			  (u64)atomic64_inc_return(&last_number));
	if (ret)
		pr_warn("%s: no directory in sysfs: error %d\n", kmcl_name(ch), ret);
}

/* Sleeps until nobody uses one of the files. */
void kmcl_sysfs_del(struct kmcl_channel *ch)
{
	if (ch->kobj.state_in_sysfs)
		kobject_del(&ch->kobj);
}

void kmcl_sysfs_init(void)
{
	kmcl_kset = kset_create_and_add("kmcl", NULL, kernel_kobj);
}

void kmcl_sysfs_exit(void)
{
	kset_unregister(kmcl_kset);
}
