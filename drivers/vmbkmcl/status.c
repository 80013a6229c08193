// SPDX-License-Identifier: GPL-2.0
/*
 * The library's results as NTSTATUS. Pure.
 */
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/kmcl.h>

#include <kmcl/ntstatus.h>

/**
 * kmcl_ntstatus() - a result as Windows' drivers know it
 * @ret: 0, a negative errno, or one with an argument's number, see KMCL_ERR()
 *
 * Context: any.
 * Return: an NTSTATUS; a bad argument's number counts more than its errno.
 */
s32 kmcl_ntstatus(int ret)
{
	static const s32 bad_parameter[] = {
		STATUS_INVALID_PARAMETER,
		STATUS_INVALID_PARAMETER_1, STATUS_INVALID_PARAMETER_2,
		STATUS_INVALID_PARAMETER_3, STATUS_INVALID_PARAMETER_4,
		STATUS_INVALID_PARAMETER_5, STATUS_INVALID_PARAMETER_6,
		STATUS_INVALID_PARAMETER_7, STATUS_INVALID_PARAMETER_8,
	};
	unsigned int arg;

	if (ret >= 0)
		return STATUS_SUCCESS;
	arg = -ret >> 12;
	if (arg && arg < ARRAY_SIZE(bad_parameter))
		return bad_parameter[arg];

	switch (kmcl_errno(ret)) {
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
