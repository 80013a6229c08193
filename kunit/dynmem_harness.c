// SPDX-License-Identifier: GPL-2.0
/*
 * The sample kmcl_dynmem and its service, for the suites: see dynmem_harness.h.
 */
#include <linux/module.h>
#include <linux/sched.h>

#include "dynmem_harness.h"
#include "files.h"

#undef pr_fmt
#undef module_init
#undef module_exit
#define module_init(fn)
#define module_exit(fn)

#include "../drivers/clients/kmcl_dynmem_main.c"
#undef pr_fmt
#include "../drivers/clients/kmcl_dynmem_sysfs.c"

struct dynmem *const dynmem_driver = &dynmem;
const unsigned long dynmem_patience = DM_ANSWER_SEC * HZ;

void dynmem_say(struct dynmem_service *s, const void *msg, u32 len)
{
	struct kmcl_packet *pkt = kmcl_packet_alloc(s->ch);

	/* Completing frees it */
	if (!pkt || kmcl_send(pkt, msg, len, 0)) {
		kmcl_packet_free(pkt);
		spin_lock_bh(&s->lock);
		s->bad++;
		spin_unlock_bh(&s->lock);
	}
}

void dynmem_judge(struct dynmem_service *s, u16 type, bool accept)
{
	struct dm_verdict msg = {
		.hdr = { .type = type, .size = sizeof(msg) },
		.flags = accept ? DM_ACCEPTED : 0,
	};

	dynmem_say(s, &msg, sizeof(msg));
}

static void service_process(struct kmcl_channel *ch,
			    struct kmcl_context *ctx, void *buf, u32 len,
			    u32 flags)
{
	struct dynmem_service *s = kmcl_get_pointer(ch);
	struct dm_header *hdr = buf;
	bool held = false;

	spin_lock_bh(&s->lock);
	if (len < sizeof(*hdr) || hdr->type > DM_INFO || hdr->size != len) {
		s->bad++;
	} else {
		s->got[hdr->type]++;
		held = s->hold;
		if (held)
			s->held = ctx;
		s->hold = false;
	}
	spin_unlock_bh(&s->lock);

	if (hdr->type == DM_VERSION_REQUEST && !s->mute)
		dynmem_judge(s, DM_VERSION_RESPONSE, s->version ==
			     ((struct dm_version_request *)buf)->version);
	else if (hdr->type == DM_CAPS_REPORT && !s->mute)
		dynmem_judge(s, DM_CAPS_RESPONSE, true);
	if (!held)
		kmcl_complete(ctx, NULL, 0);
	wake_up_all(&s->wait);
}

u32 dynmem_got(struct dynmem_service *s, enum dm_type type)
{
	u32 n;

	spin_lock_bh(&s->lock);
	n = s->got[type];
	spin_unlock_bh(&s->lock);
	return n;
}

void dynmem_read_on(struct dynmem_service *s)
{
	struct kmcl_context *held;

	spin_lock_bh(&s->lock);
	s->hold = false;
	held = s->held;
	s->held = NULL;
	spin_unlock_bh(&s->lock);
	if (held)
		kmcl_complete(held, NULL, 0);
}

void dynmem_set_ring_pages(unsigned int pages)
{
	ring_size = pages * DM_RING_PAGE;
}

void dynmem_set_interval(unsigned int ms)
{
	interval_ms = ms;
}

int dynmem_load(struct dynmem_service *s)
{
	int ret = dm_start();

	s->started = !ret;
	return ret;
}

void dynmem_start(struct dynmem_service *s)
{
	KUNIT_ASSERT_EQ(s->test, dynmem_load(s), 0);
}

void dynmem_unload(struct dynmem_service *s)
{
	if (s->started)
		dm_stop();
	s->started = false;
}

ssize_t dynmem_told(struct dynmem_service *s, const char *command)
{
	return files_write(s->sysfs, DYNMEM_FILES "/control", command);
}

bool dynmem_becomes(struct dynmem_service *s, const char *state)
{
	static const char path[] = DYNMEM_FILES "/state";
	unsigned long end = jiffies + DYNMEM_LIMIT;
	char text[32];

	while (files_read(s->sysfs, path, text, sizeof(text)) < 0 ||
	       !files_have_line(text, state)) {
		if (time_after(jiffies, end))
			return false;
		schedule_timeout_uninterruptible(1);
	}
	return true;
}

int dynmem_init(struct kunit *test)
{
	static const guid_t class = DM_CLASS;
	static const guid_t id = GUID_INIT(0x6b6d636c, 0x0000, 0x4000, 0x80, 0,
					   0x64, 0x79, 0x6e, 0x6d, 0x65, 0x6d);
	struct dynmem_service *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	memset(&dynmem, 0, sizeof(dynmem));
	dynmem_set_ring_pages(4);
	dynmem_set_interval(10);
	s->test = test;
	s->sysfs = files_mount(test, "sysfs");
	s->version = DM_VERSION_2_0;
	init_waitqueue_head(&s->wait);
	spin_lock_init(&s->lock);
	KUNIT_ASSERT_EQ(test, kmcl_channel_alloc(NULL, true, &s->ch), 0);
	test->priv = s;
	kmcl_set_pointer(s->ch, s);
	KUNIT_ASSERT_EQ(test, kmcl_set_process(s->ch, service_process, NULL), 0);
	KUNIT_ASSERT_EQ(test, kmcl_server_set_target(s->ch, &class, &id), 0);
	kmcl_set_quota(s->ch, 1);
	KUNIT_ASSERT_EQ(test, kmcl_channel_start(s->ch), 0);
	return kmcl_channel_enable(s->ch);
}

void dynmem_exit(struct kunit *test)
{
	struct dynmem_service *s = test->priv;

	if (!s)
		return;
	/* A case that failed may have stopped anywhere */
	dynmem_read_on(s);
	dynmem_unload(s);
	KUNIT_EXPECT_EQ(test, s->bad, 0);
	kmcl_channel_disable(s->ch);
	kmcl_channel_free(s->ch);
}
