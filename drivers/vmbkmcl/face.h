/* SPDX-License-Identifier: GPL-2.0 */
/* Declarations for the files of the top layer and for loopback.c. */
#ifndef _KMCL_FACE_H
#define _KMCL_FACE_H

#include <linux/types.h>

struct kmcl_channel;
struct kset;

/* loopback.c */
u16 kmcl_offer_flags(const struct kmcl_channel *ch);
void kmcl_loopback_init(void);

/* settings.c */
int kmcl_set_pipe(struct kmcl_channel *ch, u32 flags, u32 server_flags);

/* channel.c */
bool kmcl_has_vmbus_parent(const struct kmcl_channel *ch);

/* sysfs.c */
extern struct kset *kmcl_kset;
void kmcl_sysfs_init(void);
void kmcl_sysfs_exit(void);
void kmcl_sysfs_prepare(struct kmcl_channel *ch);
void kmcl_sysfs_add(struct kmcl_channel *ch);
void kmcl_sysfs_del(struct kmcl_channel *ch);

/* debugfs.c */
void kmcl_debugfs_init(void);
void kmcl_debugfs_exit(void);

#endif
