/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From the library's errnos to Windows' statuses, in results and callbacks.
 *
 * The library says what is wrong; Windows also wants to know with which
 * parameter. Most errnos have one parameter that they can be about. Where there
 * are several, the parameters are looked at in the order in which the library
 * checks them. No locks; any context.
 */
#ifndef _KMCL_VMB_STATUS_H
#define _KMCL_VMB_STATUS_H

#include "vmb_types.h"

int kmcl_nt_set_target(struct kmcl_channel *ch, const guid_t *type,
		       const guid_t *instance, kmcl_pnp_failure_fn failure);
void kmcl_nt_packet_set_done(struct kmcl_packet *pkt, kmcl_done_fn done);

/* A setter, @bad if the value is wrong */
static inline NTSTATUS kmcl_nt_set(int ret, NTSTATUS bad)
{
	switch (ret) {
	case -EBUSY:
		return STATUS_INVALID_PARAMETER_1;
	case -EINVAL:
		return bad;
	default:
		return kmcl_ntstatus(ret);
	}
}

/* A setter that only one endpoint has: @server tells which */
static inline NTSTATUS kmcl_nt_set_endpoint(int ret, VMBCHANNEL Channel,
					    bool server, NTSTATUS bad)
{
	if (kmcl_channel_is_server(Channel) != server)
		bad = STATUS_INVALID_PARAMETER_1;
	return kmcl_nt_set(ret, bad);
}

/*
 * A send that was not accepted; @flags: the status of wrong flags. A memory
 * description, where there is one, is the fourth parameter.
 */
static inline NTSTATUS kmcl_nt_send(int ret, VMBPACKET Packet, PVOID Buffer,
				    UINT32 BufferLength, NTSTATUS flags)
{
	switch (ret) {
	case -EINVAL:
		if (!Packet)
			return STATUS_INVALID_PARAMETER_1;
		if (!Buffer && BufferLength)
			return STATUS_INVALID_PARAMETER_2;
		return flags;
	case -ENOENT:
	case -EBUSY:
		return STATUS_INVALID_PARAMETER_1;
	case -EMSGSIZE:
		return STATUS_INVALID_PARAMETER_3;
	case -EFAULT:
	case -E2BIG:
		return STATUS_INVALID_PARAMETER_4;
	case -EOPNOTSUPP:
		if (kmcl_channel_is_pipe(kmcl_packet_channel(Packet)))
			return STATUS_INVALID_PARAMETER_4;
		break;
	}
	return kmcl_ntstatus(ret);
}

#endif
