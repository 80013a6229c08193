// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that GPADLs are made of, see gpadl_harness.h.
 */
#include "gpadl_harness.h"

struct gpadl_fixture gpadl_fx;

int gpadl_init(struct kunit *test)
{
	int ret = loop_init(test);

	memset(&gpadl_fx, 0, sizeof(gpadl_fx));
	if (!ret)
		gpadl_fx.mem = loop_memory(test, PAGES);
	return ret;
}

u32 gpadl_create(struct loop *loop, u32 flags, u32 from, u32 bytes)
{
	u32 handle = 0;

	KUNIT_ASSERT_EQ(loop->test, 0,
			kmcl_gpadl_create(loop->client.ch, flags, gpadl_fx.mem + from,
					  bytes, &handle));
	KUNIT_EXPECT_NE(loop->test, handle, 0);
	return handle;
}

struct kmcl_mdl *gpadl_map(struct loop *loop, u32 flags, u32 handle)
{
	struct kmcl_mdl *mdl = NULL;

	KUNIT_ASSERT_EQ(loop->test, 0, kmcl_gpadl_map(loop->server.ch, flags,
						      handle, &mdl));
	KUNIT_ASSERT_NOT_NULL(loop->test, mdl);
	return mdl;
}

void gpadl_delete_handle(void *data)
{
	struct end *e = data;

	gpadl_fx.result = kmcl_gpadl_delete(e->ch, gpadl_fx.handle);
	WRITE_ONCE(gpadl_fx.returned, true);
	wake_up_all(&e->wait);
}
