// SPDX-License-Identifier: GPL-2.0
/*
 * Configuration: a directory in configfs for each device.
 *
 * configfs serialises mkdir and rmdir, and keeps a directory while one of its
 * attributes is used. The attributes are under kc.mutex, and those that others read
 * under kc.lock as well. Everything sleeps.
 */
#include <linux/capability.h>
#include <linux/configfs.h>
#include <linux/kstrtox.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "kmcl_cdev.h"

struct kc_item {
	struct config_item item;
	struct kc *kc;
};

static struct kc *kc_of(struct config_item *item)
{
	return container_of(item, struct kc_item, item)->kc;
}

/* May an attribute be written? 0 or a negative errno */
static int may_write(struct kc *kc, bool while_enabled)
	__must_hold(&kc->mutex)
{
	lockdep_assert_held(&kc->mutex);
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	return while_enabled || !rcu_access_pointer(kc->ch) ? 0 : -EBUSY;
}

static int parse(const char *page, u32 least, u32 most, u32 *value)
{
	int ret = kstrtou32(page, 0, value);

	if (ret)
		return ret;
	return *value < least || *value > most ? -EINVAL : 0;
}

static ssize_t kc_class_show(struct config_item *item, char *page)
{
	const struct kc_config *cfg = &kc_of(item)->cfg;

	if (guid_is_null(&cfg->class))
		return sprintf(page, "\n");
	return sprintf(page, "%pUl\n", &cfg->class);
}

static ssize_t kc_class_store(struct config_item *item, const char *page,
			      size_t count)
{
	struct kc *kc = kc_of(item);
	guid_t class;
	int ret;

	if (kmcl_guid_parse(page, &class) || guid_is_null(&class))
		return -EINVAL;
	mutex_lock(&kc->mutex);
	ret = may_write(kc, false);
	if (!ret) {
		spin_lock_bh(&kc->lock);
		kc->cfg.class = class;
		spin_unlock_bh(&kc->lock);
	}
	mutex_unlock(&kc->mutex);
	return ret ?: count;
}

static ssize_t kc_instance_show(struct config_item *item, char *page)
{
	const struct kc_config *cfg = &kc_of(item)->cfg;

	if (!cfg->one)
		return sprintf(page, "\n");
	return sprintf(page, "%pUl\n", &cfg->instance);
}

static ssize_t kc_instance_store(struct config_item *item, const char *page,
				 size_t count)
{
	bool one = !sysfs_streq(page, "");
	struct kc *kc = kc_of(item);
	guid_t instance = guid_null;
	int ret;

	if (one && kmcl_guid_parse(page, &instance))
		return -EINVAL;
	mutex_lock(&kc->mutex);
	ret = may_write(kc, false);
	if (!ret) {
		spin_lock_bh(&kc->lock);
		kc->cfg.instance = instance;
		kc->cfg.one = one;
		spin_unlock_bh(&kc->lock);
	}
	mutex_unlock(&kc->mutex);
	return ret ?: count;
}

static ssize_t kc_mode_show(struct config_item *item, char *page)
{
	return sprintf(page, "%s\n", kc_of(item)->cfg.pipe ? "pipe" : "raw");
}

static ssize_t kc_mode_store(struct config_item *item, const char *page,
			     size_t count)
{
	static const char * const modes[] = { "raw", "pipe" };
	int mode = sysfs_match_string(modes, page);
	struct kc *kc = kc_of(item);
	int ret;

	if (mode < 0)
		return mode;
	mutex_lock(&kc->mutex);
	ret = may_write(kc, false);
	if (!ret) {
		spin_lock_bh(&kc->lock);
		kc->cfg.pipe = mode;
		spin_unlock_bh(&kc->lock);
	}
	mutex_unlock(&kc->mutex);
	return ret ?: count;
}

static ssize_t kc_ring_bytes_show(struct config_item *item, char *page)
{
	return sprintf(page, "%u\n", kc_of(item)->cfg.ring_bytes);
}

static ssize_t kc_ring_bytes_store(struct config_item *item, const char *page,
				   size_t count)
{
	struct kc *kc = kc_of(item);
	u32 bytes;
	int ret;

	ret = parse(page, 0, KMCL_RING_PAGES_MAX * 4096U, &bytes);
	if (ret)
		return ret;
	mutex_lock(&kc->mutex);
	ret = may_write(kc, false);
	if (!ret)
		kc->cfg.ring_bytes = bytes;
	mutex_unlock(&kc->mutex);
	return ret ?: count;
}

static ssize_t kc_packet_bytes_show(struct config_item *item, char *page)
{
	return sprintf(page, "%u\n", kc_of(item)->cfg.packet_bytes);
}

static ssize_t kc_packet_bytes_store(struct config_item *item, const char *page,
				     size_t count)
{
	struct kc *kc = kc_of(item);
	u32 bytes;
	int ret;

	ret = parse(page, 1, KMCL_PACKET_SIZE_MAX, &bytes);
	if (ret)
		return ret;
	mutex_lock(&kc->mutex);
	ret = may_write(kc, false);
	if (!ret) {
		spin_lock_bh(&kc->lock);
		kc->cfg.packet_bytes = bytes;
		kc->packet_bytes = bytes;
		spin_unlock_bh(&kc->lock);
	}
	mutex_unlock(&kc->mutex);
	return ret ?: count;
}

static ssize_t kc_queue_bytes_show(struct config_item *item, char *page)
{
	return sprintf(page, "%u\n", READ_ONCE(kc_of(item)->max_bytes));
}

static ssize_t kc_queue_bytes_store(struct config_item *item, const char *page,
				    size_t count)
{
	struct kc *kc = kc_of(item);
	u32 bytes;
	int ret;

	ret = parse(page, 1, KC_QUEUE_BYTES_MAX, &bytes);
	if (ret)
		return ret;
	mutex_lock(&kc->mutex);
	ret = may_write(kc, false);
	if (!ret)
		kc_set_limits(kc, kc->max_packets, bytes);
	mutex_unlock(&kc->mutex);
	return ret ?: count;
}

static ssize_t kc_queue_packets_show(struct config_item *item, char *page)
{
	return sprintf(page, "%u\n", READ_ONCE(kc_of(item)->max_packets));
}

static ssize_t kc_queue_packets_store(struct config_item *item,
				      const char *page, size_t count)
{
	struct kc *kc = kc_of(item);
	u32 packets;
	int ret;

	ret = parse(page, 1, KC_QUEUE_PACKETS_MAX, &packets);
	if (ret)
		return ret;
	mutex_lock(&kc->mutex);
	ret = may_write(kc, false);
	if (!ret)
		kc_set_limits(kc, packets, kc->max_bytes);
	mutex_unlock(&kc->mutex);
	return ret ?: count;
}

/* Store which of two words it is. @on: also while the channel is enabled */
static ssize_t store_word(struct kc *kc, const char *page, size_t count,
			  const char * const words[2], bool *value, bool on)
{
	int word = __sysfs_match_string(words, 2, page);
	int ret;

	if (word < 0)
		return word;
	mutex_lock(&kc->mutex);
	ret = may_write(kc, on);
	if (!ret) {
		spin_lock_bh(&kc->lock);
		*value = word;
		spin_unlock_bh(&kc->lock);
	}
	mutex_unlock(&kc->mutex);
	return ret ?: count;
}

static const char * const reopen_words[] = { "auto", "manual" };

static ssize_t kc_reopen_show(struct config_item *item, char *page)
{
	return sprintf(page, "%s\n",
		       reopen_words[READ_ONCE(kc_of(item)->manual)]);
}

static ssize_t kc_reopen_store(struct config_item *item, const char *page,
			       size_t count)
{
	struct kc *kc = kc_of(item);

	return store_word(kc, page, count, reopen_words, &kc->manual, true);
}

static const char * const keep_words[] = { "all", "none" };

static ssize_t kc_keep_show(struct config_item *item, char *page)
{
	return sprintf(page, "%s\n", keep_words[READ_ONCE(kc_of(item)->drop)]);
}

static ssize_t kc_keep_store(struct config_item *item, const char *page,
			     size_t count)
{
	struct kc *kc = kc_of(item);

	return store_word(kc, page, count, keep_words, &kc->drop, false);
}

static ssize_t kc_enabled_show(struct config_item *item, char *page)
{
	return sprintf(page, "%d\n", !!rcu_access_pointer(kc_of(item)->ch));
}

static ssize_t kc_enabled_store(struct config_item *item, const char *page,
				size_t count)
{
	struct kc *kc = kc_of(item);
	bool on, was;
	int ret;

	ret = kstrtobool(page, &on);
	if (ret)
		return ret;
	mutex_lock(&kc->mutex);
	ret = may_write(kc, true);
	was = rcu_access_pointer(kc->ch);
	if (!ret && on && !was)
		ret = kc_on(kc);
	else if (!ret && !on)
		kc_off(kc);
	mutex_unlock(&kc->mutex);
	return ret ?: count;
}

static ssize_t kc_state_show(struct config_item *item, char *page)
{
	return sprintf(page, "%s\n",
		       kc_state_names[READ_ONCE(kc_of(item)->state)]);
}

CONFIGFS_ATTR(kc_, class);
CONFIGFS_ATTR(kc_, instance);
CONFIGFS_ATTR(kc_, mode);
CONFIGFS_ATTR(kc_, ring_bytes);
CONFIGFS_ATTR(kc_, packet_bytes);
CONFIGFS_ATTR(kc_, queue_bytes);
CONFIGFS_ATTR(kc_, queue_packets);
CONFIGFS_ATTR(kc_, reopen);
CONFIGFS_ATTR(kc_, keep);
CONFIGFS_ATTR(kc_, enabled);
CONFIGFS_ATTR_RO(kc_, state);

static struct configfs_attribute *attrs[] = {
	&kc_attr_class,
	&kc_attr_instance,
	&kc_attr_mode,
	&kc_attr_ring_bytes,
	&kc_attr_packet_bytes,
	&kc_attr_queue_bytes,
	&kc_attr_queue_packets,
	&kc_attr_reopen,
	&kc_attr_keep,
	&kc_attr_enabled,
	&kc_attr_state,
	NULL
};

static void item_release(struct config_item *item)
{
	kfree(container_of(item, struct kc_item, item));
}

static struct configfs_item_operations item_ops = {
	.release = item_release,
};

static const struct config_item_type item_type = {
	.ct_item_ops = &item_ops,
	.ct_attrs = attrs,
	.ct_owner = THIS_MODULE,
};

static struct config_item *make_item(struct config_group *group,
				     const char *name)
{
	const struct kc_config cfg = { .packet_bytes = KC_PACKET_BYTES };
	struct kc_item *it;

	if (!capable(CAP_SYS_ADMIN))
		return ERR_PTR(-EPERM);
	it = kzalloc_obj(*it, GFP_KERNEL);
	if (!it)
		return ERR_PTR(-ENOMEM);
	it->kc = kc_create(name, &cfg);
	if (IS_ERR(it->kc)) {
		struct kc *kc = it->kc;

		kfree(it);
		return ERR_CAST(kc);
	}
	config_item_init_type_name(&it->item, name, &item_type);
	return &it->item;
}

static void drop_item(struct config_group *group, struct config_item *item)
{
	kc_remove(kc_of(item));
	config_item_put(item);
}

static struct configfs_group_operations group_ops = {
	.make_item = make_item,
	.drop_item = drop_item,
};

static const struct config_item_type group_type = {
	.ct_group_ops = &group_ops,
	.ct_owner = THIS_MODULE,
};

static struct configfs_subsystem subsystem = {
	.su_group = {
		.cg_item = {
			.ci_namebuf = "kmcl",
			.ci_type = &group_type,
		},
	},
};

int kc_configfs_init(void)
{
	config_group_init(&subsystem.su_group);
	mutex_init(&subsystem.su_mutex);
	return configfs_register_subsystem(&subsystem);
}

void kc_configfs_exit(void)
{
	configfs_unregister_subsystem(&subsystem);
}
