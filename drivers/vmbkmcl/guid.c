// SPDX-License-Identifier: GPL-2.0
/*
 * GUIDs as text, as people type and copy them.
 *
 * Nothing here knows a channel, sleeps, or takes a lock.
 */
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kmcl.h>
#include <linux/uuid.h>

/**
 * kmcl_guid_parse() - read a GUID from text
 * @text: KMCL_GUID_FORM, its digits in upper or lower case, and at most the end
 *	of the line behind it
 * @guid: set to it
 *
 * For parameters and files of drivers: sysfs, PowerShell and the registry show
 * GUIDs in braces, other tools do not.
 *
 * Context: any.
 * Return: 0; -EINVAL: anything else, and @guid is unchanged.
 */
int kmcl_guid_parse(const char *text, guid_t *guid)
{
	bool braces = text && *text == '{';
	guid_t value;

	if (!text || guid_parse(text + braces, &value))
		return -EINVAL;
	text += braces + UUID_STRING_LEN;
	if (braces && *text++ != '}')
		return -EINVAL;
	if (*text == '\n')
		text++;
	if (*text)
		return -EINVAL;
	*guid = value;
	return 0;
}
EXPORT_SYMBOL_GPL(kmcl_guid_parse);
