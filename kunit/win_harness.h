/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the suites of Windows' names share.
 */
#ifndef _KMCL_WIN_HARNESS_H
#define _KMCL_WIN_HARNESS_H

#include <kmcl/vmbuskernelmodeclientlibapi.h>

#include "harness.h"

#define EXPECT_STATUS(test, call, status) \
	KUNIT_EXPECT_EQ(test, (NTSTATUS)(call), (NTSTATUS)(status))

/* A description of a buffer; its owner frees it */
static inline PMDL win_describe(struct kunit *test, void *buf, u32 bytes)
{
	PMDL mdl = IoAllocateMdl(buf, bytes, FALSE, FALSE, NULL);

	KUNIT_ASSERT_NOT_NULL(test, mdl);
	MmBuildMdlForNonPagedPool(mdl);
	return mdl;
}

#endif
