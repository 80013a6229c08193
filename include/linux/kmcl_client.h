/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Create channels from a description, and send without a packet of one's own.
 *
 * Included by <linux/kmcl.h>. A description is a constant of the driver's; a
 * field that it leaves zero has the default. The functions copy what they need.
 */
#ifndef _LINUX_KMCL_CLIENT_H
#define _LINUX_KMCL_CLIENT_H

#include <linux/err.h>
#include <linux/init.h>

/**
 * struct kmcl_client - describe a client channel
 * @name: for messages and sysfs; NULL: "unnamed"
 * @type: class GUID of the device; all zero: the device is the parent, which
 *	must be one of the VMBus
 * @instance: instance GUID of the device; NULL: any of the class
 * @flags: %KMCL_INIT_PIPE: pipe mode, see kmcl_set_flags();
 *	%KMCL_INIT_GIVE_BACK: leave the device to other drivers when the channel
 *	is disabled or freed, see there; %KMCL_INIT_PROCESS_CONTEXT: @process may
 *	sleep
 * @packet_bytes: most bytes of payload in a packet, in either direction, up to
 *	%KMCL_PACKET_SIZE_MAX; 0: 4096
 * @context_bytes: driver data with each incoming packet, for
 *	kmcl_context_priv(), up to 65536
 * @external_bytes: most bytes of external data with one packet; 0: 128 KiB
 * @external_ranges: most ranges of external data with one packet, that is,
 *	descriptions in a chain; 0: 32
 * @tx_ring_bytes: size of the outgoing ring as for vmbus_open(), its control
 *	page included, up to 1 GiB. Rounded up to pages of 4 KiB, and raised
 *	where two of the largest packets would not fit; 0: 20 KiB or more. Less
 *	if there is no block of memory for it, see kmcl_set_ring_pages()
 * @rx_ring_bytes: the same for the incoming ring
 * @quota: most incoming packets that are outstanding at a time; 0: no limit
 * @memory_bytes: most bytes that incoming packets use, see
 *	kmcl_set_memory_limit(); 0: 16 MiB
 * @opened: see &struct kmcl_channel_ops
 * @closed: see there
 * @suspend: see there
 * @started: see there
 * @post_started: see there
 * @hibernate: see there
 * @process: called for each incoming packet; NULL: it is completed without data
 * @processed: called when delivery stops, or NULL; needs @process
 * @failure: called when the device is there and cannot be opened, or NULL
 *
 * Usually static and const. kmcl_client_create() creates a channel from it.
 */
struct kmcl_client {
	const char *name;
	guid_t type;
	const guid_t *instance;
	u32 flags;
	u32 packet_bytes;
	u32 context_bytes;
	u32 external_bytes;
	u32 external_ranges;
	u32 tx_ring_bytes;
	u32 rx_ring_bytes;
	u32 quota;
	u32 memory_bytes;

	int (*opened)(struct kmcl_channel *ch);
	void (*closed)(struct kmcl_channel *ch);
	void (*suspend)(struct kmcl_channel *ch);
	void (*started)(struct kmcl_channel *ch);
	void (*post_started)(struct kmcl_channel *ch);
	int (*hibernate)(struct kmcl_channel *ch);

	kmcl_process_fn process;
	kmcl_processed_fn processed;
	kmcl_pnp_failure_fn failure;
};

/**
 * struct kmcl_server - describe a server channel
 * @name: for messages and sysfs; NULL: "unnamed"
 * @type: class GUID that it offers
 * @instance: instance GUID that it offers; not NULL
 * @flags: as in &struct kmcl_client, but without %KMCL_INIT_GIVE_BACK
 * @packet_bytes: as there
 * @context_bytes: as there
 * @external_bytes: as there, for what it accepts
 * @external_ranges: as there, for what it accepts
 * @quota: as there
 * @memory_bytes: as there
 * @server_flags: %KMCL_SERVER_LOOPBACK and so on, see kmcl_server_set_flags()
 * @mmio_mb: MiB of memory-mapped I/O that a client has to reserve
 * @mmio_mb_optional: MiB that a client may reserve in addition
 * @opened: see &struct kmcl_channel_ops
 * @closed: see there
 * @suspend: see there
 * @started: see there
 * @post_started: see there
 * @process: called for each incoming packet; NULL: it is completed without data
 * @processed: called when delivery stops, or NULL; needs @process
 * @save: called for each packet by kmcl_save_continue(), or NULL
 * @restore: called for each packet by kmcl_restore(), or NULL
 *
 * Usually static and const. kmcl_server_create() creates a channel from it. The
 * client sets the size of the rings.
 */
struct kmcl_server {
	const char *name;
	guid_t type;
	const guid_t *instance;
	u32 flags;
	u32 packet_bytes;
	u32 context_bytes;
	u32 external_bytes;
	u32 external_ranges;
	u32 quota;
	u32 memory_bytes;
	u32 server_flags;
	u16 mmio_mb;
	u16 mmio_mb_optional;

	int (*opened)(struct kmcl_channel *ch);
	void (*closed)(struct kmcl_channel *ch);
	void (*suspend)(struct kmcl_channel *ch);
	void (*started)(struct kmcl_channel *ch);
	void (*post_started)(struct kmcl_channel *ch);

	kmcl_process_fn process;
	kmcl_processed_fn processed;
	kmcl_save_fn save;
	kmcl_restore_fn restore;
};

struct kmcl_channel *kmcl_client_create(struct device *parent,
					const struct kmcl_client *client,
					void *priv);
struct kmcl_channel *devm_kmcl_client_create(struct device *parent,
					     const struct kmcl_client *client,
					     void *priv);
struct kmcl_channel *kmcl_server_create(struct device *parent,
					const struct kmcl_server *server,
					void *priv);
int kmcl_send_buf(struct kmcl_channel *ch, const void *buf, u32 len);

/**
 * module_kmcl_client() - define the module's init and exit for one client
 * @__client: name of the &struct kmcl_client, whose @type has to be set
 *
 * For modules that do nothing else when they are loaded and unloaded: loading
 * creates and enables the channel, unloading disables and frees it. Replaces
 * module_init() and module_exit(), and can be used once in a module. Has modprobe
 * load the transport to hv_vmbus first; where that cannot be loaded the client
 * is loaded without it. modprobe uses one MODULE_SOFTDEP() of a module: one that
 * needs others, too, does without this macro, and names all in one line.
 *
 * MODULE_DEVICE_TABLE(vmbus, ...) in addition has udev load the module when a
 * device of the class is offered.
 */
#define module_kmcl_client(__client)					\
static struct kmcl_channel *__client##_channel;				\
									\
static int __init __client##_init(void)					\
{									\
	int ret;							\
									\
	__client##_channel = kmcl_client_create(NULL, &(__client), NULL); \
	if (IS_ERR(__client##_channel))					\
		return PTR_ERR(__client##_channel);			\
	ret = kmcl_channel_enable(__client##_channel);			\
	if (ret)							\
		kmcl_channel_free(__client##_channel);			\
	return ret;							\
}									\
module_init(__client##_init);						\
									\
static void __exit __client##_exit(void)				\
{									\
	kmcl_channel_disable(__client##_channel);			\
	kmcl_channel_free(__client##_channel);				\
}									\
module_exit(__client##_exit);						\
									\
MODULE_SOFTDEP("pre: vmbkmcl_hv")

#endif
