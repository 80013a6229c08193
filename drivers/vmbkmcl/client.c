// SPDX-License-Identifier: GPL-2.0
/*
 * Channels made from a description, and kmcl_send_buf().
 *
 * No locks: a channel is private to the function that creates it until that
 * returns. Each setter checks the values of its setting; what can have any value
 * is written here. Everything but kmcl_send_buf() may sleep.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/export.h>
#include <linux/sizes.h>

#include "channel.h"
#include "face.h"

/* The default: 16 KiB of data and the control page */
#define RING_BYTES	(SZ_16K + KMCL_PAGE_SIZE)

/* Name the field that a setter refused, and return what it returned */
static int field(const struct kmcl_channel *ch, const char *name, int ret)
{
	if (ret == -EINVAL)
		pr_err("%s: the channel cannot be created: invalid %s\n",
		       kmcl_name(ch), name);
	return ret;
}

static int set_flags(struct kmcl_channel *ch, u32 flags)
{
	kmcl_set_process_context(ch, flags & KMCL_INIT_PROCESS_CONTEXT);
	return kmcl_set_flags(ch, flags & ~KMCL_INIT_PROCESS_CONTEXT);
}

static int set_callbacks(struct kmcl_channel *ch, const struct kmcl_client *c)
{
	ch->cfg.ops = (struct kmcl_channel_ops) {
		.opened = c->opened,
		.closed = c->closed,
		.suspend = c->suspend,
		.started = c->started,
		.post_started = c->post_started,
		.hibernate = c->hibernate,
	};
	/* A channel without a process callback completes packets itself */
	if (!c->process && !c->processed)
		return 0;
	return field(ch, "process",
		     kmcl_set_process(ch, c->process, c->processed));
}

/* What clients and servers have in common */
static int set_common(struct kmcl_channel *ch, const struct kmcl_client *c)
{
	ch->rx.quota = c->quota;
	kmcl_set_memory_limit(ch, c->memory_bytes);
	return kmcl_set_name(ch, c->name) ?:
	       field(ch, "flags", set_flags(ch, c->flags)) ?:
	       field(ch, "packet_bytes",
		     kmcl_set_max_packet_size(ch, c->packet_bytes ?:
					      KMCL_DEFAULT_PACKET_SIZE)) ?:
	       field(ch, "context_bytes",
		     kmcl_set_context_size(ch, c->context_bytes)) ?:
	       kmcl_set_max_external(ch,
				     c->external_bytes ?: KMCL_DEFAULT_EXT_DATA,
				     c->external_ranges ?:
				     KMCL_DEFAULT_EXT_CHAIN) ?:
	       set_callbacks(ch, c);
}

static int set_rings(struct kmcl_channel *ch, const struct kmcl_client *c)
{
	u32 rx = c->rx_ring_bytes ?: RING_BYTES;
	u32 tx = c->tx_ring_bytes ?: RING_BYTES;

	/* Checked here: the setter does not say which of the two is wrong */
	if (rx > SZ_1G)
		return field(ch, "rx_ring_bytes", -EINVAL);
	if (tx > SZ_1G)
		return field(ch, "tx_ring_bytes", -EINVAL);
	return kmcl_set_ring_pages(ch, DIV_ROUND_UP(rx, KMCL_PAGE_SIZE),
				   DIV_ROUND_UP(tx, KMCL_PAGE_SIZE));
}

/* Without a class the client binds to its parent, which enable adopts */
static int set_device(struct kmcl_channel *ch, const struct kmcl_client *c)
{
	if (!guid_is_null(&c->type))
		return kmcl_set_target(ch, &c->type, c->instance, c->failure);
	if (!kmcl_has_vmbus_parent(ch))
		return field(ch, "type", -EINVAL);
	if (c->instance)
		return field(ch, "instance", -EINVAL);
	ch->cfg.pnp_failure = c->failure;
	return 0;
}

static struct kmcl_channel *created(struct kmcl_channel *ch, int ret)
{
	if (!ret)
		return ch;
	kmcl_channel_free(ch);
	return ERR_PTR(ret);
}

/**
 * kmcl_client_create() - create a client channel from its description
 * @parent: device that the channel belongs to; referenced until
 *	kmcl_channel_free(); may be NULL if @client names a class. If it names
 *	none, the channel binds to @parent, which must be a VMBus device; its
 *	driver should call devm_kmcl_client_create() instead
 * @client: copied, with what it points to
 * @priv: pointer of the driver, for kmcl_get_pointer()
 *
 * Does the same as kmcl_channel_alloc(), kmcl_set_pointer(), kmcl_set_name(),
 * kmcl_set_flags(), kmcl_set_process_context(), kmcl_set_max_packet_size(),
 * kmcl_set_context_size(), kmcl_set_max_external(), kmcl_set_ring_pages(),
 * kmcl_set_quota(), kmcl_set_memory_limit(), kmcl_set_ops(), kmcl_set_process()
 * and kmcl_set_target().
 *
 * Context: may sleep.
 * Return: the channel, disabled, the caller's until kmcl_channel_free(), or an
 * ERR_PTR: -EINVAL: no @client, or a field of it that the kernel's log names;
 * -ENOMEM.
 */
struct kmcl_channel *kmcl_client_create(struct device *parent,
					const struct kmcl_client *client,
					void *priv)
{
	struct kmcl_channel *ch;
	int ret;

	if (!client)
		return ERR_PTR(-EINVAL);
	ret = kmcl_channel_alloc(parent, false, &ch);
	if (ret)
		return ERR_PTR(ret);

	kmcl_set_pointer(ch, priv);
	ret = set_common(ch, client) ?:
	      set_rings(ch, client) ?:
	      set_device(ch, client);
	return created(ch, ret);
}
EXPORT_SYMBOL_GPL(kmcl_client_create);

static void disable_and_free(void *data)
{
	struct kmcl_channel *ch = data;

	kmcl_channel_disable(ch);
	kmcl_channel_free(ch);
}

/**
 * devm_kmcl_client_create() - create a client channel that ends with its parent
 * @parent: device whose driver calls this, from its probe function as a rule
 * @client: see kmcl_client_create()
 * @priv: see there; must stay valid until the channel is freed
 *
 * The channel is disabled and freed when the driver is detached from @parent,
 * after its remove function. What the channel's callbacks use must be valid
 * until then, for instance because it was allocated before, with devm. The
 * driver enables the channel, and may disable it, but does not free it.
 *
 * Context: may sleep.
 * Return: the channel, disabled, or an ERR_PTR: -EINVAL, also without a
 * @parent; -ENOMEM.
 */
struct kmcl_channel *devm_kmcl_client_create(struct device *parent,
					     const struct kmcl_client *client,
					     void *priv)
{
	struct kmcl_channel *ch;
	int ret;

	if (!parent)
		return ERR_PTR(-EINVAL);
	ch = kmcl_client_create(parent, client, priv);
	if (IS_ERR(ch))
		return ch;
	ret = devm_add_action_or_reset(parent, disable_and_free, ch);
	return ret ? ERR_PTR(ret) : ch;
}
EXPORT_SYMBOL_GPL(devm_kmcl_client_create);

static int set_server(struct kmcl_channel *ch, const struct kmcl_server *s)
{
	int ret;

	if (guid_is_null(&s->type))
		return field(ch, "type", -EINVAL);
	ret = field(ch, "instance",
		    kmcl_server_set_target(ch, &s->type, s->instance)) ?:
	      field(ch, "server_flags",
		    kmcl_server_set_flags(ch, s->server_flags)) ?:
	      kmcl_server_set_save_restore(ch, s->save, s->restore);
	if (!ret && (s->mmio_mb || s->mmio_mb_optional))
		ret = kmcl_server_set_mmio(ch, s->mmio_mb, s->mmio_mb_optional);
	return ret;
}

/**
 * kmcl_server_create() - create a server channel from its description
 * @parent: device that the channel belongs to; referenced until
 *	kmcl_channel_free(); may be NULL
 * @server: copied, with what it points to
 * @priv: pointer of the driver, for kmcl_get_pointer()
 *
 * Does the same as kmcl_client_create(), except for kmcl_set_ring_pages() and
 * kmcl_set_target(), and as kmcl_server_set_target(), kmcl_server_set_flags(),
 * kmcl_server_set_mmio() and kmcl_server_set_save_restore(). Like any server
 * the channel is paused once it is open, until kmcl_channel_start().
 *
 * Context: may sleep.
 * Return: the channel, disabled, the caller's until kmcl_channel_free(), or an
 * ERR_PTR: -EINVAL: no @server, or a field of it that the kernel's log names;
 * -ENOMEM.
 */
struct kmcl_channel *kmcl_server_create(struct device *parent,
					const struct kmcl_server *server,
					void *priv)
{
	struct kmcl_client common;
	struct kmcl_channel *ch;
	int ret;

	if (!server)
		return ERR_PTR(-EINVAL);
	common = (struct kmcl_client){
		.name = server->name,
		.flags = server->flags,
		.packet_bytes = server->packet_bytes,
		.context_bytes = server->context_bytes,
		.external_bytes = server->external_bytes,
		.external_ranges = server->external_ranges,
		.quota = server->quota,
		.memory_bytes = server->memory_bytes,
		.opened = server->opened,
		.closed = server->closed,
		.suspend = server->suspend,
		.started = server->started,
		.post_started = server->post_started,
		.process = server->process,
		.processed = server->processed,
	};
	ret = kmcl_channel_alloc(parent, true, &ch);
	if (ret)
		return ERR_PTR(ret);

	kmcl_set_pointer(ch, priv);
	ret = set_common(ch, &common) ?: set_server(ch, server);
	return created(ch, ret);
}
EXPORT_SYMBOL_GPL(kmcl_server_create);

/**
 * kmcl_send_buf() - send a buffer without a completion routine
 * @ch: the channel
 * @buf: payload; copied before the call returns
 * @len: bytes of payload, at most the channel's packet size; 0 is allowed
 *
 * Does the same as kmcl_packet_alloc() and kmcl_send() without flags, and
 * kmcl_packet_free() if that fails.
 *
 * Context: atomic.
 * Return: 0: accepted. Not accepted: -ENOMEM; -EINVAL: no buffer; -EMSGSIZE:
 * @len is above the packet size; -ENODEV: the channel is being freed.
 */
int kmcl_send_buf(struct kmcl_channel *ch, const void *buf, u32 len)
{
	struct kmcl_packet *pkt = kmcl_packet_alloc(ch);
	int ret;

	if (!pkt)
		return -ENOMEM;
	ret = kmcl_send(pkt, buf, len, 0);
	if (ret)
		kmcl_packet_free(pkt);
	return ret;
}
EXPORT_SYMBOL_GPL(kmcl_send_buf);
