// SPDX-License-Identifier: GPL-2.0
/*
 * The hv_vmbus transport of vmbkmcl: module init and exit.
 *
 * Both run in process context and take no lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/kmcl.h>
#include <linux/module.h>

#include "kmcl_compat_hv.h"
#include "hv.h"

static const struct kmcl_transport_ops kmcl_hv_ops = {
	.name = "hv",
	.watch = kmcl_hv_watch,
	.unwatch = kmcl_hv_unwatch,
	.look = kmcl_hv_look,
	.settle = kmcl_hv_settle,
	.adopt = kmcl_hv_adopt,
	.disown = kmcl_hv_disown,
	.open = kmcl_hv_open,
	.close = kmcl_hv_close,
	.release = kmcl_hv_release,
	.give_back = kmcl_hv_give_back,
	.signal = kmcl_hv_signal,
	.gpadl_create = kmcl_hv_gpadl_create,
	.gpadl_destroy = kmcl_hv_gpadl_destroy,
	.gpadls_first = kmcl_hv_gpadls_first,
	.private = kmcl_hv_private,
	.full = kmcl_hv_full,
	.flags = kmcl_hv_flags,
	.mmio = kmcl_hv_mmio,
	.mmio_free = kmcl_hv_mmio_free,
};

static int __init kmcl_hv_init(void)
{
	int ret;

	/* A built-in hv_vmbus is present without a host, too */
	if (!vmbus_proto_version) {
		pr_err("no VMBus here: this needs a guest of Hyper-V\n");
		return -ENODEV;
	}

	ret = kmcl_hv_bindings_init(&kmcl_hv_ops);
	if (ret)
		return ret;
	ret = kmcl_hv_classes_init();
	if (ret)
		goto exit_bindings;

	ret = kmcl_transport_register(&kmcl_hv_ops);
	if (ret == -EBUSY)
		pr_err("vmbkmcl already has a transport besides loopback\n");
	else if (ret)
		pr_err("vmbkmcl refused the transport: error %d\n", ret);
	if (!ret)
		return 0;

	kmcl_hv_classes_exit();
exit_bindings:
	kmcl_hv_bindings_exit();
	return ret;
}

static void __exit kmcl_hv_exit(void)
{
	/* Unwatches every class, which removes every device */
	kmcl_transport_unregister(&kmcl_hv_ops);
	kmcl_hv_classes_exit();
	kmcl_hv_bindings_exit();
}

module_init(kmcl_hv_init);
module_exit(kmcl_hv_exit);

MODULE_DESCRIPTION("VMBus Kernel Mode Client Library: hv_vmbus transport");
MODULE_AUTHOR("The vmbkmcl authors");
MODULE_VERSION(KMCL_VERSION);
MODULE_LICENSE("GPL");
/* driverctl loads the module of a driver's name, and ours have a class in theirs */
MODULE_ALIAS("vmbkmcl-*");
