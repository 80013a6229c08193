// SPDX-License-Identifier: GPL-2.0
/*
 * Settings for servers only.
 *
 * Setters need a disabled channel and write without a lock, as in settings.c.
 * Everything here may sleep.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/once_lite.h>

#include "channel.h"
#include "face.h"

#define KMCL_SERVER_FLAGS	(KMCL_SERVER_LOOPBACK | KMCL_SERVER_ENUMERATE | \
				 KMCL_SERVER_OFFER_AS_PIPE | \
				 KMCL_SERVER_FORCE_NEW | KMCL_SERVER_TLNPI)
#define KMCL_MAX_VTL		15

/* May a server's setter be called? 0 or a negative errno */
static int server_settable(struct kmcl_channel *ch)
{
	if (!kmcl_settable(ch))
		return -EBUSY;
	return ch->server ? 0 : -EINVAL;
}

/**
 * kmcl_server_set_flags() - set how a server is offered
 *	(VmbServerChannelInitSetFlags)
 * @ch: the server channel, disabled
 * @flags: KMCL_SERVER_*, instead of what was set before
 *
 * KMCL_SERVER_LOOPBACK: offer to this machine, which is always done.
 * KMCL_SERVER_ENUMERATE, KMCL_SERVER_TLNPI: flags in the offer.
 * KMCL_SERVER_OFFER_AS_PIPE: pipe mode, see kmcl_set_flags().
 * KMCL_SERVER_FORCE_NEW: restored packets in flight end, see
 * kmcl_packet_restore(); the offer is a new one after each enable anyway.
 *
 * Context: may sleep.
 * Return: 0; -EBUSY: not disabled, or packets exist and the mode would change;
 * -EINVAL: a client, or unknown flags.
 */
int kmcl_server_set_flags(struct kmcl_channel *ch, u32 flags)
{
	int ret = server_settable(ch);

	if (ret)
		return ret;
	if (flags & ~KMCL_SERVER_FLAGS)
		return -EINVAL;
	return kmcl_set_pipe(ch, ch->cfg.flags, flags);
}
EXPORT_SYMBOL_GPL(kmcl_server_set_flags);

/**
 * kmcl_server_set_mmio() - set the memory-mapped I/O in the offer
 *	(VmbServerChannelInitSetMmioMegabytes)
 * @ch: the server channel, disabled
 * @mb: MiB that are required
 * @mb_optional: MiB that are optional
 *
 * A hint in the offer. No client of the loopback bus has such memory.
 *
 * Context: may sleep.
 * Return: 0; -EBUSY: not disabled; -EINVAL: a client, or both are 0.
 */
int kmcl_server_set_mmio(struct kmcl_channel *ch, u16 mb, u16 mb_optional)
{
	int ret = server_settable(ch);

	if (ret)
		return ret;
	if (!mb && !mb_optional)
		return -EINVAL;
	ch->cfg.mmio_mb = mb;
	ch->cfg.mmio_mb_optional = mb_optional;
	return 0;
}
EXPORT_SYMBOL_GPL(kmcl_server_set_mmio);

/**
 * kmcl_server_set_save_restore() - set the save and restore callbacks
 *	(VmbServerChannelInitSetSaveRestorePacketCallbacks)
 * @ch: the server channel, disabled
 * @save: called for each packet by kmcl_save_continue(); NULL: the driver has
 *	nothing to save
 * @restore: called for each packet by kmcl_restore(); NULL: an image with
 *	packets cannot be restored
 *
 * Context: may sleep.
 * Return: 0; -EBUSY: not disabled; -EINVAL: a client.
 */
int kmcl_server_set_save_restore(struct kmcl_channel *ch, kmcl_save_fn save,
				 kmcl_restore_fn restore)
{
	int ret = server_settable(ch);

	if (ret)
		return ret;
	ch->cfg.save_packet = save;
	ch->cfg.restore_packet = restore;
	return 0;
}
EXPORT_SYMBOL_GPL(kmcl_server_set_save_restore);

/**
 * kmcl_server_set_vtl() - set the virtual trust level of clients
 *	(VmbServerChannelInitSetTargetVtl)
 * @ch: the server channel, disabled
 * @vtl: 0, the level of this kernel and its clients
 *
 * Context: may sleep.
 * Return: 0; -EBUSY: not disabled; -EINVAL: a client, or above 15, the last
 * level; -EOPNOTSUPP: a level that Linux has no clients in.
 */
int kmcl_server_set_vtl(struct kmcl_channel *ch, u8 vtl)
{
	int ret = server_settable(ch);

	if (ret)
		return ret;
	if (vtl > KMCL_MAX_VTL)
		return -EINVAL;
	if (!vtl)
		return 0;
	DO_ONCE_LITE(pr_debug, "%s: virtual trust levels other than 0 are not supported\n",
		     kmcl_name(ch));
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL_GPL(kmcl_server_set_vtl);

/**
 * kmcl_server_set_bus() - set the virtual machine to offer to
 *	(VmbServerChannelInitSetVmbusHandle)
 * @ch: the server channel, disabled
 * @handle: a bus of a virtual machine's worker process, which Linux does not
 *	have
 *
 * Always fails: servers are offered on the kernel's one loopback bus.
 *
 * Context: may sleep.
 * Return: -EBUSY: not disabled; -EINVAL: a client;
 * -EBADF: NULL; else -EOPNOTSUPP.
 */
int kmcl_server_set_bus(struct kmcl_channel *ch, void *handle)
{
	int ret = server_settable(ch);

	if (ret)
		return ret;
	if (!handle)
		return -EBADF;
	DO_ONCE_LITE(pr_debug, "%s: handles of a virtual machine's bus are not supported\n",
		     kmcl_name(ch));
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL_GPL(kmcl_server_set_bus);
