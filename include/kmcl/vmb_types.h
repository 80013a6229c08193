/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KMCL's handles, constants and callback types.
 *
 * Each callback type says in which context it runs: PASSIVE means process
 * context, may sleep; DISPATCH means softirq context or process context, must
 * not sleep.
 */
#ifndef _KMCL_VMB_TYPES_H
#define _KMCL_VMB_TYPES_H

#include <linux/kmcl.h>
#include <linux/string.h>

#include "nt.h"

typedef struct kmcl_channel *VMBCHANNEL;
typedef struct kmcl_packet *VMBPACKET;
typedef struct kmcl_context *VMBPACKETCOMPLETION;

/* Send flags. The packet ends with the peer's completion */
#define VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION	0x1
/* The external data may go past its MDL, up to the end of the last page */
#define VMBUS_CHANNEL_FORMAT_FLAG_FORCE_MDL_LENGTH	0x2
/* Reading the buffer may fault: it is copied before a lock is taken */
#define VMBUS_CHANNEL_FORMAT_FLAG_PAGED_BUFFER		0x4
#define VMBUS_CHANNEL_FORMAT_FLAGS \
	(VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION | \
	 VMBUS_CHANNEL_FORMAT_FLAG_FORCE_MDL_LENGTH | \
	 VMBUS_CHANNEL_FORMAT_FLAG_PAGED_BUFFER)

/* GPADLs: the server only reads. A hint for the server, not a protection */
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

/* VmbChannelPacketGetExternalData(): the driver only reads the memory */
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

/* The link is up, no packet is sent or delivered yet; a failure closes it */
typedef NTSTATUS EVT_VMB_CHANNEL_OPENED(VMBCHANNEL Channel);
typedef EVT_VMB_CHANNEL_OPENED *
	PFN_VMB_CHANNEL_OPENED;

/* The channel is closed: packets are queued from here on, not sent */
typedef VOID EVT_VMB_CHANNEL_CLOSED(VMBCHANNEL Channel);
typedef EVT_VMB_CHANNEL_CLOSED *
	PFN_VMB_CHANNEL_CLOSED;

/* Delivery has stopped: complete what is outstanding, and stop sending */
typedef VOID EVT_VMB_CHANNEL_SUSPEND(VMBCHANNEL Channel);
typedef EVT_VMB_CHANNEL_SUSPEND *
	PFN_VMB_CHANNEL_SUSPEND;

/* Packets are sent and delivered once it has returned; must not wait for any */
typedef VOID EVT_VMB_CHANNEL_STARTED(VMBCHANNEL Channel);
typedef EVT_VMB_CHANNEL_STARTED *
	PFN_VMB_CHANNEL_STARTED;

/* Packets are sent and delivered; may wait for them */
typedef VOID EVT_VMB_CHANNEL_POST_STARTED(VMBCHANNEL Channel);
typedef EVT_VMB_CHANNEL_POST_STARTED *
	PFN_VMB_CHANNEL_POST_STARTED;

/*
 * An incoming packet. Complete it, now or later, or defer or fail it in the
 * callback; @Buffer is valid, and writable, until then. DISPATCH, unless the
 * driver has asked for PASSIVE.
 */
typedef VOID EVT_VMB_CHANNEL_PROCESS_PACKET(VMBCHANNEL Channel,
					    VMBPACKETCOMPLETION Packet,
					    PVOID Buffer, UINT32 BufferLength,
					    UINT32 Flags);
typedef EVT_VMB_CHANNEL_PROCESS_PACKET *
	PFN_VMB_CHANNEL_PROCESS_PACKET;

/* Delivery stops after @PacketsProcessed packets. Context as for these */
typedef VOID EVT_VMB_CHANNEL_PROCESSING_COMPLETE(VMBCHANNEL Channel,
						 UINT32 PacketsProcessed);
typedef EVT_VMB_CHANNEL_PROCESSING_COMPLETE *
	PFN_VMB_CHANNEL_PROCESSING_COMPLETE;

/* The device is there and cannot be opened. PASSIVE */
typedef VOID EVT_VMB_CHANNEL_PNP_FAILURE(VMBCHANNEL Channel,
					 NTSTATUS FailureStatus);
typedef EVT_VMB_CHANNEL_PNP_FAILURE *
	PFN_VMB_CHANNEL_PNP_FAILURE;

/*
 * A packet has ended. Called exactly once for each send that was accepted,
 * perhaps before the send call returns. The packet belongs to the driver again.
 * @Buffer, the data of the peer's completion or NULL, is valid only during the
 * call. STATUS_BUFFER_OVERFLOW: the peer has completed it with more data than the
 * channel's largest packet, which are lost. DISPATCH.
 */
typedef VOID EVT_VMB_PACKET_COMPLETION_ROUTINE(VMBPACKET Packet,
					       NTSTATUS Status, PVOID Buffer,
					       UINT32 BufferLength);
typedef EVT_VMB_PACKET_COMPLETION_ROUTINE *
	PFN_VMB_PACKET_COMPLETION_ROUTINE;

/*
 * Save the driver's state of a packet that is queued or in flight. If
 * @SaveBufferSize is too small, as the 0 of the first call is, set @BytesNeeded
 * and fail: the callback is called again. PASSIVE.
 */
typedef NTSTATUS EVT_VMB_CHANNEL_SAVE_PACKET(VMBCHANNEL Channel,
					     VMBPACKET Packet, PVOID SaveBuffer,
					     UINT32 SaveBufferSize,
					     PUINT32 BytesNeeded);
typedef EVT_VMB_CHANNEL_SAVE_PACKET *
	PFN_VMB_CHANNEL_SAVE_PACKET;

/*
 * Restore a packet: allocate one, pass it to VmbPacketRestore() along with
 * @LibraryBuffer, and restore the driver's state from @SaveBuffer. PASSIVE.
 */
typedef NTSTATUS EVT_VMB_CHANNEL_RESTORE_PACKET(VMBCHANNEL Channel,
						PVOID LibraryBuffer,
						UINT32 LibraryBufferSize,
						PVOID SaveBuffer,
						UINT32 SaveBufferSize);
typedef EVT_VMB_CHANNEL_RESTORE_PACKET *
	PFN_VMB_CHANNEL_RESTORE_PACKET;

/* All callbacks are optional. Layout as on Windows */
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
 * @Callbacks: what to initialise
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
