/* SPDX-License-Identifier: GPL-2.0 */
/* Reading and writing files of the kernel's own, as user space does. */
#ifndef _KMCL_TEST_FILES_H
#define _KMCL_TEST_FILES_H

#include <linux/types.h>

struct kernfs_node;
struct kmcl_channel;
struct kunit;
struct vfsmount;

/* fs/kernfs: keep who removes a file waiting, as reading it does */
struct kernfs_node *kernfs_get_active(struct kernfs_node *kn);
void kernfs_put_active(struct kernfs_node *kn);

struct vfsmount *files_mount(struct kunit *test, const char *type);
ssize_t files_read(struct vfsmount *mnt, const char *path, char *buf,
		   size_t size);
ssize_t files_write(struct vfsmount *mnt, const char *path, const char *text);
const char *files_text(struct kunit *test, struct vfsmount *mnt,
		       const char *path);
bool files_have_line(const char *text, const char *line);

#define FILES_PATH	64	/* of a channel's file in sysfs, with its end */

void files_channel_path(char *path, const struct kmcl_channel *ch,
			const char *name);
const char *files_channel(struct kunit *test, struct vfsmount *mnt,
			  const struct kmcl_channel *ch, const char *name);

#endif
