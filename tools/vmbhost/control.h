/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The control language and scenarios. The layer above channel.h. Serialised by
 * vm->lock.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include "host.h"

/* control.c */
int control_run(struct vmbus *bus, const char *line, char *reply, size_t size);

/* scenario.c */
int scenario_load(struct vmbus *bus, const char *path);
void scenario_run(struct vmbus *bus, uint64_t now);

#endif
