// SPDX-License-Identifier: GPL-2.0
/*
 * Names and paths from the host. What is refused here is refused whatever the file
 * system would make of it: "..", separators of Windows, control characters, and text
 * that is no UTF-16. store.c trusts nothing of it all the same: the kernel resolves
 * the path, below the directory and without following a link.
 *
 * Touches nothing but its arguments.
 */
#include <endian.h>
#include <limits.h>
#include <string.h>
#include <unistr.h>

#include "fcopyd.h"

/**
 * name_from_host() - a name of the host's in UTF-8
 * @units:	W_MAX_PATH units of UTF-16, little-endian, 0 at the end
 * Return: 0; -1 if there is no end, if it is no UTF-16, or longer than @size
 */
int name_from_host(const void *units, char *to, size_t size)
{
	uint16_t unit[W_MAX_PATH];
	size_t i, length = size - 1;

	memcpy(unit, units, sizeof(unit));
	for (i = 0; i < W_MAX_PATH; i++)
		unit[i] = le16toh(unit[i]);
	i = u16_strnlen(unit, W_MAX_PATH);
	if (i == W_MAX_PATH || u16_check(unit, i))
		return -1;
	if (i && u16_to_u8(unit, i, (uint8_t *)to, &length) != (uint8_t *)to) {
		/* It did not fit, and was put elsewhere. */
		return -1;
	}
	to[i ? length : 0] = 0;
	return 0;
}

/* Characters that no name has, in UTF-8; the last are U+0080 to U+009F. */
static bool is_clean(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	for (; *p; p++)
		if (*p < ' ' || *p == '\\' || *p == 0x7f ||
		    (*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f))
			return false;
	return true;
}

/**
 * name_is_file() - whether it can be the name of a file in a directory
 */
bool name_is_file(const char *name)
{
	return *name && strlen(name) <= NAME_MAX && is_clean(name) &&
	       !strchr(name, '/') && strcmp(name, ".") && strcmp(name, "..");
}

/* The next name of a path, and its length; 0 at the end. */
static size_t next(const char **path)
{
	*path += strspn(*path, "/");
	return strcspn(*path, "/");
}

/**
 * name_below() - a path of the host's, as one below the directory
 * @directory:	absolute, without links
 * @path:	absolute, and then in the directory; or below it
 * @below:	"." for the directory itself
 * Return: 0; -1 if it is not in the directory, or can be no path
 */
int name_below(const char *directory, const char *path, char *below,
	       size_t size)
{
	size_t length, want, at = 0;

	if (!is_clean(path))
		return -1;
	if (*path == '/') {
		while ((want = next(&directory))) {
			length = next(&path);
			if (length != want || memcmp(path, directory, want))
				return -1;
			path += length;
			directory += want;
		}
	} else if (*path && path[1] == ':') {
		/* A drive of Windows, which is never meant as a directory here */
		return -1;
	}
	while ((length = next(&path))) {
		if (length > NAME_MAX || (length == 2 && !memcmp(path, "..", 2)))
			return -1;
		if (length != 1 || *path != '.') {
			if (at + length + 2 > size)
				return -1;
			if (at)
				below[at++] = '/';
			memcpy(below + at, path, length);
			at += length;
		}
		path += length;
	}
	if (!at)
		below[at++] = '.';
	below[at] = 0;
	return 0;
}
