/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Settings of a channel under Windows' names, for both endpoints or clients.
 *
 * All are PASSIVE, and for a channel that is disabled, else they return
 * STATUS_INVALID_PARAMETER_1. The driver does not enable it at the same time.
 */
#ifndef _KMCL_VMB_SETTINGS_H
#define _KMCL_VMB_SETTINGS_H

#include "vmb_status.h"

/**
 * VmbChannelInitSetClientContextSize() - set the size of the driver's memory
 *	with each incoming packet
 * @Channel: disabled
 * @ContextSize: bytes, at most 65536
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1 or _2.
 */
static inline NTSTATUS VmbChannelInitSetClientContextSize(VMBCHANNEL Channel,
							  UINT32 ContextSize)
{
	return kmcl_nt_set(kmcl_set_context_size(Channel, ContextSize),
			   STATUS_INVALID_PARAMETER_2);
}

/**
 * VmbChannelInitSetFlags() - set the channel's flags
 * @Channel: disabled
 * @Flags: VMBUS_CHANNEL_INIT_FLAG_IS_PIPE or 0; replaces what was set before.
 *	Linux has KMCL_INIT_GIVE_BACK as well, see kmcl_set_flags()
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1 or _2.
 */
static inline NTSTATUS VmbChannelInitSetFlags(VMBCHANNEL Channel, UINT32 Flags)
{
	return kmcl_nt_set(kmcl_set_flags(Channel, Flags),
			   STATUS_INVALID_PARAMETER_2);
}

/**
 * VmbChannelInitSetFriendlyName() - set the name for messages and counters
 * @Channel: disabled
 * @Name: copied; NULL for none
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1 or _2 (a length without a
 * buffer), STATUS_INSUFFICIENT_RESOURCES.
 */
static inline NTSTATUS VmbChannelInitSetFriendlyName(VMBCHANNEL Channel,
						     PCUNICODE_STRING Name)
{
	int ret;

	if (Name)
		ret = kmcl_set_name_utf16(Channel, Name->Buffer,
					  Name->Length / sizeof(WCHAR));
	else
		ret = kmcl_set_name(Channel, NULL);
	return kmcl_nt_set(ret, STATUS_INVALID_PARAMETER_2);
}

/**
 * VmbChannelInitSetMaximumPacketSize() - set the size of the largest payload
 * @Channel: disabled, without packets so far
 * @PacketSize: bytes, at most 524264
 *
 * Of a packet in either direction: a longer one is not sent, and one that
 * arrives is dropped and counted, and not completed.
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1 or _2.
 */
static inline NTSTATUS VmbChannelInitSetMaximumPacketSize(VMBCHANNEL Channel,
							  UINT32 PacketSize)
{
	return kmcl_nt_set(kmcl_set_max_packet_size(Channel, PacketSize),
			   STATUS_INVALID_PARAMETER_2);
}

/**
 * VmbChannelInitSetProcessPacketCallbacks() - set the packet callbacks
 * @Channel: disabled
 * @ProcessPacketCallback: called for each incoming packet
 * @ProcessingCompleteCallback: called when delivery stops, or NULL
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
	return kmcl_nt_set(kmcl_set_process(Channel, ProcessPacketCallback,
					    ProcessingCompleteCallback),
			   STATUS_INVALID_PARAMETER_2);
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
	return kmcl_nt_set(kmcl_set_ops(Channel, &ops),
			   STATUS_INVALID_PARAMETER_2);
}

/**
 * VmbClientChannelInitSetRingBufferPageCount() - set the ring sizes
 * @Channel: disabled, a client
 * @IncomingPageCount: pages of 4 KiB, control page included
 * @OutgoingPageCount: the same
 *
 * The count is that of the pages which the client gives to the ring, and one of
 * them is the control page: a count of 2 has 4096 bytes of data. A ring in which
 * two of the largest packets do not fit is made larger, and none smaller. Where
 * pages are larger than 4 KiB, the data are rounded up to whole ones. Where memory
 * is too fragmented for such rings, they are smaller, with a message, but have room
 * for two of the largest packets, see kmcl_set_ring_pages().
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1, _2 or _3.
 */
static inline NTSTATUS
VmbClientChannelInitSetRingBufferPageCount(VMBCHANNEL Channel,
					   UINT32 IncomingPageCount,
					   UINT32 OutgoingPageCount)
{
	int ret = kmcl_set_ring_pages(Channel, IncomingPageCount,
				      OutgoingPageCount);
	bool incoming = !IncomingPageCount ||
			IncomingPageCount > KMCL_RING_PAGES_MAX;

	return kmcl_nt_set_endpoint(ret, Channel, false, incoming ?
				    STATUS_INVALID_PARAMETER_2 :
				    STATUS_INVALID_PARAMETER_3);
}

/**
 * VmbClientChannelInitSetTargetPnp() - set the device to bind to
 * @Channel: disabled, a client
 * @InterfaceType: class of the device
 * @InterfaceInstance: the device, or NULL for any of the class
 * @PnpFailureCallback: called when the device is there and cannot be opened, or
 *	NULL
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1 or _2.
 */
static inline NTSTATUS
VmbClientChannelInitSetTargetPnp(VMBCHANNEL Channel, LPCGUID InterfaceType,
				 LPCGUID InterfaceInstance,
				 PFN_VMB_CHANNEL_PNP_FAILURE PnpFailureCallback)
{
	int ret = kmcl_nt_set_target(Channel, InterfaceType, InterfaceInstance,
				     PnpFailureCallback);

	return kmcl_nt_set_endpoint(ret, Channel, false,
				    STATUS_INVALID_PARAMETER_2);
}

#endif
