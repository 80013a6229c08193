// SPDX-License-Identifier: GPL-2.0
/*
 * An ordinary driver of hv_vmbus: its probe() creates a channel of kmcl_traffic
 * whose parent is the device. The channel's name is "own" and the number at the
 * end of its instance GUID; it is not enabled. With devm=1 there is no remove():
 * the channel is one of devm_kmcl_client_create(). With probing=wait, probe() first
 * waits until that is set to "succeed", or to "fail". With removing=1, remove() waits
 * at its end, when its channel has ended, until that is 0.
 *
 * It also does what such a driver may do with hv_vmbus' own functions, which the
 * library must leave alone. With raw=1 its probe() opens the device itself; a
 * write to the parameter ping sends a packet, and received counts what came
 * back. With own_rescind=1 its probe() sets a rescind callback, as a write to the
 * parameter does later; rescinds counts its calls. kept tells whether the last
 * device that was removed still had the callback, and the read mode, that this
 * driver had set.
 *
 * probe() and remove() run in process context with the device locked, the
 * callback of a raw device in softirq context. No lock is taken: the parameters
 * are for one device, which the tests do not remove while they write.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
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

static bool raw;
module_param(raw, bool, 0444);
MODULE_PARM_DESC(raw, "open the device with vmbus_open()");

static unsigned int received;
module_param(received, uint, 0444);
MODULE_PARM_DESC(received, "packets that came on a raw device");

static unsigned int rescinds;
module_param(rescinds, uint, 0444);
MODULE_PARM_DESC(rescinds, "calls of the rescind callback");

static bool kept;
module_param(kept, bool, 0444);
MODULE_PARM_DESC(kept, "the removed device had what this driver had set");

static char probing[16] = "succeed";
module_param_string(probing, probing, sizeof(probing), 0600);
MODULE_PARM_DESC(probing, "wait, succeed or fail");

static bool removing;
module_param(removing, bool, 0644);
MODULE_PARM_DESC(removing, "remove() waits at its end");

static bool own_rescind;
static struct hv_device *device;	/* the last one that was probed */

#define TR_RAW_RING	(4 * PAGE_SIZE)

static struct hv_vmbus_device_id ids[2];

static void tr_rescinded(struct vmbus_channel *channel)
{
	rescinds++;
	vmbus_device_unregister(channel->device_obj);
}

static int tr_own_rescind(const char *val, const struct kernel_param *kp)
{
	int ret = param_set_bool(val, kp);

	if (!ret && device)
		vmbus_set_chn_rescind_callback(device->channel, own_rescind ?
					       tr_rescinded : NULL);
	return ret;
}

static const struct kernel_param_ops tr_own_rescind_ops = {
	.set = tr_own_rescind,
	.get = param_get_bool,
};
module_param_cb(own_rescind, &tr_own_rescind_ops, &own_rescind, 0644);
MODULE_PARM_DESC(own_rescind, "set a rescind callback of this driver's");

static void tr_onchannel(void *context)
{
	struct hv_device *hdev = context;
	u64 id;
	u32 len;
	u8 buf[64];

	while (!vmbus_recvpacket(hdev->channel, buf, sizeof(buf), &len, &id) &&
	       len)
		received++;
}

static int tr_ping(const char *val, const struct kernel_param *kp)
{
	u8 buf[16] = {};

	if (!raw || !device)
		return -ENODEV;
	return vmbus_sendpacket(device->channel, buf, sizeof(buf), 0,
				VM_PKT_DATA_INBAND, 0);
}

static const struct kernel_param_ops tr_ping_ops = { .set = tr_ping };
module_param_cb(ping, &tr_ping_ops, NULL, 0200);
MODULE_PARM_DESC(ping, "send a packet on a raw device");

static const char *channel_name(const struct hv_device *hdev,
				char name[TR_NAME_MAX])
{
	const u8 *b = hdev->dev_instance.b;

	snprintf(name, TR_NAME_MAX, "own%u", b[14] << 8 | b[15]);
	return name;
}

static bool probing_is(const char *what)
{
	bool is;

	kernel_param_lock(THIS_MODULE);
	is = sysfs_streq(probing, what);
	kernel_param_unlock(THIS_MODULE);
	return is;
}

static int tr_probe(struct hv_device *hdev, const struct hv_vmbus_device_id *id)
{
	char name[TR_NAME_MAX];
	int ret;

	while (probing_is("wait"))
		msleep(20);
	if (probing_is("fail"))
		return -EIO;
	if (raw) {
		ret = vmbus_open(hdev->channel, TR_RAW_RING, TR_RAW_RING, NULL,
				 0, tr_onchannel, hdev);
		if (ret)
			return ret;
	}
	ret = tr_attach(channel_name(hdev, name), &hdev->device, devm);
	if (ret) {
		if (raw)
			vmbus_close(hdev->channel);
		return ret;
	}
	if (own_rescind)
		vmbus_set_chn_rescind_callback(hdev->channel, tr_rescinded);
	device = hdev;
	return 0;
}

static void tr_remove(struct hv_device *hdev)
{
	struct vmbus_channel *channel = hdev->channel;
	char name[TR_NAME_MAX];

	device = NULL;
	tr_detach(channel_name(hdev, name));
	kept = channel->chn_rescind_callback ==
		(own_rescind ? tr_rescinded : NULL) &&
	       channel->callback_mode == HV_CALL_BATCHED;
	if (raw)
		vmbus_close(channel);
	vmbus_set_chn_rescind_callback(channel, NULL);
	while (READ_ONCE(removing))
		msleep(20);
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
	if (kmcl_guid_parse(class, &ids[0].guid)) {
		pr_err("class: \"%s\" is not a GUID: " KMCL_GUID_FORM "\n",
		       class ?: "");
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
