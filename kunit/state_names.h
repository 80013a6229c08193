/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names of states and events, for suites that go through the table.
 */
#ifndef _KMCL_STATE_NAMES_H
#define _KMCL_STATE_NAMES_H

#include <linux/array_size.h>
#include <linux/build_bug.h>

#include "state.h"

#define ST(name)	KMCL_ST_##name
#define EV(name)	KMCL_EV_##name

static const char * const state_names[] = {
	"Disabled", "Enabled", "Opened", "Starting", "Active", "Paused",
	"Closed",
};

static const char * const event_names[] = {
	"none", "enable", "link", "open-ok", "open-refused", "open-undone",
	"open-undone-old", "start", "go", "post", "pause", "disable",
	"disable-old", "dead", "lost", "freeze", "freeze-old", "done",
	"done-disable", "done-dead", "done-freeze", "done-freeze-old",
};

static_assert(ARRAY_SIZE(state_names) == KMCL_ST_COUNT);
static_assert(ARRAY_SIZE(event_names) == KMCL_EV_COUNT);

#endif
