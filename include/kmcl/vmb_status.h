/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Convert the library's errnos to Windows' status codes, in results and for
 * callbacks.
 *
 * An errno says what is wrong; a status also says with which parameter. Most
 * errnos can only be about one parameter. Where several are possible, they are
 * checked again, in the order in which the library does it. No locks; any
 * context.
 */
#ifndef _KMCL_VMB_STATUS_H
#define _KMCL_VMB_STATUS_H

#include "mdl.h"
#include "vmb_types.h"

int kmcl_nt_set_target(struct kmcl_channel *ch, const guid_t *type,
		       const guid_t *instance, kmcl_pnp_failure_fn failure);
void kmcl_nt_packet_set_done(struct kmcl_packet *pkt, kmcl_done_fn done);

/* Windows has no KMCL_SEND_MORE: its value is an unknown flag */
static inline UINT32 kmcl_nt_flags(UINT32 Flags)
{
	return Flags & KMCL_SEND_MORE ? U32_MAX : Flags;
}

/* The status of a setter; @bad if it was the value that is wrong */
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

/* The same for a setter that only one endpoint has; @server: the server */
static inline NTSTATUS kmcl_nt_set_endpoint(int ret, VMBCHANNEL Channel,
					    bool server, NTSTATUS bad)
{
	if (kmcl_channel_is_server(Channel) != server)
		bad = STATUS_INVALID_PARAMETER_1;
	return kmcl_nt_set(ret, bad);
}

/* Is memory described, if there is a chain? It is within the channel's limits */
static inline bool kmcl_nt_described(const struct kmcl_mdl *mdl)
{
	bool any = !mdl;

	for (; mdl; mdl = mdl->next) {
		if (!mdl->bytes)
			continue;
		if (mdl->offset >= KMCL_PFN_SIZE || !mdl->pfns ||
		    kmcl_mdl_frames(mdl->offset, mdl->bytes) > mdl->npfns)
			return false;
		any = true;
	}
	return any;
}

/*
 * What sends and synchronous requests share: the third and the fourth parameter,
 * payload and described memory, are wrong; or another error. @described: the
 * memory is described, so that what faulted is the payload.
 */
static inline NTSTATUS kmcl_nt_data(int ret, const struct kmcl_channel *ch,
				    bool described)
{
	switch (ret) {
	case -EMSGSIZE:
		return STATUS_INVALID_PARAMETER_3;
	case -EFAULT:
		if (described)
			break;
		return STATUS_INVALID_PARAMETER_4;
	case -E2BIG:
		return STATUS_INVALID_PARAMETER_4;
	case -EOPNOTSUPP:
		if (kmcl_channel_is_pipe(ch))
			return STATUS_INVALID_PARAMETER_4;
		break;
	}
	return kmcl_ntstatus(ret);
}

/*
 * The status of a send that was not accepted; @flags if the flags are wrong.
 * The fourth parameter of those that have one describes memory.
 */
static inline NTSTATUS kmcl_nt_send(int ret, VMBPACKET Packet, PVOID Buffer,
				    UINT32 BufferLength, bool described,
				    NTSTATUS flags)
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
	default:
		return kmcl_nt_data(ret, kmcl_packet_channel(Packet),
				    described);
	}
}

#endif
