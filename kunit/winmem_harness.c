// SPDX-License-Identifier: GPL-2.0
/*
 * Memory for the suites of external data, see winmem_harness.h.
 */
#include <linux/mm.h>
#include <linux/vmalloc.h>

#include "winmem_harness.h"

struct winmem_fixture winmem;

VOID winmem_process(VMBCHANNEL Channel, VMBPACKETCOMPLETION Packet,
		    PVOID Buffer, UINT32 BufferLength, UINT32 Flags)
{
	winmem.ctx = Packet;
	winmem.flags = Flags;
	WRITE_ONCE(winmem.packets, winmem.packets + 1);
	wake_up_all(&loop_end(Channel)->wait);
}

static VOID packet_done(VMBPACKET Packet, NTSTATUS Status, PVOID Buffer,
			UINT32 BufferLength)
{
	WRITE_ONCE(winmem.done, winmem.done + 1);
	wake_up_all(&loop_end(VmbPacketGetChannel(Packet))->wait);
	if (winmem.ending)
		VmbPacketFree(Packet);
}

int winmem_init(struct kunit *test)
{
	int ret = loop_init(test);
	struct loop *loop = test->priv;
	u32 i;

	memset(&winmem, 0, sizeof(winmem));
	if (ret)
		return ret;
	winmem.mem = loop_memory(test, PAGES);
	for (i = 0; i < PAGES; i++)
		winmem.pfn[i] = page_to_pfn(vmalloc_to_page(winmem.mem + i * PAGE_SIZE));
	winmem.mdl = win_describe(test, winmem.mem + 50, 100);
	winmem.mdl->Next = win_describe(test, winmem.mem + FRAME, 2 * FRAME);
	return kmcl_set_process(loop->server.ch, winmem_process, NULL);
}

void winmem_exit(struct kunit *test)
{
	struct loop *loop = test->priv;

	if (winmem.ctx)
		VmbChannelPacketComplete(winmem.ctx, NULL, 0);
	if (winmem.packet) {
		kmcl_channel_disable(loop->client.ch);
		winmem.ending = winmem.packet->state != KMCL_PKT_IDLE;
		if (!winmem.ending)
			VmbPacketFree(winmem.packet);
	}
	loop_exit(test);
	if (winmem.mdl)
		IoFreeMdl(winmem.mdl->Next);
	IoFreeMdl(winmem.mdl);
}

VMBPACKET winmem_packet(struct kunit *test)
{
	struct loop *loop = test->priv;

	winmem.packet = VmbPacketAllocate(loop->client.ch);
	KUNIT_ASSERT_NOT_NULL(test, winmem.packet);
	VmbPacketSetCompletionRoutine(winmem.packet, packet_done);
	return winmem.packet;
}
