// SPDX-License-Identifier: GPL-2.0
/*
 * Devices: their names, nodes and class.
 *
 * A device lives from kc_create() until kc_remove(), and its memory until the last
 * reference is gone: those of open files, by way of the character device, of files
 * of events, and of requests. Everything here sleeps.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/idr.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "kmcl_cdev.h"

#define KC_MINORS	256U

static dev_t first_dev;
static DEFINE_IDA(minors);
static LIST_HEAD(devices);
/* The list of devices, for their names */
static DEFINE_MUTEX(kc_names_mutex);

static struct kc *to_kc(const struct device *dev)
{
	return container_of(dev, struct kc, dev);
}

/* The parameters are const in newer kernels */
static char *devnode(const struct device *dev, umode_t *mode)
{
	return kasprintf(GFP_KERNEL, "kmcl/%s", dev_name(dev));
}

static char * __maybe_unused devnode_old(struct device *dev, umode_t *mode)
{
	return devnode(dev, mode);
}

static int uevent(const struct device *dev, struct kobj_uevent_env *env)
{
	return kc_add_uevent(to_kc(dev), env);
}

static int __maybe_unused uevent_old(struct device *dev,
				     struct kobj_uevent_env *env)
{
	return uevent(dev, env);
}

#define OLD_DEVNODE	__same_type(((struct class *)NULL)->devnode,	\
				    char *(*)(struct device *, umode_t *))
#define OLD_UEVENT	__same_type(((struct class *)NULL)->dev_uevent,	\
				    int (*)(struct device *,		\
					    struct kobj_uevent_env *))

static struct class kc_class = {
	.name = "kmcl",
	.devnode = __builtin_choose_expr(OLD_DEVNODE, devnode_old, devnode),
	.dev_uevent = __builtin_choose_expr(OLD_UEVENT, uevent_old, uevent),
};

static void release(struct device *dev)
{
	struct kc *kc = to_kc(dev);

	ida_free(&minors, MINOR(dev->devt));
	kfree(kc);
}

/* A part of paths: nothing hidden, and nothing that needs quotes */
static bool good_name(const char *name)
{
	const char *p;

	if (!*name || *name == '.' || strlen(name) >= KMCL_NAME_SIZE)
		return false;
	for (p = name; *p; p++)
		if (!isalnum(*p) && !strchr("-_.", *p))
			return false;
	return true;
}

static int add_name(struct kc *kc)
{
	struct kc *other;
	int ret = 0;

	mutex_lock(&kc_names_mutex);
	list_for_each_entry(other, &devices, node)
		if (!strcmp(other->name, kc->name))
			ret = -EEXIST;
	if (!ret)
		list_add_tail(&kc->node, &devices);
	mutex_unlock(&kc_names_mutex);
	return ret;
}

static void remove_name(struct kc *kc)
{
	mutex_lock(&kc_names_mutex);
	list_del(&kc->node);
	mutex_unlock(&kc_names_mutex);
}

static void init(struct kc *kc, const char *name, const struct kc_config *cfg)
{
	strscpy(kc->name, name, sizeof(kc->name));
	kc->cfg = *cfg;
	kc_channel_init(kc);
	mutex_init(&kc->uevent_mutex);
	kc->deleted = true;
	spin_lock_init(&kc->lock);
	kc->state = KMCL_STATE_OFF;
	kc->packet_bytes = cfg->packet_bytes;
	kc->max_packets = KC_QUEUE_PACKETS;
	kc->max_bytes = KC_QUEUE_BYTES;
	INIT_LIST_HEAD(&kc->fifo);
	INIT_LIST_HEAD(&kc->requests);
	INIT_LIST_HEAD(&kc->files);
	init_waitqueue_head(&kc->in_wait);
	init_waitqueue_head(&kc->out_wait);
	init_waitqueue_head(&kc->sync_wait);
}

/**
 * kc_create() - make a device and its node
 * @name: its name
 * @cfg: its configuration; the channel is not made yet
 *
 * Return: the device, for kc_remove(), or an ERR_PTR: -EINVAL: the name cannot be
 * one; -EEXIST: it is another one's; -ENOSPC: there are too many; -ENOMEM.
 */
struct kc *kc_create(const char *name, const struct kc_config *cfg)
{
	struct kc *kc;
	int minor, ret;

	if (!good_name(name))
		return ERR_PTR(-EINVAL);
	kc = kzalloc_obj(*kc, GFP_KERNEL);
	if (!kc)
		return ERR_PTR(-ENOMEM);
	minor = ida_alloc_max(&minors, KC_MINORS - 1, GFP_KERNEL);
	if (minor < 0) {
		kfree(kc);
		return ERR_PTR(minor);
	}
	init(kc, name, cfg);
	device_initialize(&kc->dev);
	kc->dev.class = &kc_class;
	kc->dev.devt = MKDEV(MAJOR(first_dev), minor);
	kc->dev.release = release;
	ret = dev_set_name(&kc->dev, "%s", name);
	if (ret)
		goto put;
	ret = add_name(kc);
	if (ret)
		goto put;
	cdev_init(&kc->cdev, &kc_fops);
	kc->cdev.owner = THIS_MODULE;
	ret = cdev_device_add(&kc->cdev, &kc->dev);
	if (ret)
		goto remove;
	mutex_lock(&kc->uevent_mutex);
	kc->deleted = false;
	mutex_unlock(&kc->uevent_mutex);
	return kc;

remove:
	remove_name(kc);
put:
	put_device(&kc->dev);
	return ERR_PTR(ret);
}

/**
 * kc_remove() - remove a device, whoever uses it
 * @kc: the device; must not be used afterwards
 *
 * Its node is gone when its channel begins to close. Returns when that is closed.
 */
void kc_remove(struct kc *kc)
{
	spin_lock_bh(&kc->lock);
	kc->gone = true;
	kc->want = false;
	spin_unlock_bh(&kc->lock);
	mutex_lock(&kc->uevent_mutex);
	kc->deleted = true;
	cdev_device_del(&kc->cdev, &kc->dev);
	mutex_unlock(&kc->uevent_mutex);
	wake_up_all(&kc->in_wait);
	wake_up_all(&kc->out_wait);
	wake_up_all(&kc->sync_wait);

	mutex_lock(&kc->mutex);
	kc_off(kc);
	kc_set_state(kc, KMCL_STATE_OFF, KMCL_EVENT_REMOVED, KMCL_CAUSE_NONE, 0);
	mutex_unlock(&kc->mutex);
	cancel_delayed_work_sync(&kc->reopen);
	kc_drop_received(kc, false);
	remove_name(kc);
	put_device(&kc->dev);
}

/* Read the words of @text, which is changed. 0 or -EINVAL */
static int parse(char *text, char **name, struct kc_config *cfg)
{
	char *word;

	*name = strsep(&text, ":");
	word = strsep(&text, ":");
	if (!word || kmcl_guid_parse(word, &cfg->class))
		return -EINVAL;
	word = strsep(&text, ":");
	if (word && !kmcl_guid_parse(word, &cfg->instance)) {
		cfg->one = true;
		word = strsep(&text, ":");
	}
	if (word && !strcmp(word, "pipe")) {
		cfg->pipe = true;
		word = strsep(&text, ":");
	}
	return word ? -EINVAL : 0;
}

/**
 * kc_create_from() - make a device and its channel, as a word of the parameter says
 * @param: NAME:CLASS[:INSTANCE][:pipe]
 *
 * Return: the device, for kc_remove(), or an ERR_PTR, see kc_create() and kc_on().
 */
struct kc *kc_create_from(const char *param)
{
	struct kc_config cfg = { .packet_bytes = KC_PACKET_BYTES };
	struct kc *kc;
	char *text, *name;
	int ret;

	text = kstrdup(param, GFP_KERNEL);
	if (!text)
		return ERR_PTR(-ENOMEM);
	ret = parse(text, &name, &cfg);
	kc = ret ? ERR_PTR(ret) : kc_create(name, &cfg);
	kfree(text);
	if (IS_ERR(kc))
		return kc;
	mutex_lock(&kc->mutex);
	ret = kc_on(kc);
	mutex_unlock(&kc->mutex);
	if (!ret)
		return kc;
	kc_remove(kc);
	return ERR_PTR(ret);
}

int kc_class_init(void)
{
	int ret;

	ret = alloc_chrdev_region(&first_dev, 0, KC_MINORS, "kmcl");
	if (ret)
		return ret;
	ret = class_register(&kc_class);
	if (ret)
		unregister_chrdev_region(first_dev, KC_MINORS);
	return ret;
}

void kc_class_exit(void)
{
	class_unregister(&kc_class);
	unregister_chrdev_region(first_dev, KC_MINORS);
	ida_destroy(&minors);
}
