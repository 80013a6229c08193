#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: scripts/kcsan.sh LOG
#
# The reports of KCSAN in a guest's log: those in which a function of this tree's
# modules accesses the memory, whole, and the titles of the others, which are races of
# hv_vmbus or the kernel, with their number and the function of ours that called them or
# was interrupted. Fails if there is one of the first kind, or if the log is not whole.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

[ -r "${1:-}" ] || die "no log, see the head of $0"
# The kernel shows each line again at its end, with the same time
tr -d '\r' <"$1" | awk '
	function ends()
	{
		if (mine) {
			printf "%s", text
			races++
		} else if (title != "") {
			title = title (below ? ", above " below : "")
			if (!others[title]++)
				order[++n] = title
			sum++
		}
		title = ""
	}

	/\] Linux version / { whole = 1 }
	seen[$0]++ && /^\[ *[0-9]+\.[0-9]+\]/ && !/\] =+$/ && !/\] *$/ { next }
	{ sub(/^\[ *[0-9]+\.[0-9]+\](\[ *[TC][0-9]+\])? ?/, "") }
	/^BUG: KCSAN: / {
		title = substr($0, 13)
		text = mine = below = frame = ""
	}
	title == "" { next }
	{ text = text $0 "\n" }
	/ bytes by / {
		frame = "first"
		next
	}
	frame && /^ .*\+0x[0-9a-f]+\/0x[0-9a-f]+/ {
		if (/ \[(vmbkmcl|vmbkmcl_hv|kmcl_[a-z]+)\]/) {
			if (frame == "first")
				mine = 1
			else if (!below) {
				below = $1
				sub(/\+.*/, "", below)
			}
		}
		frame = "next"
	}
	/^Reported by Kernel Concurrency Sanitizer/ { ends() }
	END {
		if (title != "")
			ends()
		for (i = 1; i <= n; i++)
			printf "not of the modules, %d times: %s\n", others[order[i]], order[i]
		printf "KCSAN: %d races in the modules, %d elsewhere\n", races, sum
		if (!whole)
			print "the log has no beginning"
		exit races || !whole
	}'
