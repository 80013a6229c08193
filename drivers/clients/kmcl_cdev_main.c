// SPDX-License-Identifier: GPL-2.0
/*
 * kmcl_cdev: channels for user space, as character devices.
 *
 * Devices are made by a parameter of the module, here, and in configfs. This file has
 * the module's beginning and end, which sleep. Locks: kmcl_cdev.h.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/moduleparam.h>

#include "kmcl_cdev.h"

#define KC_PARAMS	32

static char *devices[KC_PARAMS];
static int ndevices;
module_param_array(devices, charp, &ndevices, 0444);
MODULE_PARM_DESC(devices, "devices to make: NAME:CLASS[:INSTANCE][:pipe],... with class and instance GUIDs");

static struct kc *made[KC_PARAMS];

static void remove_all(void)
{
	int i;

	for (i = 0; i < KC_PARAMS; i++)
		if (made[i])
			kc_remove(made[i]);
}

static int make_all(void)
{
	struct kc *kc;
	int i;

	for (i = 0; i < ndevices; i++) {
		kc = kc_create_from(devices[i]);
		if (IS_ERR(kc)) {
			pr_err("devices=%s cannot be made (%ld); what is meant is NAME:CLASS[:INSTANCE][:pipe]\n",
			       devices[i], PTR_ERR(kc));
			return PTR_ERR(kc);
		}
		made[i] = kc;
	}
	return 0;
}

static int __init kc_init(void)
{
	int ret;

	kc_wq = alloc_workqueue("kmcl_cdev", WQ_UNBOUND, 0);
	if (!kc_wq)
		return -ENOMEM;
	ret = kc_class_init();
	if (ret)
		goto free_wq;
	ret = make_all();
	if (!ret)
		ret = kc_configfs_init();
	if (!ret)
		return 0;
	remove_all();
	kc_class_exit();
free_wq:
	destroy_workqueue(kc_wq);
	return ret;
}

/* No file is open, and no directory is left */
static void __exit kc_exit(void)
{
	kc_configfs_exit();
	remove_all();
	destroy_workqueue(kc_wq);
	kc_class_exit();
}

module_init(kc_init);
module_exit(kc_exit);

MODULE_DESCRIPTION("Channels of the VMBus KMCL for user space");
MODULE_VERSION(KMCL_VERSION);
MODULE_LICENSE("GPL");
MODULE_SOFTDEP("pre: vmbkmcl_hv");
