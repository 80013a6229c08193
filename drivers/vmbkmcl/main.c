// SPDX-License-Identifier: GPL-2.0
/*
 * The module: init and exit, in process context, without a lock; and the
 * workqueues.
 *
 * Works that wait for each other are on different workqueues, since one whose
 * limit of works is used up starts no more:
 *
 *	vmbkmcl		the state machines of clients, with their callbacks,
 *			and releasing an offer that no channel uses, which
 *			waits for nothing that runs here
 *	vmbkmcl_server	those of servers; a client that opens waits for them
 *	vmbkmcl_rx	delivery in process context; a state callback, such as
 *			PostStarted, may wait for it
 *	vmbkmcl_hv	in vmbkmcl_hv.ko: the end of a rescind; waits for
 *			hv_vmbus
 *
 * All are unbound, since their works may sleep for as long as a driver or a
 * peer likes. None has WQ_MEM_RECLAIM: the kernel warns when a work of such a
 * workqueue waits for ordinary work, but a callback may flush work, unregister a
 * device, and do whatever else a driver does when its device goes. Nor could a
 * rescuer help: connecting allocates memory. A driver without which memory
 * cannot be freed must have its packets delivered in softirq. None is freezable:
 * when the system hibernates, channels are closed after what is freezable has
 * been frozen.
 */
#include <linux/module.h>
#include <linux/workqueue.h>

#include "channel.h"
#include "face.h"

static int __init kmcl_init(void)
{
	if (kmcl_cache_init())
		return -ENOMEM;
	kmcl_wq = alloc_workqueue("vmbkmcl", WQ_UNBOUND, WQ_MAX_ACTIVE);
	if (!kmcl_wq)
		goto exit_caches;
	kmcl_server_wq = alloc_workqueue("vmbkmcl_server", WQ_UNBOUND,
					 WQ_MAX_ACTIVE);
	if (!kmcl_server_wq)
		goto destroy_wq;
	kmcl_rx_wq = alloc_workqueue("vmbkmcl_rx", WQ_UNBOUND, WQ_MAX_ACTIVE);
	if (!kmcl_rx_wq)
		goto destroy_server_wq;
	if (kmcl_suspend_init())
		goto destroy_rx_wq;
	kmcl_loopback_init();
	kmcl_sysfs_init();
	kmcl_debugfs_init();
	return 0;

destroy_rx_wq:
	destroy_workqueue(kmcl_rx_wq);
destroy_server_wq:
	destroy_workqueue(kmcl_server_wq);
destroy_wq:
	destroy_workqueue(kmcl_wq);
exit_caches:
	kmcl_cache_exit();
	return -ENOMEM;
}

static void __exit kmcl_exit(void)
{
	kmcl_debugfs_exit();
	kmcl_sysfs_exit();
	kmcl_suspend_exit();
	destroy_workqueue(kmcl_rx_wq);
	destroy_workqueue(kmcl_server_wq);
	destroy_workqueue(kmcl_wq);
	kmcl_cache_exit();
}

subsys_initcall(kmcl_init);
module_exit(kmcl_exit);

MODULE_DESCRIPTION("VMBus Kernel Mode Client Library");
MODULE_VERSION(KMCL_VERSION);
MODULE_LICENSE("GPL");
