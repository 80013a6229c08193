// SPDX-License-Identifier: GPL-2.0
/*
 * kmcl_echo: a client and a server in one module, over the loopback bus.
 *
 * The smallest use of KMCL that shows both endpoints. It needs no hypervisor:
 * loading it offers a device, opens it, sends messages, and compares what comes
 * back. /sys/module/kmcl_echo/parameters/echoed counts what was right, wrong
 * counts the rest.
 *
 * State callbacks run in process context and may sleep; the process callback and
 * completion routines may run in softirq context. echo_lock protects the
 * counters, which both change.
 */
#define pr_fmt(fmt)	KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/kmcl.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/spinlock.h>

/* All of them wait in the client's queue */
#define MESSAGES_MAX	100000U

static unsigned int messages = 1000;
module_param(messages, uint, 0444);
MODULE_PARM_DESC(messages, "messages that the client sends once it runs");

static unsigned int echoed;
module_param(echoed, uint, 0444);
MODULE_PARM_DESC(echoed, "messages that came back as they were sent");

static unsigned int wrong;
module_param(wrong, uint, 0444);
MODULE_PARM_DESC(wrong, "messages that failed, or came back as something else");

/* The class names the protocol, the instance this one service */
#define ECHO_CLASS	GUID_INIT(0x5a8c0d6e, 0x1f0b, 0x4c1c, \
				  0x8d, 0x34, 0x2b, 0x0f, 0x9c, 0x6a, 0xd7, 0x01)
static const guid_t echo_instance =
	GUID_INIT(0x5a8c0d6e, 0x1f0b, 0x4c1c,
		  0x8d, 0x34, 0x2b, 0x0f, 0x9c, 0x6a, 0xd7, 0x02);

struct echo_message {
	u64 number;
	u64 inverse;
};

static struct kmcl_channel *echo_server;
static struct kmcl_channel *echo_client;
static DECLARE_COMPLETION(echo_all);
static DEFINE_SPINLOCK(echo_lock);

/* The server's answer is the completion, with the payload as it came */
static void echo_process(struct kmcl_channel *ch, struct kmcl_context *ctx,
			 void *buf, u32 len, u32 flags)
{
	kmcl_complete(ctx, buf, len);
}

static void echo_count(bool good)
{
	unsigned long flags;

	spin_lock_irqsave(&echo_lock, flags);
	if (good)
		echoed++;
	else
		wrong++;
	if (echoed + wrong == messages)
		complete(&echo_all);
	spin_unlock_irqrestore(&echo_lock, flags);
}

/* The packet is this driver's again; @buf is valid only during the call */
static void echo_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	u64 number = (unsigned long)kmcl_packet_get_pointer(pkt);
	const struct echo_message *message = buf;

	echo_count(!status && len == sizeof(*message) &&
		   message->number == number && message->inverse == ~number);
	kmcl_packet_free(pkt);
}

static int echo_send(struct kmcl_channel *ch, unsigned long number)
{
	struct echo_message message = { number, ~(u64)number };
	struct kmcl_packet *pkt = kmcl_packet_alloc(ch);
	int ret;

	if (!pkt)
		return -ENOMEM;
	kmcl_packet_set_pointer(pkt, (void *)number);
	kmcl_packet_set_done(pkt, echo_done);
	/* Does not wait: without room in the ring the packet is queued */
	ret = kmcl_send(pkt, &message, sizeof(message), KMCL_SEND_WAIT);
	/* Not accepted: the completion routine is not called */
	if (ret)
		kmcl_packet_free(pkt);
	return ret;
}

/* The channel runs: this callback may wait for traffic, and need not */
static void echo_post_started(struct kmcl_channel *ch)
{
	unsigned long i;
	int ret;

	for (i = 0; i < messages; i++) {
		ret = echo_send(ch, i);
		if (!ret)
			continue;
		pr_err("message %lu: error %d\n", i, ret);
		echo_count(false);
	}
}

static void echo_closed(struct kmcl_channel *ch)
{
	pr_info("closed, %u of %u messages echoed\n", echoed, messages);
}

static const struct kmcl_server echo_server_desc = {
	.name = "echo server",
	.type = ECHO_CLASS,
	.instance = &echo_instance,
	.process = echo_process,
};

static const struct kmcl_client echo_client_desc = {
	.name = "echo client",
	.type = ECHO_CLASS,
	.instance = &echo_instance,
	.post_started = echo_post_started,
	.closed = echo_closed,
};

static void echo_stop(void)
{
	kmcl_channel_disable(echo_client);
	kmcl_channel_free(echo_client);
	kmcl_channel_disable(echo_server);
	kmcl_channel_free(echo_server);
}

static int echo_start(void)
{
	int ret;

	if (messages > MESSAGES_MAX) {
		pr_err("messages=%u is too many: at most %u\n", messages,
		       MESSAGES_MAX);
		return -EINVAL;
	}
	echoed = 0;
	wrong = 0;
	reinit_completion(&echo_all);

	echo_server = kmcl_server_create(NULL, &echo_server_desc, NULL);
	if (IS_ERR(echo_server))
		return PTR_ERR(echo_server);
	echo_client = kmcl_client_create(NULL, &echo_client_desc, NULL);
	if (IS_ERR(echo_client)) {
		ret = PTR_ERR(echo_client);
		goto free_server;
	}

	/* A server is paused until it is started, a client is not */
	ret = kmcl_channel_start(echo_server);
	if (!ret)
		ret = kmcl_channel_enable(echo_server);
	if (ret)
		goto free_client;
	ret = kmcl_channel_enable(echo_client);
	if (ret)
		goto disable_server;

	if (messages &&
	    !wait_for_completion_timeout(&echo_all, 10 * HZ))
		pr_warn("still waiting for %u messages\n",
			messages - echoed - wrong);
	else
		pr_info("%u of %u messages echoed\n", echoed, messages);
	return 0;

disable_server:
	kmcl_channel_disable(echo_server);
free_client:
	kmcl_channel_free(echo_client);
free_server:
	kmcl_channel_free(echo_server);
	return ret;
}

module_init(echo_start);
module_exit(echo_stop);

MODULE_DESCRIPTION("KMCL sample: an echo client and server on the loopback bus");
MODULE_VERSION(KMCL_VERSION);
MODULE_LICENSE("GPL");
