/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Synchronous requests under Windows' names, and time limits as Windows counts
 * them. PASSIVE, except for a request that neither waits nor is queued.
 */
#ifndef _KMCL_VMB_SYNC_H
#define _KMCL_VMB_SYNC_H

#include <linux/ktime.h>
#include <linux/limits.h>

#include "vmb_status.h"

#define KMCL_NT_EPOCH	116444736000000000LL	/* 1601 to 1970, in 100 ns */

/* Is the time limit a time of day, not a time from now? */
static inline bool kmcl_nt_is_time(const LARGE_INTEGER *Timeout)
{
	return Timeout && Timeout->QuadPart > 0;
}

/* Convert a time of day to one that kmcl_send_sync_until() takes */
static inline ktime_t kmcl_nt_time(const LARGE_INTEGER *Timeout)
{
	s64 ticks = Timeout->QuadPart - KMCL_NT_EPOCH;

	/* Before 1970: a limit that has passed, like any other */
	if (ticks <= 0)
		return 0;
	return ticks >= KTIME_MAX / 100 ? KTIME_MAX : ticks * 100;
}

/* Convert a time from now to nanoseconds */
static inline s64 kmcl_nt_timeout(const LARGE_INTEGER *Timeout)
{
	if (!Timeout || Timeout->QuadPart <= -(KMCL_NO_TIMEOUT / 100))
		return KMCL_NO_TIMEOUT;
	return Timeout->QuadPart * -100;
}

/* The parameter of a synchronous request for which the library said -EINVAL */
static inline NTSTATUS kmcl_nt_sync(VMBCHANNEL Channel, PVOID Buffer,
				    UINT32 BufferSize, PMDL ExternalDataMdl,
				    UINT32 Flags, PVOID CompletionBuffer,
				    PUINT32 CompletionBufferSize)
{
	bool wait = Flags & VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION;

	if (!Channel)
		return STATUS_INVALID_PARAMETER_1;
	if (!Buffer && BufferSize)
		return STATUS_INVALID_PARAMETER_2;
	if (Flags & ~(VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION |
		      VMBUS_CHANNEL_FORMAT_FLAG_PAGED_BUFFER) ||
	    (wait ? kmcl_channel_is_pipe(Channel) : !!ExternalDataMdl))
		return STATUS_INVALID_PARAMETER_5;
	if (CompletionBuffer &&
	    (!CompletionBufferSize || *CompletionBufferSize % 8))
		return STATUS_INVALID_PARAMETER_7;
	return STATUS_INVALID_PARAMETER_8;
}

/**
 * VmbChannelSendSynchronousRequest() - send a packet and wait for its end
 * @Channel: enabled; the packet is queued while the channel is not open, or
 *	paused
 * @Buffer: payload
 * @BufferSize: its bytes, at most the largest payload
 * @ExternalDataMdl: see VmbPacketSend(); after STATUS_CANCELLED and
 *	STATUS_DEVICE_REMOVED the peer may use the memory until the channel is
 *	closed
 * @Flags: VMBUS_CHANNEL_FORMAT_FLAG_*; without WAIT_FOR_COMPLETION the packet
 *	ends when it is written into the ring
 * @CompletionBuffer: kernel memory for the data of the peer's completion, or
 *	NULL
 * @CompletionBufferSize: its bytes, a multiple of 8, which may be more than the
 *	largest packet; set to the bytes of data, 0 without a buffer
 * @Timeout: time limit in units of 100 ns: NULL: none; negative: from now on;
 *	positive: a time of day, since 1601-01-01 UTC, which follows the clock
 *	when that is set; 0: do not queue and do not wait
 *
 * Context: PASSIVE; DISPATCH if *@Timeout is 0 and WAIT_FOR_COMPLETION is not
 * set, and for a server only that.
 * Return: STATUS_SUCCESS; STATUS_BUFFER_OVERFLOW (not to be queued, and there
 * is no room); STATUS_BUFFER_TOO_SMALL (the data were cut;
 * *@CompletionBufferSize is what they need); STATUS_CANCELLED (time limit, or
 * the task is being killed); STATUS_DEVICE_REMOVED (disabled, closing or
 * closed); STATUS_INVALID_DEVICE_STATE (in EvtChannelOpened, EvtChannelStarted,
 * EvtChannelProcessPacket or a completion routine, which must not wait);
 * STATUS_INSUFFICIENT_RESOURCES; STATUS_INVALID_PARAMETER_1, _2, _3, _4, _5, _7
 * or _8; STATUS_NOT_SUPPORTED (an MDL on a server); STATUS_ACCESS_VIOLATION (see
 * VmbPacketSend()).
 */
static inline NTSTATUS
VmbChannelSendSynchronousRequest(VMBCHANNEL Channel, PVOID Buffer,
				 UINT32 BufferSize, PMDL ExternalDataMdl,
				 UINT32 Flags, PVOID CompletionBuffer,
				 PUINT32 CompletionBufferSize,
				 PLARGE_INTEGER Timeout)
{
	const struct kmcl_mdl *mdl = kmcl_from_mdl(ExternalDataMdl);
	int ret;

	if (kmcl_nt_is_time(Timeout))
		ret = kmcl_send_sync_until(Channel, Buffer, BufferSize, mdl,
					   Flags, CompletionBuffer,
					   CompletionBufferSize,
					   kmcl_nt_time(Timeout));
	else
		ret = kmcl_send_sync_mdl(Channel, Buffer, BufferSize, mdl,
					 Flags, CompletionBuffer,
					 CompletionBufferSize,
					 kmcl_nt_timeout(Timeout));

	switch (ret) {
	case 0:
		return STATUS_SUCCESS;
	case -EINVAL:
		return kmcl_nt_sync(Channel, Buffer, BufferSize,
				    ExternalDataMdl, Flags, CompletionBuffer,
				    CompletionBufferSize);
	default:
		return kmcl_nt_data(ret, Channel, ret != -EFAULT ||
				    kmcl_nt_described(mdl));
	}
}

#endif
