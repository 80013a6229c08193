/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the source of a KMCL driver uses around KMCL, under Windows' names and
 * with Windows' semantics: for drivers that are ported.
 *
 * A driver includes this beside vmbuskernelmodeclientlibapi.h, if it wants to;
 * neither that header nor the library includes it. All of it is inline functions
 * and macros, so a driver that uses none of them has nothing of it. Include
 * Linux' own headers before: a name that is a macro there keeps its meaning.
 *
 * PASSIVE and DISPATCH mean what they mean there. On Windows, a function for
 * DISPATCH may be called at PASSIVE as well, and so it may here.
 */
#ifndef _KMCL_NTCOMPAT_H
#define _KMCL_NTCOMPAT_H

#include "ntcompat_types.h"
#include "ntcompat_status.h"
#include "ntcompat_sal.h"
#include "ntcompat_debug.h"
#include "ntcompat_list.h"
#include "ntcompat_pool.h"
#include "ntcompat_rtl.h"
#include "ntcompat_string.h"
#include "ntcompat_lock.h"
#include "ntcompat_interlocked.h"
#include "ntcompat_wait.h"
#include "ntcompat_work.h"

#endif
