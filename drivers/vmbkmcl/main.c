// SPDX-License-Identifier: GPL-2.0
/*
 * The module: init and exit, in process context, without a lock.
 */
#include <linux/module.h>
#include <linux/workqueue.h>

#include "channel.h"
#include "face.h"

static int __init kmcl_init(void)
{
	const unsigned int flags = WQ_UNBOUND | WQ_MEM_RECLAIM;

	kmcl_wq = alloc_workqueue("vmbkmcl", flags, WQ_MAX_ACTIVE);
	if (!kmcl_wq)
		return -ENOMEM;
	/* A client's work item can wait for a server's: two workqueues */
	kmcl_server_wq = alloc_workqueue("vmbkmcl_server", flags, WQ_MAX_ACTIVE);
	if (!kmcl_server_wq) {
		destroy_workqueue(kmcl_wq);
		return -ENOMEM;
	}
	kmcl_loopback_init();
	kmcl_debugfs_init();
	return 0;
}

static void __exit kmcl_exit(void)
{
	kmcl_debugfs_exit();
	destroy_workqueue(kmcl_server_wq);
	destroy_workqueue(kmcl_wq);
}

subsys_initcall(kmcl_init);
module_exit(kmcl_exit);

MODULE_DESCRIPTION("VMBus Kernel Mode Client Library");
MODULE_LICENSE("GPL");
