/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The VMBus Kernel Mode Client Library under Windows' names.
 *
 * Thin wrappers over <linux/kmcl.h>. Handles are the library's own pointers
 * and callbacks have its own prototypes, so that nothing is translated but
 * status codes and time limits.
 *
 * PASSIVE means process context, may sleep. DISPATCH means that the function
 * may also be called from softirq context, and never sleeps. The init
 * functions (Vmb...InitSet...) are for a channel that is disabled, else they
 * return STATUS_INVALID_PARAMETER_1.
 */
#ifndef _VMBUSKERNELMODECLIENTLIBAPI_H
#define _VMBUSKERNELMODECLIENTLIBAPI_H

#include <linux/kmcl.h>
#include <linux/ktime.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/string.h>

#include "nt.h"

typedef struct kmcl_channel *VMBCHANNEL;
typedef struct kmcl_packet *VMBPACKET;
typedef struct kmcl_completion *VMBPACKETCOMPLETION;

/* Send flags: complete when the peer has; the buffer may fault */
#define VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION	0x1
#define VMBUS_CHANNEL_FORMAT_FLAG_PAGED_BUFFER		0x4

static_assert(VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION == KMCL_SEND_WAIT);
static_assert(VMBUS_CHANNEL_FORMAT_FLAG_PAGED_BUFFER == KMCL_SEND_PAGED);

/* Channel flags: pipe mode */
#define VMBUS_CHANNEL_INIT_FLAG_IS_PIPE		0x1
#define VMBUS_CHANNEL_INIT_FLAGS		0x1

static_assert(VMBUS_CHANNEL_INIT_FLAG_IS_PIPE == KMCL_INIT_PIPE);

#include "kmclserver.h"

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
 * VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT() - no callbacks, version and size
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

/* Channel life */

/**
 * VmbChannelAllocate() - make a channel, disabled, with default settings
 * @Parent: device on whose behalf it is; referenced until cleanup
 * @IsServer: whether it offers, or else connects to an offer
 * @Channel: filled in; ends with VmbChannelCleanup()
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS, STATUS_INSUFFICIENT_RESOURCES,
 * STATUS_INVALID_PARAMETER_1 or _3.
 */
static inline NTSTATUS VmbChannelAllocate(PDEVICE_OBJECT Parent,
					  BOOLEAN IsServer,
					  VMBCHANNEL *Channel)
{
	if (!Parent)
		return STATUS_INVALID_PARAMETER_1;
	return kmcl_ntstatus(__kmcl_channel_alloc(Parent, IsServer, Channel));
}

/**
 * VmbChannelCleanup() - free a disabled channel
 * @Channel: not to be used afterwards; its own packets are freed already
 *
 * Packets that are still queued complete with STATUS_CANCELLED, in order.
 *
 * Context: PASSIVE; not from a callback of this channel.
 */
static inline void VmbChannelCleanup(VMBCHANNEL Channel)
{
	kmcl_channel_free(Channel);
}

/**
 * VmbChannelEnable() - connect to the target, now or when it is offered
 * @Channel: disabled, with a target
 *
 * Context: PASSIVE; does not wait for the peer.
 * Return: STATUS_SUCCESS, STATUS_INVALID_DEVICE_STATE (not disabled, no
 * target, from a callback), STATUS_OBJECT_NAME_COLLISION,
 * STATUS_NO_SUCH_DEVICE, STATUS_INSUFFICIENT_RESOURCES.
 */
static inline NTSTATUS VmbChannelEnable(VMBCHANNEL Channel)
{
	return kmcl_ntstatus(__kmcl_channel_enable(Channel));
}

/**
 * VmbChannelDisable() - close the channel
 * @Channel: in any state
 *
 * Returns when EvtChannelClosed, if it is due, has returned. Waits for
 * the driver to complete what is outstanding.
 *
 * Context: PASSIVE; not from a callback of this channel.
 */
static inline void VmbChannelDisable(VMBCHANNEL Channel)
{
	kmcl_channel_disable(Channel);
}

/**
 * VmbChannelStart() - let packets move, after VmbChannelPause()
 * @Channel: enabled
 *
 * Context: PASSIVE; not from a callback of this channel. Does not wait.
 */
static inline void VmbChannelStart(VMBCHANNEL Channel)
{
	kmcl_channel_start(Channel);
}

/**
 * VmbChannelPause() - stop packets; returns when none is outstanding
 * @Channel: enabled, or disabled to be paused once it is open
 *
 * Context: PASSIVE; not from a callback of this channel.
 */
static inline void VmbChannelPause(VMBCHANNEL Channel)
{
	kmcl_channel_pause(Channel);
}

/* Settings, only while the channel is disabled; all PASSIVE */

/**
 * VmbChannelInitSetClientContextSize() - driver's bytes per incoming packet
 * @Channel: disabled
 * @ContextSize: at most 65536
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1 or _2.
 */
static inline NTSTATUS VmbChannelInitSetClientContextSize(VMBCHANNEL Channel,
							  UINT32 ContextSize)
{
	return kmcl_ntstatus(__kmcl_set_context_size(Channel, ContextSize));
}

/**
 * VmbChannelInitSetFlags() - set the channel's flags
 * @Channel: disabled
 * @Flags: VMBUS_CHANNEL_INIT_FLAG_IS_PIPE or 0; replaces what was set before
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1 or _2.
 */
static inline NTSTATUS VmbChannelInitSetFlags(VMBCHANNEL Channel, UINT32 Flags)
{
	return kmcl_ntstatus(__kmcl_set_flags(Channel, Flags));
}

/**
 * VmbChannelInitSetFriendlyName() - name for messages and counters
 * @Channel: disabled
 * @Name: copied
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1,
 * STATUS_INSUFFICIENT_RESOURCES.
 */
static inline NTSTATUS VmbChannelInitSetFriendlyName(VMBCHANNEL Channel,
						     PCUNICODE_STRING Name)
{
	return kmcl_ntstatus(__kmcl_set_name(Channel, Name));
}

/**
 * VmbChannelInitSetMaximumPacketSize() - largest payload that is ever sent
 * @Channel: disabled, and no packet was made for it yet
 * @PacketSize: bytes
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1 or _2.
 */
static inline NTSTATUS VmbChannelInitSetMaximumPacketSize(VMBCHANNEL Channel,
							  UINT32 PacketSize)
{
	return kmcl_ntstatus(__kmcl_set_max_packet_size(Channel, PacketSize));
}

/**
 * VmbChannelInitSetProcessPacketCallbacks() - who takes incoming packets
 * @Channel: disabled
 * @ProcessPacketCallback: for each packet
 * @ProcessingCompleteCallback: after each batch, or NULL
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1 or _2.
 */
static inline NTSTATUS
VmbChannelInitSetProcessPacketCallbacks(VMBCHANNEL Channel,
					PFN_VMB_CHANNEL_PROCESS_PACKET ProcessPacketCallback,
					PFN_VMB_CHANNEL_PROCESSING_COMPLETE
						ProcessingCompleteCallback)
{
	return kmcl_ntstatus(__kmcl_set_process(Channel, ProcessPacketCallback,
						ProcessingCompleteCallback));
}

/**
 * VmbChannelInitSetStateChangeCallbacks() - set the state callbacks
 * @Channel: disabled
 * @Callbacks: copied
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1, or _2 (version, size).
 */
static inline NTSTATUS
VmbChannelInitSetStateChangeCallbacks(VMBCHANNEL Channel,
				      PVMB_CHANNEL_STATE_CHANGE_CALLBACKS Callbacks)
{
	struct kmcl_channel_ops ops;

	if (!Callbacks || Callbacks->Version != 1 ||
	    Callbacks->Size != sizeof(*Callbacks))
		return STATUS_INVALID_PARAMETER_2;

	ops = (struct kmcl_channel_ops){
		.opened = Callbacks->EvtChannelOpened,
		.closed = Callbacks->EvtChannelClosed,
		.suspend = Callbacks->EvtChannelSuspend,
		.started = Callbacks->EvtChannelStarted,
		.post_started = Callbacks->EvtChannelPostStarted,
	};
	return kmcl_ntstatus(__kmcl_set_ops(Channel, &ops));
}

/**
 * VmbClientChannelInitSetRingBufferPageCount() - size of the rings
 * @Channel: disabled, a client
 * @IncomingPageCount: pages of 4 KiB, control page included
 * @OutgoingPageCount: the same
 *
 * Raised where two of the largest packets would not fit.
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1, _2 or _3.
 */
static inline NTSTATUS
VmbClientChannelInitSetRingBufferPageCount(VMBCHANNEL Channel,
					   UINT32 IncomingPageCount,
					   UINT32 OutgoingPageCount)
{
	return kmcl_ntstatus(__kmcl_set_ring_pages(Channel, IncomingPageCount,
						   OutgoingPageCount));
}

/**
 * VmbClientChannelInitSetTargetPnp() - which device the channel connects to
 * @Channel: disabled, a client
 * @InterfaceType: the device's class
 * @InterfaceInstance: the device, or NULL for any of the class
 * @PnpFailureCallback: called when opening the device failed, or NULL
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1 or _2.
 */
static inline NTSTATUS
VmbClientChannelInitSetTargetPnp(VMBCHANNEL Channel, LPCGUID InterfaceType,
				 LPCGUID InterfaceInstance,
				 PFN_VMB_CHANNEL_PNP_FAILURE PnpFailureCallback)
{
	return kmcl_ntstatus(__kmcl_set_target(Channel, InterfaceType,
					       InterfaceInstance,
					       PnpFailureCallback,
					       KMCL_CB_NTSTATUS));
}

/**
 * VmbServerChannelInitSetTargetInterfaceId() - what the channel is offered as
 * @Channel: disabled, a server
 * @InterfaceType: names the protocol
 * @InterfaceInstance: names this one service
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1.
 */
static inline NTSTATUS
VmbServerChannelInitSetTargetInterfaceId(VMBCHANNEL Channel,
					 GUID InterfaceType,
					 GUID InterfaceInstance)
{
	return kmcl_ntstatus(__kmcl_server_set_target(Channel, &InterfaceType,
						      &InterfaceInstance));
}

/* At any time */

/**
 * VmbChannelGetInterfaceInstance() - instance GUID in use
 * @Channel: in any state
 * @InterfaceInstance: filled in; null while no offer is bound
 *
 * Context: DISPATCH.
 */
static inline void VmbChannelGetInterfaceInstance(VMBCHANNEL Channel,
						  LPGUID InterfaceInstance)
{
	kmcl_get_instance(Channel, InterfaceInstance);
}

/**
 * VmbChannelGetMmioSpace() - memory-mapped I/O that the channel has
 * @Channel: a client, open
 * @MmioAddress: filled in: guest physical address, or 0
 * @MmioSize: filled in: bytes, or 0
 *
 * Context: DISPATCH.
 */
static inline void VmbChannelGetMmioSpace(VMBCHANNEL Channel,
					  UINT64 *MmioAddress, UINT64 *MmioSize)
{
	kmcl_get_mmio(Channel, MmioAddress, MmioSize);
}

/**
 * VmbChannelSetInterruptLatency() - how long the host may hold an interrupt
 * @Channel: a client, from EvtChannelOpened to EvtChannelClosed
 * @Latency: units of 100 ns
 * @OriginalLatency: left alone
 *
 * Context: PASSIVE.
 * Return: STATUS_INVALID_PARAMETER_1, STATUS_INVALID_DEVICE_STATE (not open),
 * else STATUS_NOT_SUPPORTED.
 */
static inline NTSTATUS VmbChannelSetInterruptLatency(VMBCHANNEL Channel,
						     UINT16 Latency,
						     PUINT16 OriginalLatency)
{
	return kmcl_ntstatus(__kmcl_set_latency(Channel, Latency,
						OriginalLatency));
}

/**
 * VmbChannelSetPointer() - keep a pointer of the driver's
 * @Channel: in any state
 * @Pointer: not interpreted, not freed
 *
 * Context: DISPATCH.
 */
static inline void VmbChannelSetPointer(VMBCHANNEL Channel, PVOID Pointer)
{
	kmcl_set_pointer(Channel, Pointer);
}

/**
 * VmbChannelGetPointer() - the driver's pointer, NULL if never set
 * @Channel: in any state
 *
 * Context: DISPATCH.
 * Return: what VmbChannelSetPointer() was given.
 */
static inline PVOID VmbChannelGetPointer(VMBCHANNEL Channel)
{
	return kmcl_get_pointer(Channel);
}

/**
 * VmbChannelSetIncomingProcessingAtPassive() - deliver in process context
 * @Channel: in any state
 * @RequirePassive: TRUE: only at PASSIVE; FALSE: either; from the next batch on
 *
 * Context: DISPATCH.
 */
static inline void
VmbChannelSetIncomingProcessingAtPassive(VMBCHANNEL Channel,
					 BOOLEAN RequirePassive)
{
	kmcl_set_process_context(Channel, RequirePassive);
}

/**
 * VmbChannelSetTransactionQuota() - limit outstanding incoming packets
 * @Channel: in any state
 * @Quota: above 0; raising it does not restart a delivery that stopped
 *
 * Context: DISPATCH.
 */
static inline void VmbChannelSetTransactionQuota(VMBCHANNEL Channel,
						 UINT32 Quota)
{
	kmcl_set_quota(Channel, Quota);
}

/**
 * VmbChannelSizeofPacket() - bytes that VmbPacketInitialize() needs
 * @Channel: in any state; its largest payload is fixed from here on
 *
 * Context: DISPATCH.
 * Return: the size, the same at each call.
 */
static inline UINT32 VmbChannelSizeofPacket(VMBCHANNEL Channel)
{
	return kmcl_packet_size(Channel);
}

/* Incoming packets */

/**
 * VmbChannelPacketComplete() - the driver is done with an incoming packet
 * @PacketCompletionContext: not to be used afterwards
 * @Buffer: completion data for a sender that asked for completion, or NULL;
 *	copied
 * @BufferSize: its bytes
 *
 * Context: DISPATCH. Exactly once per packet, in any order.
 */
static inline void
VmbChannelPacketComplete(VMBPACKETCOMPLETION PacketCompletionContext,
			 PVOID Buffer, UINT32 BufferSize)
{
	kmcl_complete(PacketCompletionContext, Buffer, BufferSize);
}

/**
 * VmbChannelPacketDeferToPassive() - deliver this packet again, at PASSIVE
 * @PacketCompletionContext: not to be used afterwards
 *
 * Context: only inside EvtChannelProcessPacket.
 */
static inline void
VmbChannelPacketDeferToPassive(VMBPACKETCOMPLETION PacketCompletionContext)
{
	kmcl_packet_defer(PacketCompletionContext);
}

/**
 * VmbChannelPacketFail() - the packet is malformed: stop the incoming queue
 * @PacketCompletionContext: not to be used afterwards
 *
 * Context: only inside EvtChannelProcessPacket.
 */
static inline void
VmbChannelPacketFail(VMBPACKETCOMPLETION PacketCompletionContext)
{
	kmcl_packet_fail(PacketCompletionContext);
}

/* Outgoing packets */

/**
 * VmbPacketAllocate() - make a packet, with room for the largest payload
 * @Channel: in any state
 *
 * Its completion routine frees it, until another one is set.
 *
 * Context: DISPATCH.
 * Return: the packet, or NULL.
 */
static inline VMBPACKET VmbPacketAllocate(VMBCHANNEL Channel)
{
	return kmcl_packet_alloc(Channel);
}

/**
 * VmbPacketFree() - free a packet of VmbPacketAllocate()
 * @Packet: neither queued nor waiting for the peer
 *
 * Context: DISPATCH.
 */
static inline void VmbPacketFree(VMBPACKET Packet)
{
	kmcl_packet_free(Packet);
}

/**
 * VmbPacketInitialize() - make a packet in memory of the driver's
 * @Channel: in any state
 * @Packet: the memory, aligned to 8 bytes; stays the driver's
 * @ByteCount: its bytes, at least VmbChannelSizeofPacket()
 *
 * Has no completion routine: set one before sending. Never freed by the
 * library.
 *
 * Context: DISPATCH.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_2 (alignment) or _3.
 */
static inline NTSTATUS VmbPacketInitialize(VMBCHANNEL Channel, VMBPACKET Packet,
					   UINT32 ByteCount)
{
	return kmcl_ntstatus(__kmcl_packet_init(Channel, Packet, ByteCount));
}

/**
 * VmbPacketGetChannel() - the channel a packet belongs to
 * @Packet: in any state
 *
 * Context: DISPATCH.
 * Return: the channel.
 */
static inline VMBCHANNEL VmbPacketGetChannel(VMBPACKET Packet)
{
	return kmcl_packet_channel(Packet);
}

/**
 * VmbPacketSetPointer() - keep a pointer of the driver's with a packet
 * @Packet: in any state
 * @Pointer: not interpreted, not freed
 *
 * Context: DISPATCH.
 */
static inline void VmbPacketSetPointer(VMBPACKET Packet, PVOID Pointer)
{
	kmcl_packet_set_pointer(Packet, Pointer);
}

/**
 * VmbPacketGetPointer() - the driver's pointer, NULL if never set
 * @Packet: in any state
 *
 * Context: DISPATCH.
 * Return: what VmbPacketSetPointer() was given.
 */
static inline PVOID VmbPacketGetPointer(VMBPACKET Packet)
{
	return kmcl_packet_get_pointer(Packet);
}

/**
 * VmbPacketSetCompletionRoutine() - what to call when a packet is done
 * @Packet: neither queued nor waiting for the peer
 * @CompletionRoutine: stays set; NULL: back to the default
 *
 * Context: DISPATCH.
 */
static inline void
VmbPacketSetCompletionRoutine(VMBPACKET Packet,
			      PFN_VMB_PACKET_COMPLETION_ROUTINE CompletionRoutine)
{
	__kmcl_packet_set_done(Packet, CompletionRoutine, KMCL_CB_NTSTATUS);
}

/**
 * VmbPacketSend() - send a packet, or queue it until it can be sent
 * @Packet: the library's until its completion routine is called
 * @Buffer: payload; the driver's again on return
 * @BufferLength: its bytes, at most the largest payload
 * @ExternalDataMdl: NULL
 * @Flags: VMBUS_CHANNEL_FORMAT_FLAG_*
 *
 * A failure means that the packet was not accepted: it is still the driver's,
 * and its completion routine is not called.
 *
 * Context: DISPATCH; PASSIVE with VMBUS_CHANNEL_FORMAT_FLAG_PAGED_BUFFER.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1, _2, _3 or _5;
 * STATUS_NOT_SUPPORTED with an MDL. _5 also for WAIT_FOR_COMPLETION in pipe mode.
 */
static inline NTSTATUS VmbPacketSend(VMBPACKET Packet, PVOID Buffer,
				     UINT32 BufferLength, PMDL ExternalDataMdl,
				     UINT32 Flags)
{
	if (ExternalDataMdl)
		return STATUS_NOT_SUPPORTED;
	return kmcl_ntstatus(__kmcl_send(Packet, Buffer, BufferLength, Flags));
}

#define KMCL_NT_EPOCH	116444736000000000LL	/* 1601 to 1970, in 100 ns */

/*
 * A time limit as KeWaitForSingleObject() takes it, in nanoseconds from now.
 * A point of time is measured against the clock now; one that has passed is no
 * reason to try without queueing, which 0 means, so it becomes the shortest
 * wait.
 */
static inline s64 kmcl_nt_timeout(const LARGE_INTEGER *Timeout)
{
	s64 ticks;

	if (!Timeout)
		return KMCL_NO_TIMEOUT;

	ticks = Timeout->QuadPart;
	if (ticks > 0) {
		s64 now = div_u64(ktime_get_real_ns(), 100) + KMCL_NT_EPOCH;

		if (ticks <= now)
			return 1;
		ticks = now - ticks;
	}
	if (ticks <= -(KMCL_NO_TIMEOUT / 100))
		return KMCL_NO_TIMEOUT;
	return ticks * -100;
}

/**
 * VmbChannelSendSynchronousRequest() - send, and wait
 * @Channel: open; not in EvtChannelOpened, EvtChannelStarted or
 *	EvtChannelClosed
 * @Buffer: payload
 * @BufferSize: its bytes, at most the largest payload
 * @ExternalDataMdl: NULL
 * @Flags: VMBUS_CHANNEL_FORMAT_FLAG_*; without WAIT_FOR_COMPLETION the wait is
 *	only for room in the ring
 * @CompletionBuffer: for the peer's completion data, or NULL
 * @CompletionBufferSize: its bytes, a multiple of 8; set to what was written
 * @Timeout: 100 ns units: NULL for ever; negative from now; positive since
 *	1601-01-01 UTC; 0 neither queues nor waits
 *
 * Context: PASSIVE; DISPATCH if *@Timeout is 0 and WAIT_FOR_COMPLETION is not
 * set.
 * Return: STATUS_SUCCESS; STATUS_BUFFER_OVERFLOW (no room, not queued);
 * STATUS_BUFFER_TOO_SMALL (@CompletionBuffer filled, the size needed stored);
 * STATUS_CANCELLED (time over); STATUS_DEVICE_REMOVED (closed, or closing);
 * STATUS_INVALID_DEVICE_STATE (in a callback that must not wait);
 * STATUS_INVALID_PARAMETER_1, _2, _3, _5, _7 or _8;
 * STATUS_NOT_SUPPORTED with an MDL.
 */
static inline NTSTATUS
VmbChannelSendSynchronousRequest(VMBCHANNEL Channel, PVOID Buffer,
				 UINT32 BufferSize, PMDL ExternalDataMdl,
				 UINT32 Flags, PVOID CompletionBuffer,
				 PUINT32 CompletionBufferSize,
				 PLARGE_INTEGER Timeout)
{
	if (ExternalDataMdl)
		return STATUS_NOT_SUPPORTED;
	return kmcl_ntstatus(__kmcl_send_sync(Channel, Buffer, BufferSize,
					      Flags, CompletionBuffer,
					      CompletionBufferSize,
					      kmcl_nt_timeout(Timeout)));
}

#endif
