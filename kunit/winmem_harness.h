/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that can be sent under Windows' names, and what the server's end of a
 * loopback channel has got. The callbacks run in softirqs; a case looks at what
 * they left only when they have counted it.
 */
#ifndef _KMCL_WINMEM_HARNESS_H
#define _KMCL_WINMEM_HARNESS_H

#include "win_harness.h"

#define PAGES	4
#define FRAME	4096U
#define WAIT	VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION
#define FORCE	VMBUS_CHANNEL_FORMAT_FLAG_FORCE_MDL_LENGTH
#define PAGED	VMBUS_CHANNEL_FORMAT_FLAG_PAGED_BUFFER

struct winmem_fixture {
	u8 *mem;
	PMDL mdl;		/* two pieces: 100 bytes, and 2 pages */
	PFN_NUMBER pfn[PAGES];
	VMBPACKET packet;
	/* The server's packet */
	VMBPACKETCOMPLETION ctx;
	UINT32 flags;
	u32 packets;
	u32 done;
	bool ending;		/* routines free their packets */
};

extern struct winmem_fixture winmem;

int winmem_init(struct kunit *test);
void winmem_exit(struct kunit *test);
/* The client's packet, which is freed with the test */
VMBPACKET winmem_packet(struct kunit *test);
/* A process callback that keeps the last packet */
EVT_VMB_CHANNEL_PROCESS_PACKET winmem_process;

#endif
