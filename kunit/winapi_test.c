// SPDX-License-Identifier: GPL-2.0
/*
 * The wrappers under Windows' names: layout of the types, statuses for wrong
 * parameters, time limits. No packet moves here.
 */
#include <kunit/resource.h>
#include <kunit/test.h>

#include <linux/device.h>
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/slab.h>

#include <kmcl/vmbuskernelmodeclientlibapi.h>

#include "channel.h"
#include "leaks.h"

#define EXPECT_STATUS(test, call, expected) \
	KUNIT_EXPECT_EQ(test, (u32)(call), (u32)(expected))

#define TICKS_PER_SEC	10000000LL

static const GUID test_type =
	GUID_INIT(0x6c8f0a51, 0x3b1c, 0x4a0e,
		  0x9d, 0x27, 0x51, 0xe0, 0x1c, 0x44, 0x7a, 0x10);

static DECLARE_CONST_UNICODE_STRING(name, L"Test");

struct winapi_fixture {
	struct device *parent;
	VMBCHANNEL client;
	VMBCHANNEL server;
};

static VOID no_packets(VMBCHANNEL Channel, VMBPACKETCOMPLETION Packet,
		       PVOID Buffer, UINT32 BufferLength, UINT32 Flags)
{
	VmbChannelPacketComplete(Packet, NULL, 0);
}

static VOID packet_done(VMBPACKET Packet, NTSTATUS Status, PVOID Buffer,
			UINT32 BufferLength)
{
}

static void callbacks_have_windows_layout(struct kunit *test)
{
	VMB_CHANNEL_STATE_CHANGE_CALLBACKS cb;

	KUNIT_EXPECT_EQ(test, offsetof(typeof(cb), Version), 0);
	KUNIT_EXPECT_EQ(test, offsetof(typeof(cb), Size), 4);
	KUNIT_EXPECT_EQ(test, offsetof(typeof(cb), EvtChannelOpened), 8);
	if (sizeof(void *) == 8)
		KUNIT_EXPECT_EQ(test, sizeof(cb), 48);

	memset(&cb, 0xff, sizeof(cb));
	VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT(&cb);
	KUNIT_EXPECT_EQ(test, cb.Version, 1);
	KUNIT_EXPECT_EQ(test, cb.Size, sizeof(cb));
	KUNIT_EXPECT_TRUE(test, !cb.EvtChannelOpened);
	KUNIT_EXPECT_TRUE(test, !cb.EvtChannelClosed);
	KUNIT_EXPECT_TRUE(test, !cb.EvtChannelSuspend);
	KUNIT_EXPECT_TRUE(test, !cb.EvtChannelStarted);
	KUNIT_EXPECT_TRUE(test, !cb.EvtChannelPostStarted);
}

static void allocate_wants_a_parent_and_a_place(struct kunit *test)
{
	struct winapi_fixture *f = test->priv;
	VMBCHANNEL channel;

	EXPECT_STATUS(test, VmbChannelAllocate(NULL, FALSE, &channel),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test, VmbChannelAllocate(f->parent, FALSE, NULL),
		      STATUS_INVALID_PARAMETER_3);
}

static void state_callbacks_need_their_version_and_size(struct kunit *test)
{
	struct winapi_fixture *f = test->priv;
	VMB_CHANNEL_STATE_CHANGE_CALLBACKS cb;

	EXPECT_STATUS(test,
		      VmbChannelInitSetStateChangeCallbacks(f->client, NULL),
		      STATUS_INVALID_PARAMETER_2);

	VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT(&cb);
	EXPECT_STATUS(test,
		      VmbChannelInitSetStateChangeCallbacks(f->client, &cb),
		      STATUS_SUCCESS);
	cb.Version = 2;
	EXPECT_STATUS(test,
		      VmbChannelInitSetStateChangeCallbacks(f->client, &cb),
		      STATUS_INVALID_PARAMETER_2);
	cb.Version = 1;
	cb.Size--;
	EXPECT_STATUS(test,
		      VmbChannelInitSetStateChangeCallbacks(f->client, &cb),
		      STATUS_INVALID_PARAMETER_2);
}

static void settings_name_the_wrong_parameter(struct kunit *test)
{
	struct winapi_fixture *f = test->priv;

	EXPECT_STATUS(test,
		      VmbChannelInitSetClientContextSize(f->client, 65537),
		      STATUS_INVALID_PARAMETER_2);
	EXPECT_STATUS(test,
		      VmbChannelInitSetClientContextSize(f->client, 65536),
		      STATUS_SUCCESS);
	EXPECT_STATUS(test, VmbChannelInitSetFlags(f->client, 0x2),
		      STATUS_INVALID_PARAMETER_2);
	EXPECT_STATUS(test, VmbChannelInitSetFlags(f->client, 0),
		      STATUS_SUCCESS);
	EXPECT_STATUS(test, VmbChannelInitSetFriendlyName(f->client, &name),
		      STATUS_SUCCESS);
	EXPECT_STATUS(test, VmbChannelInitSetMaximumPacketSize(f->client, 0),
		      STATUS_INVALID_PARAMETER_2);
	EXPECT_STATUS(test,
		      VmbChannelInitSetMaximumPacketSize(f->client, 524265),
		      STATUS_INVALID_PARAMETER_2);
	EXPECT_STATUS(test,
		      VmbChannelInitSetMaximumPacketSize(f->client, 524264),
		      STATUS_SUCCESS);
	EXPECT_STATUS(test,
		      VmbChannelInitSetProcessPacketCallbacks(f->client, NULL,
							      NULL),
		      STATUS_INVALID_PARAMETER_2);
	EXPECT_STATUS(test,
		      VmbChannelInitSetProcessPacketCallbacks(f->client,
							      no_packets, NULL),
		      STATUS_SUCCESS);
	EXPECT_STATUS(test,
		      VmbClientChannelInitSetTargetPnp(f->client, NULL, NULL,
						       NULL),
		      STATUS_INVALID_PARAMETER_2);
}

static void expect_name(struct kunit *test, const WCHAR *text, UINT32 units,
			const char *utf8)
{
	struct winapi_fixture *f = test->priv;
	UNICODE_STRING string = {
		.Length = units * sizeof(*text),
		.MaximumLength = units * sizeof(*text),
		.Buffer = (WCHAR *)text,
	};

	EXPECT_STATUS(test, VmbChannelInitSetFriendlyName(f->client, &string),
		      STATUS_SUCCESS);
	KUNIT_EXPECT_STREQ(test, f->client->cfg.name, utf8);
}

static void names_are_utf16_and_counted(struct kunit *test)
{
	static const WCHAR plain[] = L"Network and more";
	/* 1, 2, 3 and 4 bytes in UTF-8: A, e acute, the euro, U+1D11E, U+FFFFD */
	static const WCHAR wide[] = {
		'A', 0xe9, 0x20ac, 0xd834, 0xdd1e, 0xdbbf, 0xdffd,
	};
	/* The first and the last of those lengths, and a surrogate at the end */
	static const WCHAR edges[] = {
		0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0xd800, 0xdc00,
		0xdbff, 0xdfff, 0xd800,
	};
	static const WCHAR lone_high[] = { 0xd834, 'B' };
	static const WCHAR lone_low[] = { 0xdd1e };
	struct winapi_fixture *f = test->priv;
	UNICODE_STRING string = { .Length = 2 };

	expect_name(test, plain, 7, "Network");
	expect_name(test, plain, ARRAY_SIZE(plain), "Network and more");
	expect_name(test, plain, 0, "");
	expect_name(test, wide, ARRAY_SIZE(wide),
		    "A\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e\xf3\xbf\xbf\xbd");
	expect_name(test, edges, ARRAY_SIZE(edges),
		    "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80"
		    "\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\xef\xbf\xbd");
	expect_name(test, lone_high, 2, "\357\277\275B");
	expect_name(test, lone_high, 1, "\xef\xbf\xbd");
	expect_name(test, lone_low, 1, "\xef\xbf\xbd");

	EXPECT_STATUS(test, VmbChannelInitSetFriendlyName(f->client, &string),
		      STATUS_INVALID_PARAMETER_2);
	KUNIT_EXPECT_STREQ(test, f->client->cfg.name, "\xef\xbf\xbd");
	EXPECT_STATUS(test, VmbChannelInitSetFriendlyName(f->client, NULL),
		      STATUS_SUCCESS);
	KUNIT_EXPECT_NULL(test, f->client->cfg.name);
	/* This one is freed with the channel */
	expect_name(test, wide, 1, "A");
}

static void ring_pages_are_a_clients_and_above_zero(struct kunit *test)
{
	struct winapi_fixture *f = test->priv;

	EXPECT_STATUS(test,
		      VmbClientChannelInitSetRingBufferPageCount(f->client,
								 0, 4),
		      STATUS_INVALID_PARAMETER_2);
	EXPECT_STATUS(test,
		      VmbClientChannelInitSetRingBufferPageCount(f->client,
								 4, 0),
		      STATUS_INVALID_PARAMETER_3);
	EXPECT_STATUS(test,
		      VmbClientChannelInitSetRingBufferPageCount(f->client,
								 4, 4),
		      STATUS_SUCCESS);
	EXPECT_STATUS(test,
		      VmbClientChannelInitSetRingBufferPageCount(f->server,
								 4, 4),
		      STATUS_INVALID_PARAMETER_1);
}

static void settings_need_a_disabled_channel(struct kunit *test)
{
	VMB_CHANNEL_STATE_CHANGE_CALLBACKS cb;
	struct winapi_fixture *f = test->priv;
	VMBCHANNEL ch = f->client;

	VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT(&cb);
	EXPECT_STATUS(test, VmbChannelEnable(ch), STATUS_INVALID_DEVICE_STATE);
	EXPECT_STATUS(test,
		      VmbClientChannelInitSetTargetPnp(ch, &test_type, NULL,
						       NULL),
		      STATUS_SUCCESS);
	KUNIT_ASSERT_EQ(test, VmbChannelEnable(ch), STATUS_SUCCESS);
	EXPECT_STATUS(test, VmbChannelEnable(ch), STATUS_INVALID_DEVICE_STATE);

	EXPECT_STATUS(test, VmbChannelInitSetClientContextSize(ch, 8),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test, VmbChannelInitSetFlags(ch, 0),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test, VmbChannelInitSetFriendlyName(ch, &name),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test, VmbChannelInitSetMaximumPacketSize(ch, 64),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test,
		      VmbChannelInitSetProcessPacketCallbacks(ch, no_packets,
							      NULL),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test, VmbChannelInitSetStateChangeCallbacks(ch, &cb),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test,
		      VmbClientChannelInitSetRingBufferPageCount(ch, 4, 4),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test,
		      VmbClientChannelInitSetTargetPnp(ch, &test_type, NULL,
						       NULL),
		      STATUS_INVALID_PARAMETER_1);

	VmbChannelDisable(ch);
	EXPECT_STATUS(test, VmbChannelInitSetFlags(ch, 0), STATUS_SUCCESS);
}

static void pointers_are_the_drivers(struct kunit *test)
{
	struct winapi_fixture *f = test->priv;
	VMBPACKET packet;

	KUNIT_EXPECT_NULL(test, VmbChannelGetPointer(f->client));
	VmbChannelSetPointer(f->client, f);
	KUNIT_EXPECT_PTR_EQ(test, VmbChannelGetPointer(f->client), (PVOID)f);

	packet = VmbPacketAllocate(f->client);
	KUNIT_ASSERT_NOT_NULL(test, packet);
	KUNIT_EXPECT_PTR_EQ(test, VmbPacketGetChannel(packet), f->client);
	KUNIT_EXPECT_NULL(test, VmbPacketGetPointer(packet));
	VmbPacketSetPointer(packet, f);
	KUNIT_EXPECT_PTR_EQ(test, VmbPacketGetPointer(packet), (PVOID)f);
	VmbPacketFree(packet);
}

static void send_names_the_wrong_parameter(struct kunit *test)
{
	struct winapi_fixture *f = test->priv;
	u8 buf[72] = {};
	VMBPACKET packet;

	EXPECT_STATUS(test, VmbChannelInitSetMaximumPacketSize(f->client, 64),
		      STATUS_SUCCESS);
	packet = VmbPacketAllocate(f->client);
	KUNIT_ASSERT_NOT_NULL(test, packet);

	EXPECT_STATUS(test, VmbPacketSend(NULL, buf, 8, NULL, 0),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test, VmbPacketSend(packet, NULL, 8, NULL, 0),
		      STATUS_INVALID_PARAMETER_2);
	EXPECT_STATUS(test, VmbPacketSend(packet, buf, 72, NULL, 0),
		      STATUS_INVALID_PARAMETER_3);
	EXPECT_STATUS(test, VmbPacketSend(packet, buf, 8, NULL, 0x2),
		      STATUS_INVALID_PARAMETER_5);
	EXPECT_STATUS(test, VmbPacketSend(packet, buf, 8, NULL, KMCL_SEND_MORE),
		      STATUS_INVALID_PARAMETER_5);
	EXPECT_STATUS(test, VmbPacketSend(packet, buf, 8, NULL, 0),
		      STATUS_SUCCESS);
	EXPECT_STATUS(test, VmbPacketSend(packet, buf, 8, NULL, 0),
		      STATUS_INVALID_PARAMETER_1);
}

static void own_memory_needs_room_and_a_routine(struct kunit *test)
{
	struct winapi_fixture *f = test->priv;
	UINT32 size = VmbChannelSizeofPacket(f->client);
	VMBPACKET packet = kunit_kzalloc(test, size, GFP_KERNEL);
	u8 buf[8] = {};

	KUNIT_ASSERT_NOT_NULL(test, packet);
	KUNIT_EXPECT_EQ(test, VmbChannelSizeofPacket(f->client), size);
	EXPECT_STATUS(test, VmbPacketInitialize(f->client, packet, size - 1),
		      STATUS_INVALID_PARAMETER_3);
	EXPECT_STATUS(test, VmbPacketInitialize(f->client, packet, size),
		      STATUS_SUCCESS);
	EXPECT_STATUS(test, VmbPacketSend(packet, buf, sizeof(buf), NULL, 0),
		      STATUS_INVALID_PARAMETER_1);
	VmbPacketSetCompletionRoutine(packet, packet_done);
	EXPECT_STATUS(test, VmbPacketSend(packet, buf, sizeof(buf), NULL, 0),
		      STATUS_SUCCESS);
}

static void sync_request_names_the_wrong_parameter(struct kunit *test)
{
	struct winapi_fixture *f = test->priv;
	LARGE_INTEGER never = { .QuadPart = 0 };
	u64 buf[2] = {}, reply;
	UINT32 room = 7;

	EXPECT_STATUS(test,
		      VmbChannelSendSynchronousRequest(f->client, NULL, 8, NULL,
						       0, NULL, NULL, &never),
		      STATUS_INVALID_PARAMETER_2);
	EXPECT_STATUS(test,
		      VmbChannelSendSynchronousRequest(f->client, buf, 4097,
						       NULL, 0, NULL, NULL,
						       &never),
		      STATUS_INVALID_PARAMETER_3);
	EXPECT_STATUS(test,
		      VmbChannelSendSynchronousRequest(f->client, buf, 8, NULL,
						       0x8, NULL, NULL, &never),
		      STATUS_INVALID_PARAMETER_5);
	EXPECT_STATUS(test,
		      VmbChannelSendSynchronousRequest(f->client, buf, 8, NULL,
						       1, &reply, &room,
						       &never),
		      STATUS_INVALID_PARAMETER_7);
	EXPECT_STATUS(test,
		      VmbChannelSendSynchronousRequest(f->server, buf, 8, NULL,
						       0, NULL, NULL, NULL),
		      STATUS_INVALID_PARAMETER_8);
	EXPECT_STATUS(test,
		      VmbChannelSendSynchronousRequest(f->client, buf, 8, NULL,
						       0, NULL, NULL, NULL),
		      STATUS_DEVICE_REMOVED);
}

static s64 timeout(LONGLONG ticks)
{
	LARGE_INTEGER limit = { .QuadPart = ticks };

	return kmcl_nt_timeout(&limit);
}

static void time_limits_become_nanoseconds_from_now(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kmcl_nt_timeout(NULL), KMCL_NO_TIMEOUT);
	KUNIT_EXPECT_EQ(test, timeout(0), 0);
	KUNIT_EXPECT_EQ(test, timeout(-1), 100);
	KUNIT_EXPECT_EQ(test, timeout(-3 * TICKS_PER_SEC),
			(s64)(3 * NSEC_PER_SEC));
	KUNIT_EXPECT_EQ(test, timeout(S64_MIN), KMCL_NO_TIMEOUT);
	KUNIT_EXPECT_EQ(test, timeout(-(S64_MAX / 100)), KMCL_NO_TIMEOUT);
	KUNIT_EXPECT_EQ(test, timeout(1 - S64_MAX / 100),
			(S64_MAX / 100 - 1) * 100);
}

static ktime_t time_of(LONGLONG ticks)
{
	LARGE_INTEGER limit = { .QuadPart = ticks };

	return kmcl_nt_is_time(&limit) ? kmcl_nt_time(&limit) : -1;
}

/* 116444736000000000 units of 100 ns lie between 1601 and 1970 */
static void time_limits_become_times_of_day(struct kunit *test)
{
	const LONGLONG unix_epoch = 116444736000000000LL;
	LARGE_INTEGER limit = { .QuadPart = 0 };

	KUNIT_EXPECT_FALSE(test, kmcl_nt_is_time(NULL));
	KUNIT_EXPECT_FALSE(test, kmcl_nt_is_time(&limit));
	limit.QuadPart = -1;
	KUNIT_EXPECT_FALSE(test, kmcl_nt_is_time(&limit));

	KUNIT_EXPECT_EQ(test, time_of(1), 0);
	KUNIT_EXPECT_EQ(test, time_of(unix_epoch), 0);
	KUNIT_EXPECT_EQ(test, time_of(unix_epoch + 1), 100);
	/* 2001-09-09 01:46:40 UTC */
	KUNIT_EXPECT_EQ(test, time_of(126444736000000000LL),
			1000000000LL * NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, time_of(S64_MAX), KTIME_MAX);
}

static int winapi_test_init(struct kunit *test)
{
	struct winapi_fixture *f;

	KUNIT_ASSERT_EQ(test, leaks_watch(test), 0);
	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->parent = root_device_register("kmcl_winapi_test");
	KUNIT_ASSERT_FALSE(test, IS_ERR(f->parent));
	test->priv = f;
	KUNIT_ASSERT_EQ(test, VmbChannelAllocate(f->parent, FALSE, &f->client),
			STATUS_SUCCESS);
	KUNIT_ASSERT_EQ(test, VmbChannelAllocate(f->parent, TRUE, &f->server),
			STATUS_SUCCESS);
	return 0;
}

static void winapi_test_exit(struct kunit *test)
{
	struct winapi_fixture *f = test->priv;

	if (!f)
		return;
	if (f->client)
		VmbChannelCleanup(f->client);
	if (f->server)
		VmbChannelCleanup(f->server);
	root_device_unregister(f->parent);
}

static struct kunit_case winapi_test_cases[] = {
	/* KMCL: VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT */
	/* KMCL: VMB_CHANNEL_STATE_CHANGE_CALLBACKS */
	KUNIT_CASE(callbacks_have_windows_layout),
	/* KMCL: VmbChannelAllocate */
	KUNIT_CASE(allocate_wants_a_parent_and_a_place),
	/* KMCL: VmbChannelInitSetStateChangeCallbacks */
	KUNIT_CASE(state_callbacks_need_their_version_and_size),
	/* KMCL: VmbChannelInitSetClientContextSize VmbChannelInitSetFlags */
	/* KMCL: VmbChannelInitSetMaximumPacketSize */
	/* KMCL: VmbChannelInitSetProcessPacketCallbacks */
	/* KMCL: VmbClientChannelInitSetTargetPnp */
	KUNIT_CASE(settings_name_the_wrong_parameter),
	/* KMCL: VmbChannelInitSetFriendlyName */
	KUNIT_CASE(names_are_utf16_and_counted),
	/* KMCL: VmbClientChannelInitSetRingBufferPageCount */
	KUNIT_CASE(ring_pages_are_a_clients_and_above_zero),
	/* KMCL: VmbChannelInitSetFriendlyName */
	KUNIT_CASE(settings_need_a_disabled_channel),
	/* KMCL: VmbChannelGetPointer VmbChannelSetPointer VmbPacketAllocate */
	/* KMCL: VmbPacketFree VmbPacketGetChannel VmbPacketGetPointer */
	/* KMCL: VmbPacketSetPointer */
	KUNIT_CASE(pointers_are_the_drivers),
	/* KMCL: VmbPacketSend */
	KUNIT_CASE(send_names_the_wrong_parameter),
	/* KMCL: VmbChannelSizeofPacket VmbPacketInitialize */
	/* KMCL: VmbPacketSetCompletionRoutine */
	KUNIT_CASE(own_memory_needs_room_and_a_routine),
	/* KMCL: VmbChannelSendSynchronousRequest */
	KUNIT_CASE(sync_request_names_the_wrong_parameter),
	/* KMCL: VmbChannelSendSynchronousRequest */
	KUNIT_CASE(time_limits_become_nanoseconds_from_now),
	KUNIT_CASE(time_limits_become_times_of_day),
	{}
};

static struct kunit_suite winapi_test_suite = {
	.name = "kmcl_winapi",
	.init = winapi_test_init,
	.exit = winapi_test_exit,
	.test_cases = winapi_test_cases,
};

kunit_test_suite(winapi_test_suite);
