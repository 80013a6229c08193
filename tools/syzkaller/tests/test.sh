# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# That the description for syzkaller is that of <linux/kmcl.h>: each constant is
# there, and each structure has these fields, of these sizes, and no others.

# shellcheck disable=SC2154 # what tools-test.sh sets

# The types of a description and their bytes
description_to_c()
{
	awk '
	BEGIN { print "#include <stddef.h>\n#include <fcntl.h>\n" \
		"#include <sys/ioctl.h>\n#include <linux/kmcl.h>" }
	/^kmcl_[a-z]+ \{$/ { name = $1; sum = "0"; next }
	/^}$/ { printf "_Static_assert(sizeof(struct %s) == %s, \"%s\");\n",
		name, sum, name; structs++; name = ""; next }
	name {
		bytes = 4
		if ($0 ~ /int64|ptr64/)
			bytes = 8
		if (match($0, /array\[int8, [A-Z_]+\]/))
			bytes = substr($0, RSTART + 12, RLENGTH - 13)
		printf "_Static_assert(sizeof(((struct %s *)0)->%s) == %s && " \
			"offsetof(struct %s, %s) == %s, \"%s.%s\");\n",
			name, $1, bytes, name, $1, sum, name, $1
		sum = sum " + " bytes
	}
	{
		line = $0
		while (match(line, /KMCL_[A-Z_]+\]/)) {
			printf "_Static_assert((%s) > 0, \"\");\n",
				substr(line, RSTART, RLENGTH - 1)
			line = substr(line, RSTART + RLENGTH)
			constants++
		}
	}
	END { exit !(structs == 6 && constants > 12) }' "$1"
}

description_to_c tools/syzkaller/dev_kmcl.txt >"$work/dev_kmcl.c"
check "description for syzkaller is that of the header" \
	gcc -std=gnu11 -Wall -Wextra -Werror -Iinclude/uapi -fsyntax-only "$work/dev_kmcl.c"
