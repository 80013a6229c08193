// SPDX-License-Identifier: GPL-2.0
/*
 * kmcl_services: the host's side of two of Hyper-V's services, over the loopback bus.
 *
 * It offers the heartbeat and the file copy, negotiates versions, and then sends
 * requests, each after the answer to the last one: so what a program on /dev/kmcl
 * answers can be tested where there is no Hyper-V. The file has numbers, one a line.
 * What comes back is counted in /sys/module/kmcl_services/parameters, and writing to
 * "offered" there takes the devices away and offers them again.
 *
 * All callbacks run in process context. services_lock protects both services and what
 * is counted: a message that is no answer may come while a connection begins. "offered"
 * is written under the kernel's lock of a module's parameters.
 */
#define pr_fmt(fmt)	KBUILD_MODNAME ": " fmt

#include <linux/hyperv.h>
#include <linux/kmcl.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#define LINE_BYTES	8U
#define LINES_MAX	9999999U	/* what has room in a line */

static unsigned int beats = 10;
module_param(beats, uint, 0444);
MODULE_PARM_DESC(beats, "heartbeats on each connection");

static unsigned int lines = 2000;
module_param(lines, uint, 0444);
MODULE_PARM_DESC(lines, "lines of the file, 8 bytes each");

static char path[W_MAX_PATH] = "/";
module_param_string(path, path, sizeof(path), 0444);
MODULE_PARM_DESC(path, "directory of the file, which is called numbers");

static unsigned int answered;
module_param(answered, uint, 0444);
MODULE_PARM_DESC(answered, "heartbeats with the right answer");

static unsigned int copied;
module_param(copied, uint, 0444);
MODULE_PARM_DESC(copied, "files that the other side has completed");

static unsigned int wrong;
module_param(wrong, uint, 0444);
MODULE_PARM_DESC(wrong, "answers that were errors, or no answers");

static unsigned int last_status;
module_param(last_status, uint, 0444);
MODULE_PARM_DESC(last_status, "status in the last answer that was an error");

static DEFINE_MUTEX(services_lock);

/* The first message of each connection, and its answer with one version of each */
struct versions {
	struct icmsg_negotiate count;
	struct ic_version version[2];
} __packed;

struct message {
	struct icmsg_hdr header;
	union {
		struct versions versions;
		struct heartbeat_msg_data beat;
		struct hv_fcopy_hdr copy;
		struct hv_start_fcopy start;
		struct hv_do_fcopy data;
	};
} __packed;

/**
 * struct service - a service of the host
 * @ch: its channel, the server's end
 * @start: starts the channel, which no callback of it may do
 * @type: of its messages
 * @version: of the service
 * @next: makes the body of the next request in @out: its bytes, or 0 if that was all
 * @good: the answer to it is right
 * @waits: the last request has no answer
 * @negotiated: the versions are agreed on
 * @bytes: of the body of @out
 * @number: the heartbeat's
 * @done: heartbeats on this connection, or bytes of the file
 * @step: of the file
 * @out: the last request
 */
struct service {
	struct kmcl_channel *ch;
	struct work_struct start;
	u16 type;
	struct ic_version version;
	u32 (*next)(struct service *s);
	void (*good)(struct service *s, const struct message *in);
	bool waits;
	bool negotiated;
	u16 bytes;
	u64 number;
	u64 done;
	enum hv_fcopy_op step;
	struct message out;
};

static const struct ic_version framework = { 3, 0 };

static void service_send(struct service *s, u16 type, u32 bytes)
	__must_hold(&services_lock)
{
	struct icmsg_hdr *header = &s->out.header;
	u8 transaction = header->ictransaction_id + 1;
	int ret;

	lockdep_assert_held(&services_lock);
	memset(header, 0, sizeof(*header));
	header->icmsgtype = type;
	if (type != ICMSGTYPE_NEGOTIATE) {
		header->icverframe = framework;
		header->icvermsg = s->version;
	}
	header->icmsgsize = bytes;
	header->ictransaction_id = transaction;
	header->icflags = ICMSGHDRFLAG_TRANSACTION | ICMSGHDRFLAG_REQUEST;
	s->bytes = bytes;
	s->waits = true;
	ret = kmcl_send_buf(s->ch, &s->out, sizeof(*header) + bytes);
	if (ret)
		pr_err("message of type %u: error %d\n", type, ret);
}

static void service_next(struct service *s)
	__must_hold(&services_lock)
{
	u32 bytes = s->next(s);

	if (bytes)
		service_send(s, s->type, bytes);
}

static u32 heartbeat_next(struct service *s)
{
	if (s->done == beats)
		return 0;
	memset(&s->out.beat, 0, sizeof(s->out.beat));
	s->out.beat.seq_num = s->number;
	return sizeof(s->out.beat);
}

static void count_wrong(const struct message *in)
	__must_hold(&services_lock)
{
	lockdep_assert_held(&services_lock);
	wrong++;
	last_status = in ? in->header.status : 0;
}

/* As Hyper-V: on with the number after the answer's */
static void heartbeat_good(struct service *s, const struct message *in)
	__must_hold(&services_lock)
{
	if (in->header.status || in->beat.seq_num != s->number + 1)
		count_wrong(in);
	else
		answered++;
	s->number += 2;
	s->done++;
}

static void copy_text(__u16 *to, const char *from)
{
	while ((*to++ = (u8)*from++))
		;
}

static u32 copy_start(struct service *s)
{
	struct hv_start_fcopy *start = &s->out.start;

	memset(start, 0, sizeof(*start));
	start->hdr.operation = START_FILE_COPY;
	copy_text(start->file_name, "numbers");
	copy_text(start->path_name, path);
	start->copy_flags = OVER_WRITE | CREATE_PATH;
	start->file_size = (u64)lines * LINE_BYTES;
	return sizeof(*start);
}

static u32 copy_data(struct service *s)
{
	struct hv_do_fcopy *data = &s->out.data;
	u64 left = (u64)lines * LINE_BYTES - s->done;
	char line[LINE_BYTES + 1];
	u32 i;

	BUILD_BUG_ON(DATA_FRAGMENT % LINE_BYTES);
	memset(data, 0, offsetof(struct hv_do_fcopy, data));
	data->hdr.operation = WRITE_TO_FILE;
	data->offset = s->done;
	data->size = min_t(u64, left, DATA_FRAGMENT);
	for (i = 0; i < data->size; i += LINE_BYTES) {
		snprintf(line, sizeof(line), "%07u\n",
			 ((u32)(s->done + i) / LINE_BYTES + 1) % 10000000);
		memcpy(data->data + i, line, LINE_BYTES);
	}
	return offsetof(struct hv_do_fcopy, data) + data->size;
}

static u32 copy_next(struct service *s)
{
	switch (s->step) {
	case START_FILE_COPY:
		return copy_start(s);
	case WRITE_TO_FILE:
		return copy_data(s);
	case COMPLETE_FCOPY:
		memset(&s->out.copy, 0, sizeof(s->out.copy));
		s->out.copy.operation = COMPLETE_FCOPY;
		return sizeof(s->out.copy);
	default:
		return 0;
	}
}

/* CANCEL_FCOPY: nothing more is sent */
static void copy_good(struct service *s, const struct message *in)
	__must_hold(&services_lock)
{
	if (in->header.status) {
		count_wrong(in);
		s->step = CANCEL_FCOPY;
		return;
	}
	if (s->step == COMPLETE_FCOPY) {
		copied++;
		s->step = CANCEL_FCOPY;
		return;
	}
	if (s->step == WRITE_TO_FILE)
		s->done += s->out.data.size;
	s->step = s->done < (u64)lines * LINE_BYTES ? WRITE_TO_FILE :
		  COMPLETE_FCOPY;
}

static struct service heartbeat = {
	.type = ICMSGTYPE_HEARTBEAT,
	.version = { 3, 0 },
	.next = heartbeat_next,
	.good = heartbeat_good,
};

static struct service file_copy = {
	.type = ICMSGTYPE_FCOPY,
	.version = { 1, 1 },
	.next = copy_next,
	.good = copy_good,
};

static bool same(struct ic_version a, struct ic_version b)
{
	return a.major == b.major && a.minor == b.minor;
}

static bool agreed(const struct service *s, const struct message *in)
{
	const struct versions *v = &in->versions;

	return !in->header.status && in->header.icmsgsize == sizeof(*v) &&
	       v->count.icframe_vercnt == 1 && v->count.icmsg_vercnt == 1 &&
	       same(v->version[0], framework) && same(v->version[1], s->version);
}

/* Whether it is as long as the last request, and has its header */
static bool answers(const struct service *s, const struct message *in, u32 len)
{
	const struct icmsg_hdr *out = &s->out.header;

	return s->waits && len == sizeof(*out) + s->bytes &&
	       in->header.icmsgtype == out->icmsgtype &&
	       in->header.ictransaction_id == out->ictransaction_id &&
	       in->header.icflags == (ICMSGHDRFLAG_TRANSACTION |
				      ICMSGHDRFLAG_RESPONSE);
}

static void services_process(struct kmcl_channel *ch, struct kmcl_context *ctx,
			     void *buf, u32 len, u32 flags)
{
	struct service *s = kmcl_get_pointer(ch);
	const struct message *in = buf;

	mutex_lock(&services_lock);
	if (!answers(s, in, len)) {
		count_wrong(len < sizeof(in->header) ? NULL : in);
		goto out;
	}
	s->waits = false;
	if (s->negotiated) {
		s->good(s, in);
	} else if (agreed(s, in)) {
		s->negotiated = true;
	} else {
		count_wrong(in);
		goto out;
	}
	service_next(s);
out:
	mutex_unlock(&services_lock);
	kmcl_complete(ctx, NULL, 0);
}

static void services_start(struct work_struct *work)
{
	struct service *s = container_of(work, struct service, start);

	kmcl_channel_start(s->ch);
}

/* Each time that it is opened, a server is paused until it is started */
static int services_opened(struct kmcl_channel *ch)
{
	struct service *s = kmcl_get_pointer(ch);

	mutex_lock(&services_lock);
	s->waits = false;
	mutex_unlock(&services_lock);
	schedule_work(&s->start);
	return 0;
}

/* A connection begins */
static void services_post_started(struct kmcl_channel *ch)
{
	struct service *s = kmcl_get_pointer(ch);
	struct versions *v = &s->out.versions;

	mutex_lock(&services_lock);
	s->negotiated = false;
	s->done = 0;
	s->step = START_FILE_COPY;
	memset(v, 0, sizeof(*v));
	v->count.icframe_vercnt = 1;
	v->count.icmsg_vercnt = 1;
	v->version[0] = framework;
	v->version[1] = s->version;
	service_send(s, ICMSGTYPE_NEGOTIATE, sizeof(*v));
	mutex_unlock(&services_lock);
}

/* Their classes are Hyper-V's, the instances this module's */
static const guid_t heartbeat_instance =
	GUID_INIT(0x5a8c0d6e, 0x1f0b, 0x4c1c,
		  0x8d, 0x34, 0x2b, 0x0f, 0x9c, 0x6a, 0xd7, 0x21);
static const guid_t file_copy_instance =
	GUID_INIT(0x5a8c0d6e, 0x1f0b, 0x4c1c,
		  0x8d, 0x34, 0x2b, 0x0f, 0x9c, 0x6a, 0xd7, 0x22);

static const struct kmcl_server heartbeat_server = {
	.name = "heartbeat of the host",
	.type = GUID_INIT(0x57164f39, 0x9115, 0x4e78, 0xab, 0x55,
			  0x38, 0x2f, 0x3b, 0xd5, 0x42, 0x2d),
	.instance = &heartbeat_instance,
	.flags = KMCL_INIT_PIPE | KMCL_INIT_PROCESS_CONTEXT,
	.packet_bytes = sizeof(struct message),
	.opened = services_opened,
	.post_started = services_post_started,
	.process = services_process,
};

static const struct kmcl_server file_copy_server = {
	.name = "file copy of the host",
	.type = GUID_INIT(0x34d14be3, 0xdee4, 0x41c8, 0x9a, 0xe7,
			  0x6b, 0x17, 0x49, 0x77, 0xc1, 0x92),
	.instance = &file_copy_instance,
	.flags = KMCL_INIT_PIPE | KMCL_INIT_PROCESS_CONTEXT,
	.packet_bytes = sizeof(struct message),
	.opened = services_opened,
	.post_started = services_post_started,
	.process = services_process,
};

static bool offered = true;
static bool ready;

/* Disabling a server rescinds its device */
static int services_offer(bool on)
{
	int ret;

	if (!on) {
		kmcl_channel_disable(file_copy.ch);
		kmcl_channel_disable(heartbeat.ch);
		return 0;
	}
	ret = kmcl_channel_enable(heartbeat.ch);
	if (ret)
		return ret;
	ret = kmcl_channel_enable(file_copy.ch);
	if (ret)
		kmcl_channel_disable(heartbeat.ch);
	return ret;
}

static int offered_set(const char *value, const struct kernel_param *kp)
{
	bool was = offered;
	int ret;

	ret = param_set_bool(value, kp);
	if (ret || !ready || offered == was)
		return ret;
	ret = services_offer(offered);
	if (ret)
		offered = was;
	return ret;
}

static const struct kernel_param_ops offered_ops = {
	.set = offered_set,
	.get = param_get_bool,
};
module_param_cb(offered, &offered_ops, &offered, 0644);
MODULE_PARM_DESC(offered, "the devices are there");

static int service_create(struct service *s, const struct kmcl_server *server)
{
	struct kmcl_channel *ch = kmcl_server_create(NULL, server, s);

	if (IS_ERR(ch))
		return PTR_ERR(ch);
	INIT_WORK(&s->start, services_start);
	s->ch = ch;
	return 0;
}

/* Its channel is disabled */
static void service_free(struct service *s)
{
	if (!s->ch)
		return;
	cancel_work_sync(&s->start);
	kmcl_channel_free(s->ch);
}

static void services_free(void)
{
	service_free(&file_copy);
	service_free(&heartbeat);
}

static void services_exit(void)
{
	kernel_param_lock(THIS_MODULE);
	ready = false;
	services_offer(false);
	kernel_param_unlock(THIS_MODULE);
	services_free();
}

static int services_init(void)
{
	int ret;

	if (lines > LINES_MAX) {
		pr_err("lines=%u is too many: at most %u\n", lines, LINES_MAX);
		return -EINVAL;
	}
	ret = service_create(&heartbeat, &heartbeat_server);
	if (!ret)
		ret = service_create(&file_copy, &file_copy_server);
	if (ret)
		goto free;
	kernel_param_lock(THIS_MODULE);
	if (offered)
		ret = services_offer(true);
	ready = !ret;
	kernel_param_unlock(THIS_MODULE);
	if (!ret)
		return 0;
free:
	services_free();
	return ret;
}

module_init(services_init);
module_exit(services_exit);

MODULE_DESCRIPTION("KMCL sample: Hyper-V's heartbeat and file copy on the loopback bus");
MODULE_VERSION(KMCL_VERSION);
MODULE_LICENSE("GPL");
