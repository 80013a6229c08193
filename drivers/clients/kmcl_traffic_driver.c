// SPDX-License-Identifier: GPL-2.0
/*
 * An ordinary driver of hv_vmbus: its probe() creates a channel of kmcl_traffic
 * whose parent is the device. The channel's name is "own" and the number at the
 * end of its instance GUID; it is not enabled. With devm=1 there is no remove():
 * the channel is one of devm_kmcl_client_create().
 *
 * probe() and remove() run in process context with the device locked, and take
 * no lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hyperv.h>
#include <linux/module.h>
#include <linux/string.h>

#include "kmcl_traffic.h"

static char *class;
module_param(class, charp, 0444);
MODULE_PARM_DESC(class, "GUID of the class of the devices");

static bool devm;
module_param(devm, bool, 0444);
MODULE_PARM_DESC(devm, "leave the end of the channels to the library");

static struct hv_vmbus_device_id ids[2];

static const char *channel_name(const struct hv_device *hdev,
				char name[TR_NAME_MAX])
{
	const u8 *b = hdev->dev_instance.b;

	snprintf(name, TR_NAME_MAX, "own%u", b[14] << 8 | b[15]);
	return name;
}

static int tr_probe(struct hv_device *hdev, const struct hv_vmbus_device_id *id)
{
	char name[TR_NAME_MAX];

	return tr_attach(channel_name(hdev, name), &hdev->device, devm);
}

static void tr_remove(struct hv_device *hdev)
{
	char name[TR_NAME_MAX];

	tr_detach(channel_name(hdev, name));
}

static int __maybe_unused tr_remove_int(struct hv_device *hdev)
{
	tr_remove(hdev);
	return 0;
}

/* Older kernels have an int as the return type, which hv_vmbus ignores */
#define REMOVE_RETURNS_INT						\
	__same_type(((struct hv_driver *)NULL)->remove,			\
		    int (*)(struct hv_device *))

static struct hv_driver tr_driver = {
	.name = KBUILD_MODNAME,
	.id_table = ids,
	.probe = tr_probe,
	.remove = __builtin_choose_expr(REMOVE_RETURNS_INT, tr_remove_int,
					tr_remove),
};

static int __init tr_driver_init(void)
{
	if (!class || strlen(class) != UUID_STRING_LEN ||
	    guid_parse(class, &ids[0].guid)) {
		pr_err("class= is to be the GUID of a class\n");
		return -EINVAL;
	}
	if (devm)
		tr_driver.remove = NULL;
	return vmbus_driver_register(&tr_driver);
}
module_init(tr_driver_init);

static void __exit tr_driver_exit(void)
{
	vmbus_driver_unregister(&tr_driver);
}
module_exit(tr_driver_exit);

MODULE_DESCRIPTION("KMCL client for tests: a driver whose device is its channel's");
MODULE_LICENSE("GPL");
MODULE_SOFTDEP("pre: vmbkmcl_hv");
