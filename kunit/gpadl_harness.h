/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the suites of GPADLs share: memory of the client's, and one GPADL that
 * callbacks and other threads look at. Suites run one at a time.
 */
#ifndef _KMCL_GPADL_HARNESS_H
#define _KMCL_GPADL_HARNESS_H

#include "harness.h"

#define PAGES	4
#define FRAME	4096U

struct gpadl_fixture {
	u8 *mem;
	u32 handle;
	int result;
	bool returned;
};

extern struct gpadl_fixture gpadl_fx;

int gpadl_init(struct kunit *test);

u32 gpadl_create(struct loop *loop, u32 flags, u32 from, u32 bytes);
struct kmcl_mdl *gpadl_map(struct loop *loop, u32 flags, u32 handle);
/* Of an end: deletes gpadl_fx.handle, and notes the result */
void gpadl_delete_handle(void *data);

#endif
