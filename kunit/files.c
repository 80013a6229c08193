// SPDX-License-Identifier: GPL-2.0
/*
 * Reading and writing files of sysfs and debugfs. This kernel has no user space, but
 * can mount and open them. Everything here sleeps.
 */
#include <kunit/resource.h>
#include <kunit/test.h>

#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kobject.h>
#include <linux/mount.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uio.h>

#include "channel.h"
#include "files.h"

static void unmount(void *mnt)
{
	kern_unmount(mnt);
}

/* The file system of that @type, until the test ends */
struct vfsmount *files_mount(struct kunit *test, const char *type)
{
	struct file_system_type *fs = get_fs_type(type);
	struct vfsmount *mnt;

	KUNIT_ASSERT_NOT_NULL(test, fs);
	mnt = kern_mount(fs);
	KUNIT_ASSERT_FALSE(test, IS_ERR(mnt));
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, unmount, mnt));
	return mnt;
}

/* Returns the bytes, of which there are less than @size, or an error. */
ssize_t files_read(struct vfsmount *mnt, const char *path, char *buf,
		   size_t size)
{
	struct file *file = file_open_root_mnt(mnt, path, O_RDONLY, 0);
	ssize_t (*read)(struct kiocb *iocb, struct iov_iter *iter);
	struct iov_iter iter;
	struct kiocb iocb;
	struct kvec vec;
	ssize_t ret, len = 0;

	if (IS_ERR(file))
		return PTR_ERR(file);
	/* debugfs hides it */
	read = file->f_op->read_iter ?: seq_read_iter;
	init_sync_kiocb(&iocb, file);
	do {
		vec.iov_base = buf + len;
		vec.iov_len = size - 1 - len;
		iov_iter_kvec(&iter, ITER_DEST, &vec, 1, vec.iov_len);
		ret = read(&iocb, &iter);
		len += max(ret, 0);
	} while (ret > 0 && len < size - 1);
	__fput_sync(file);
	buf[len] = '\0';
	return ret < 0 ? ret : len;
}

/* Returns 0 or an error. */
ssize_t files_write(struct vfsmount *mnt, const char *path, const char *text)
{
	struct file *file = file_open_root_mnt(mnt, path, O_WRONLY, 0);
	size_t len = strlen(text);
	loff_t pos = 0;
	ssize_t ret;

	if (IS_ERR(file))
		return PTR_ERR(file);
	ret = kernel_write(file, text, len, &pos);
	__fput_sync(file);
	return ret < 0 ? ret : ret == len ? 0 : -EIO;
}

/* What is in the file, which there is; freed with the test */
const char *files_text(struct kunit *test, struct vfsmount *mnt,
		       const char *path)
{
	size_t size = 4 * PAGE_SIZE;
	char *buf = kunit_kzalloc(test, size, GFP_KERNEL);
	ssize_t ret;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	ret = files_read(mnt, path, buf, size);
	KUNIT_ASSERT_GT_MSG(test, ret, 0, "%s", path);
	KUNIT_ASSERT_LT(test, ret, size - 1);
	return buf;
}

bool files_have_line(const char *text, const char *line)
{
	size_t len = strlen(line);
	const char *p = text;

	while ((p = strstr(p, line)) &&
	       !((p == text || p[-1] == '\n') && p[len] == '\n'))
		p++;
	return p;
}

/* @name: of a file; NULL: the directory itself */
void files_channel_path(char *path, const struct kmcl_channel *ch,
			const char *name)
{
	snprintf(path, FILES_PATH, "kernel/kmcl/%s%s%s",
		 kobject_name(&ch->kobj), name ? "/" : "", name ?: "");
}

/* The same as files_text(), of a channel in sysfs */
const char *files_channel(struct kunit *test, struct vfsmount *mnt,
			  const struct kmcl_channel *ch, const char *name)
{
	char path[FILES_PATH];

	files_channel_path(path, ch, name);
	return files_text(test, mnt, path);
}
