/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KMCL's handles, constants and callback types.
 *
 * Types only, but for VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT(). Each callback
 * says in which context it runs: PASSIVE means process context, may sleep;
 * DISPATCH means softirq context as well.
 */
#ifndef _KMCL_VMB_TYPES_H
#define _KMCL_VMB_TYPES_H

#include <linux/kmcl.h>
#include <linux/string.h>

#include "nt.h"

typedef struct kmcl_channel *VMBCHANNEL;
typedef struct kmcl_packet *VMBPACKET;
typedef struct kmcl_context *VMBPACKETCOMPLETION;

/* Send flags: complete when the peer has */
#define VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION	0x1
/* The external data may go past its MDL, up to the end of the last page */
#define VMBUS_CHANNEL_FORMAT_FLAG_FORCE_MDL_LENGTH	0x2
/* The buffer may fault: copied while that is allowed */
#define VMBUS_CHANNEL_FORMAT_FLAG_PAGED_BUFFER		0x4
#define VMBUS_CHANNEL_FORMAT_FLAGS \
	(VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION | \
	 VMBUS_CHANNEL_FORMAT_FLAG_FORCE_MDL_LENGTH | \
	 VMBUS_CHANNEL_FORMAT_FLAG_PAGED_BUFFER)

/* GPADLs: the server only reads. A hint for the server, no protection */
#define VMBUS_CHANNEL_GPADL_FLAG_READ_ONLY		0x1
#define VMBUS_CHANNEL_GPADL_FLAGS \
	VMBUS_CHANNEL_GPADL_FLAG_READ_ONLY

/* VmbChannelInitSetFlags() */
#define VMBUS_CHANNEL_INIT_FLAG_IS_PIPE			0x1
#define VMBUS_CHANNEL_INIT_FLAGS \
	VMBUS_CHANNEL_INIT_FLAG_IS_PIPE

/* EvtChannelProcessPacket: the packet has external data */
#define VMBUS_CHANNEL_PROCESS_PACKET_FLAG_EXTERNAL_DATA	0x1
#define VMBUS_CHANNEL_PROCESS_PACKET_FLAGS \
	VMBUS_CHANNEL_PROCESS_PACKET_FLAG_EXTERNAL_DATA

/* VmbChannelPacketGetExternalData(): it will only be read */
#define VMBUS_CHANNEL_PACKET_EXTERNAL_DATA_FLAG_READ_ONLY 0x1
#define VMBUS_CHANNEL_PACKET_EXTERNAL_DATA_FLAGS \
	VMBUS_CHANNEL_PACKET_EXTERNAL_DATA_FLAG_READ_ONLY

static_assert(VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION == KMCL_SEND_WAIT);
static_assert(VMBUS_CHANNEL_FORMAT_FLAG_PAGED_BUFFER == KMCL_SEND_PAGED);
static_assert(VMBUS_CHANNEL_INIT_FLAG_IS_PIPE == KMCL_INIT_PIPE);

/*
 * State callbacks: PASSIVE, one at a time per channel, no lock of the library
 * held. They must not enable, disable, start, pause or clean up their channel.
 */

/* The link is up, nothing moves yet; a failure undoes the open */
typedef NTSTATUS EVT_VMB_CHANNEL_OPENED(VMBCHANNEL Channel);
typedef EVT_VMB_CHANNEL_OPENED *
	PFN_VMB_CHANNEL_OPENED;

/* Closed: packets are queued from here on, not sent */
typedef VOID EVT_VMB_CHANNEL_CLOSED(VMBCHANNEL Channel);
typedef EVT_VMB_CHANNEL_CLOSED *
	PFN_VMB_CHANNEL_CLOSED;

/* Nothing is delivered any more: complete what is outstanding, stop sending */
typedef VOID EVT_VMB_CHANNEL_SUSPEND(VMBCHANNEL Channel);
typedef EVT_VMB_CHANNEL_SUSPEND *
	PFN_VMB_CHANNEL_SUSPEND;

/* About to run; may queue packets, must not wait for traffic */
typedef VOID EVT_VMB_CHANNEL_STARTED(VMBCHANNEL Channel);
typedef EVT_VMB_CHANNEL_STARTED *
	PFN_VMB_CHANNEL_STARTED;

/* Running: may wait for traffic */
typedef VOID EVT_VMB_CHANNEL_POST_STARTED(VMBCHANNEL Channel);
typedef EVT_VMB_CHANNEL_POST_STARTED *
	PFN_VMB_CHANNEL_POST_STARTED;

/*
 * One incoming packet. DISPATCH, unless PASSIVE was asked for. Complete it now
 * or later, defer it or fail it; @Buffer is valid, and writable, until then.
 */
typedef VOID EVT_VMB_CHANNEL_PROCESS_PACKET(VMBCHANNEL Channel,
					    VMBPACKETCOMPLETION Packet,
					    PVOID Buffer, UINT32 BufferLength,
					    UINT32 Flags);
typedef EVT_VMB_CHANNEL_PROCESS_PACKET *
	PFN_VMB_CHANNEL_PROCESS_PACKET;

/* Delivery stops after @PacketsProcessed packets. As the previous one */
typedef VOID EVT_VMB_CHANNEL_PROCESSING_COMPLETE(VMBCHANNEL Channel,
						 UINT32 PacketsProcessed);
typedef EVT_VMB_CHANNEL_PROCESSING_COMPLETE *
	PFN_VMB_CHANNEL_PROCESSING_COMPLETE;

/* The device was there, and opening it failed. PASSIVE */
typedef VOID EVT_VMB_CHANNEL_PNP_FAILURE(VMBCHANNEL Channel,
					 NTSTATUS FailureStatus);
typedef EVT_VMB_CHANNEL_PNP_FAILURE *
	PFN_VMB_CHANNEL_PNP_FAILURE;

/*
 * Exactly once for each packet that a send accepted, perhaps before the send
 * has returned. DISPATCH. The packet is the driver's from here on; @Buffer,
 * the peer's completion data or NULL, is valid only during the call.
 */
typedef VOID EVT_VMB_PACKET_COMPLETION_ROUTINE(VMBPACKET Packet,
					       NTSTATUS Status, PVOID Buffer,
					       UINT32 BufferLength);
typedef EVT_VMB_PACKET_COMPLETION_ROUTINE *
	PFN_VMB_PACKET_COMPLETION_ROUTINE;

/*
 * A server saves a packet that is queued or in flight: PASSIVE. Without room,
 * or with too little, set @BytesNeeded and fail; the driver's own state only.
 */
typedef NTSTATUS EVT_VMB_CHANNEL_SAVE_PACKET(VMBCHANNEL Channel,
					     VMBPACKET Packet, PVOID SaveBuffer,
					     UINT32 SaveBufferSize,
					     PUINT32 BytesNeeded);
typedef EVT_VMB_CHANNEL_SAVE_PACKET *
	PFN_VMB_CHANNEL_SAVE_PACKET;

/*
 * The way back: allocate a packet, give it @LibraryBuffer with
 * VmbPacketRestore(), and the driver's state from @SaveBuffer. PASSIVE
 */
typedef NTSTATUS EVT_VMB_CHANNEL_RESTORE_PACKET(VMBCHANNEL Channel,
						PVOID LibraryBuffer,
						UINT32 LibraryBufferSize,
						PVOID SaveBuffer,
						UINT32 SaveBufferSize);
typedef EVT_VMB_CHANNEL_RESTORE_PACKET *
	PFN_VMB_CHANNEL_RESTORE_PACKET;

/* All optional. Layout as on Windows */
typedef struct _VMB_CHANNEL_STATE_CHANGE_CALLBACKS {
	ULONG Version;
	ULONG Size;
	PFN_VMB_CHANNEL_OPENED EvtChannelOpened;
	PFN_VMB_CHANNEL_CLOSED EvtChannelClosed;
	PFN_VMB_CHANNEL_SUSPEND EvtChannelSuspend;
	PFN_VMB_CHANNEL_STARTED EvtChannelStarted;
	PFN_VMB_CHANNEL_POST_STARTED EvtChannelPostStarted;
} VMB_CHANNEL_STATE_CHANGE_CALLBACKS, *PVMB_CHANNEL_STATE_CHANGE_CALLBACKS;

static_assert(sizeof(VMB_CHANNEL_STATE_CHANGE_CALLBACKS) ==
	      2 * sizeof(ULONG) + 5 * sizeof(void *));

/**
 * VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT() - initialise without callbacks
 * @Callbacks: what to initialize
 *
 * Context: DISPATCH.
 */
static inline void
VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT(PVMB_CHANNEL_STATE_CHANGE_CALLBACKS Callbacks)
{
	memset(Callbacks, 0, sizeof(*Callbacks));
	Callbacks->Version = 1;
	Callbacks->Size = sizeof(*Callbacks);
}

#endif
