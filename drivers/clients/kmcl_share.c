// SPDX-License-Identifier: GPL-2.0
/*
 * kmcl_share: memory that a client and a server share, over the loopback bus.
 *
 * The client shares memory, the store, with the server: a GPADL, for as
 * long as the channel is open. The client writes into the store and reads from
 * it with synchronous requests whose data are described by struct kmcl_mdl and go
 * with the packet as external data, without being copied through the ring. It
 * needs no hypervisor; /sys/module/kmcl_share/parameters/right counts requests
 * whose data were found where they belong, wrong counts the rest.
 *
 * The server maps the store piece by piece, since the description of a GPADL may have
 * several. With the module's parameter scatter, the store's frames of 4 KiB are shared
 * in reverse order: then each is a piece where the kernel's pages are larger, because a
 * page can only be mapped as a whole. With skip, the store begins inside of a page.
 *
 * The server asks for its packets in process context, because it maps memory.
 * State callbacks, and with it the whole client, run in process context anyway.
 * The server's data are used by its own callbacks alone, which never overlap.
 */
#define pr_fmt(fmt)	KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/kmcl.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/time64.h>
#include <linux/vmalloc.h>

#define STORE_BYTES	65536U
#define STORE_FRAMES	(STORE_BYTES / KMCL_PFN_SIZE)
#define DATA_BYTES	12000U	/* of one request, in two pieces */
#define FIRST_PIECE	5000U
#define TIME_LIMIT	(10 * NSEC_PER_SEC)

static unsigned int rounds = 16;
module_param(rounds, uint, 0444);
MODULE_PARM_DESC(rounds, "times that data are written and read back");

static bool scatter;
module_param(scatter, bool, 0444);
MODULE_PARM_DESC(scatter, "share the store's frames of 4 KiB in reverse order");

static unsigned int skip;
module_param(skip, uint, 0444);
MODULE_PARM_DESC(skip, "frames of 4 KiB in front of the store, at most 15");

static unsigned int pieces;
module_param(pieces, uint, 0444);
MODULE_PARM_DESC(pieces, "pieces in which the server has mapped the store");

static unsigned int right;
module_param(right, uint, 0444);
MODULE_PARM_DESC(right, "requests whose data were where they belong");

static unsigned int wrong;
module_param(wrong, uint, 0444);
MODULE_PARM_DESC(wrong, "requests that failed, or moved something else");

#define SHARE_CLASS	GUID_INIT(0x5a8c0d6e, 0x1f0b, 0x4c1c, \
				  0x8d, 0x34, 0x2b, 0x0f, 0x9c, 0x6a, 0xd7, 0x11)
static const guid_t share_instance =
	GUID_INIT(0x5a8c0d6e, 0x1f0b, 0x4c1c,
		  0x8d, 0x34, 0x2b, 0x0f, 0x9c, 0x6a, 0xd7, 0x12);

enum share_operation {
	SHARE_MAP = 1,		/* the GPADL, once per opening */
	SHARE_WRITE,		/* external data into the store */
	SHARE_READ,		/* the store into external data */
};

/* What the client sends; the offset is one in the store */
struct share_request {
	u32 operation;
	u32 gpadl;
	u32 offset;
	u32 bytes;
};

/* What the server completes it with */
struct share_reply {
	s32 error;		/* 0 or a negative errno */
	u32 bytes;
};

static DECLARE_COMPLETION(share_done);

/* The server, and the store as it has mapped it */
static struct kmcl_channel *share_server;
static u32 mapped_gpadl;
static struct kmcl_mdl *mapped_mdl;

/* The client, and the store, in its memory */
static struct kmcl_channel *share_client;
static u32 store_gpadl;
static void *store_memory;
static u8 *store;
static u8 *share_data;		/* what it writes there, and reads back */

/* The pages stay the client's: mapped here, and unmapped before it has them */
static int share_server_map(struct kmcl_channel *ch, u32 gpadl)
{
	struct kmcl_mdl *piece;
	int ret;

	if (mapped_mdl)
		return -EBUSY;
	ret = kmcl_gpadl_map(ch, 0, gpadl, &mapped_mdl);
	if (ret)
		return ret;

	mapped_gpadl = gpadl;
	pieces = 0;
	for (piece = mapped_mdl; piece && kmcl_mdl_map(piece); piece = piece->next)
		pieces++;
	if (!piece && kmcl_mdl_total(mapped_mdl) == STORE_BYTES)
		return 0;
	kmcl_gpadl_unmap(ch, gpadl);
	mapped_mdl = NULL;
	return -ENOMEM;
}

static void share_server_closed(struct kmcl_channel *ch)
{
	if (!mapped_mdl)
		return;
	kmcl_gpadl_unmap(ch, mapped_gpadl);
	mapped_mdl = NULL;
}

/* Between the store and the client's memory, each of which may have several pieces */
static int share_server_move(const struct kmcl_mdl *mdl,
			     const struct share_request *request)
{
	u32 n, done = 0, at = request->offset;
	struct kmcl_mdl *piece = mapped_mdl;
	int ret;
	u8 *p;

	if (!piece || request->bytes > STORE_BYTES ||
	    request->offset > STORE_BYTES - request->bytes)
		return -EINVAL;
	for (; done < request->bytes; piece = piece->next) {
		if (at >= piece->bytes) {
			at -= piece->bytes;
			continue;
		}
		n = min(piece->bytes - at, request->bytes - done);
		/* It is mapped: this returns the same address again */
		p = (u8 *)kmcl_mdl_map(piece) + at;
		ret = request->operation == SHARE_WRITE ?
			kmcl_mdl_read(mdl, done, p, n) :
			kmcl_mdl_write(mdl, done, p, n);
		if (ret)
			return ret;
		done += n;
		at = 0;
	}
	return 0;
}

static void share_server_process(struct kmcl_channel *ch,
				 struct kmcl_context *ctx, void *buf, u32 len,
				 u32 flags)
{
	struct share_reply reply = { .error = -EINVAL };
	struct share_request request;
	struct kmcl_mdl *mdl;

	/* The buffer is a copy, which the client cannot change any more */
	if (len < sizeof(request))
		goto complete;
	memcpy(&request, buf, sizeof(request));

	switch (request.operation) {
	case SHARE_MAP:
		reply.error = share_server_map(ch, request.gpadl);
		break;
	case SHARE_WRITE:
	case SHARE_READ:
		if (!(flags & KMCL_PACKET_EXTERNAL))
			break;
		reply.error = kmcl_packet_external(ctx, 0, &mdl);
		/* This callback will be called again */
		if (reply.error == -EINPROGRESS)
			return;
		if (!reply.error)
			reply.error = share_server_move(mdl, &request);
		break;
	}
	if (!reply.error)
		reply.bytes = request.bytes;
complete:
	/* The chain is gone from here on */
	kmcl_complete(ctx, &reply, sizeof(reply));
}

static int share_ask(struct kmcl_channel *ch,
		     const struct share_request *request,
		     const struct kmcl_mdl *mdl)
{
	struct share_reply reply = {};
	u32 len = sizeof(reply);
	int ret;

	ret = kmcl_send_sync_mdl(ch, request, sizeof(*request), mdl,
				 KMCL_SEND_WAIT, &reply, &len, TIME_LIMIT);
	if (ret)
		return ret;
	return len == sizeof(reply) ? reply.error : -EPROTO;
}

/* Are the data in the store, at this offset of what is shared? */
static bool share_stored(u32 offset, const u8 *data)
{
	u32 i, frame;

	for (i = 0; i < DATA_BYTES; i++, offset++) {
		frame = offset / KMCL_PFN_SIZE;
		if (scatter)
			frame = STORE_FRAMES - 1 - frame;
		if (store[frame * KMCL_PFN_SIZE + offset % KMCL_PFN_SIZE] != data[i])
			return false;
	}
	return true;
}

/* Write data into the store, look for them there, and read them back */
static bool share_round(struct kmcl_channel *ch, u32 round)
{
	u8 *data = share_data, *copy = share_data + DATA_BYTES;
	struct share_request request = {
		.bytes = DATA_BYTES,
		.offset = round * 3001 % (STORE_BYTES - DATA_BYTES),
	};
	struct kmcl_mdl *out, *more, *in;
	int ret = -ENOMEM;

	memset(data, round + 1, DATA_BYTES);
	memset(copy, 0, DATA_BYTES);
	out = kmcl_mdl_from_buffer(data, FIRST_PIECE, GFP_KERNEL);
	more = kmcl_mdl_from_buffer(data + FIRST_PIECE, DATA_BYTES - FIRST_PIECE,
				    GFP_KERNEL);
	in = kmcl_mdl_from_buffer(copy, DATA_BYTES, GFP_KERNEL);
	if (!out || !more || !in)
		goto free;

	out->next = more;
	request.operation = SHARE_WRITE;
	ret = share_ask(ch, &request, out);
	if (!ret) {
		request.operation = SHARE_READ;
		ret = share_ask(ch, &request, in);
	}
free:
	/*
	 * The descriptions are ours again. The memory is only if the request was
	 * completed: after one that was cancelled, or whose channel is being
	 * closed, the server may use it until that is done.
	 */
	kmcl_mdl_free(out);
	kmcl_mdl_free(more);
	kmcl_mdl_free(in);
	if (ret) {
		pr_err("round %u: error %d\n", round, ret);
		return false;
	}
	return share_stored(request.offset, data) &&
	       !memcmp(copy, data, DATA_BYTES);
}

static int share_scattered(struct kmcl_channel *ch)
{
	struct kmcl_mdl *mdl = kmcl_mdl_from_buffer(store, STORE_BYTES, GFP_KERNEL);
	u32 i;
	int ret;

	if (!mdl)
		return -ENOMEM;
	for (i = 0; i < STORE_FRAMES / 2; i++)
		swap(mdl->pfns[i], mdl->pfns[STORE_FRAMES - 1 - i]);
	ret = kmcl_gpadl_create_mdl(ch, 0, mdl, 0, 0, &store_gpadl);
	kmcl_mdl_free(mdl);
	return ret;
}

/* The link is up, nothing moves yet: the time for what lasts as long as it */
static int share_client_opened(struct kmcl_channel *ch)
{
	return scatter ? share_scattered(ch) :
		kmcl_gpadl_create(ch, 0, store, STORE_BYTES, &store_gpadl);
}

/* The one state callback that may wait for traffic */
static void share_client_post_started(struct kmcl_channel *ch)
{
	struct share_request map = {
		.operation = SHARE_MAP,
		.gpadl = store_gpadl,
	};
	int ret = share_ask(ch, &map, NULL);
	u32 i;

	if (ret)
		pr_err("sharing %u bytes: error %d\n", STORE_BYTES, ret);
	for (i = 0; i < rounds; i++) {
		if (!ret && share_round(ch, i))
			right++;
		else
			wrong++;
	}
	complete(&share_done);
}

/* Waits until the server has unmapped it */
static void share_client_closed(struct kmcl_channel *ch)
{
	kmcl_gpadl_delete(ch, store_gpadl);
	pr_info("closed, %u right, %u wrong\n", right, wrong);
}

static const struct kmcl_server share_server_desc = {
	.name = "share server",
	.type = SHARE_CLASS,
	.instance = &share_instance,
	.flags = KMCL_INIT_PROCESS_CONTEXT,
	.external_bytes = DATA_BYTES,
	.external_ranges = 2,
	.closed = share_server_closed,
	.process = share_server_process,
};

static const struct kmcl_client share_client_desc = {
	.name = "share client",
	.type = SHARE_CLASS,
	.instance = &share_instance,
	.external_bytes = DATA_BYTES,
	.external_ranges = 2,
	.opened = share_client_opened,
	.post_started = share_client_post_started,
	.closed = share_client_closed,
};

/* Shared memory is freed last */
static void share_stop(void)
{
	kmcl_channel_disable(share_client);
	kmcl_channel_free(share_client);
	kmcl_channel_disable(share_server);
	kmcl_channel_free(share_server);
	vfree(store_memory);
	free_pages_exact(share_data, 2 * DATA_BYTES);
}

static int share_start(void)
{
	int ret;

	if (skip > 15)
		return -EINVAL;
	right = 0;
	wrong = 0;
	reinit_completion(&share_done);

	store_memory = vzalloc(skip * KMCL_PFN_SIZE + STORE_BYTES);
	if (!store_memory)
		return -ENOMEM;
	store = (u8 *)store_memory + skip * KMCL_PFN_SIZE;
	share_data = alloc_pages_exact(2 * DATA_BYTES, GFP_KERNEL);
	if (!share_data) {
		ret = -ENOMEM;
		goto free_store;
	}
	share_server = kmcl_server_create(NULL, &share_server_desc, NULL);
	if (IS_ERR(share_server)) {
		ret = PTR_ERR(share_server);
		goto free_data;
	}
	share_client = kmcl_client_create(NULL, &share_client_desc, NULL);
	if (IS_ERR(share_client)) {
		ret = PTR_ERR(share_client);
		goto free_server;
	}

	/* A server is paused until it is started, a client is not */
	ret = kmcl_channel_start(share_server);
	if (!ret)
		ret = kmcl_channel_enable(share_server);
	if (ret)
		goto free_client;
	ret = kmcl_channel_enable(share_client);
	if (ret)
		goto disable_server;

	if (!wait_for_completion_timeout(&share_done, 10 * HZ))
		pr_warn("still waiting for the server\n");
	else
		pr_info("%u right, %u wrong\n", right, wrong);
	return 0;

disable_server:
	kmcl_channel_disable(share_server);
free_client:
	kmcl_channel_free(share_client);
free_server:
	kmcl_channel_free(share_server);
free_data:
	free_pages_exact(share_data, 2 * DATA_BYTES);
free_store:
	vfree(store_memory);
	return ret;
}

module_init(share_start);
module_exit(share_stop);

MODULE_DESCRIPTION("KMCL sample: a client shares memory with a server on the loopback bus");
MODULE_VERSION(KMCL_VERSION);
MODULE_LICENSE("GPL");
