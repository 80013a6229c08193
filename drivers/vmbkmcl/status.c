// SPDX-License-Identifier: GPL-2.0
/*
 * Conversion of errnos to NTSTATUS. Pure: no locks, and in any context.
 */
#include <linux/export.h>
#include <linux/errno.h>
#include <kmcl/ntstatus.h>

/**
 * kmcl_ntstatus() - convert an errno to an NTSTATUS
 * @ret: a negative errno, or 0 and above for success
 *
 * Context: any.
 * Return: an NTSTATUS; STATUS_INVALID_PARAMETER does not say which one.
 */
NTSTATUS kmcl_ntstatus(int ret)
{
	if (ret >= 0)
		return STATUS_SUCCESS;

	switch (ret) {
	case -EINVAL:
		return STATUS_INVALID_PARAMETER;
	case -EINPROGRESS:
		return STATUS_PENDING;
	case -EAGAIN:
	case -EMSGSIZE:
		return STATUS_BUFFER_OVERFLOW;
	case -ENOSPC:
		return STATUS_BUFFER_TOO_SMALL;
	case -ECANCELED:
	case -EINTR:
		return STATUS_CANCELLED;
	case -ENODEV:
		return STATUS_DEVICE_REMOVED;
	case -EBADF:
		return STATUS_INVALID_HANDLE;
	case -ENXIO:
		return STATUS_NO_SUCH_DEVICE;
	case -EACCES:
		return STATUS_ACCESS_DENIED;
	case -EFAULT:
		return STATUS_ACCESS_VIOLATION;
	case -EEXIST:
		return STATUS_OBJECT_NAME_COLLISION;
	case -ENOMEM:
		return STATUS_INSUFFICIENT_RESOURCES;
	case -EOPNOTSUPP:
		return STATUS_NOT_SUPPORTED;
	case -EBUSY:
	case -ENOTCONN:
	case -EDEADLK:
		return STATUS_INVALID_DEVICE_STATE;
	case -EPROTO:
		return STATUS_DEVICE_PROTOCOL_ERROR;
	case -ENOENT:
		return STATUS_NOT_FOUND;
	default:
		return STATUS_UNSUCCESSFUL;
	}
}
EXPORT_SYMBOL_GPL(kmcl_ntstatus);
