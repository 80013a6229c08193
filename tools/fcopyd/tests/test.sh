# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# kmcl-fcopyd, built with the sanitizers: its unit tests, what it says to wrong options,
# its manual page, and what it installs.
#
# shellcheck disable=SC2154 # tools-test.sh sets work

fcopyd=$BUILD/fcopyd-sanitize/kmcl-fcopyd

fcopyd_make()
{
	make --no-print-directory -C tools/fcopyd O="$BUILD/fcopyd-sanitize" SANITIZE=1 \
		"$@" >"$work/fcopyd.log" 2>&1 || {
		cat "$work/fcopyd.log"
		return 1
	}
}

# fcopyd_says STATUS TEXT OPTION...
fcopyd_says()
{
	local status=0

	"$fcopyd" "${@:3}" >"$work/out" 2>&1 || status=$?
	[ "$status" -eq "$1" ] && grep -qF -e "$2" "$work/out" && return 0
	echo "status $status, and this:"
	cat "$work/out"
	return 1
}

fcopyd_installs()
{
	fcopyd_make install prefix=/usr DESTDIR="$work/root" || return
	diff - <(cd "$work/root" && find . -type f | sort) <<-'END'
		./usr/lib/systemd/system/kmcl-fcopyd.service
		./usr/lib/sysusers.d/kmcl-fcopyd.conf
		./usr/lib/udev/rules.d/61-kmcl-fcopyd.rules
		./usr/sbin/kmcl-fcopyd
		./usr/share/man/man8/kmcl-fcopyd.8
	END
	! grep -n @ "$work/root/usr/lib/systemd/system/kmcl-fcopyd.service" |
		grep -v @system-service
}

check "fcopyd: builds" fcopyd_make all
count_tap 'fcopyd: ' make --no-print-directory -C tools/fcopyd \
	O="$BUILD/fcopyd-sanitize" SANITIZE=1 check
check "fcopyd: no such directory" fcopyd_says 1 "/nowhere: No such file" -d /nowhere
check "fcopyd: no such device" fcopyd_says 1 "/nowhere: No such file" -d / -D /nowhere
check "fcopyd: no such user" fcopyd_says 1 "there is no user nobody-at-all" \
	-d / -D /dev/null -u nobody-at-all
check "fcopyd: no mode" fcopyd_says 2 "800 is no mode of a file" -m 800
check "fcopyd: no size" fcopyd_says 2 "-1 is no number of MiB" -s -1
check "fcopyd: no size that there can be" fcopyd_says 2 "is no number of MiB" \
	-f 99999999999999
check "fcopyd: another word" fcopyd_says 2 "Usage:" word
check "fcopyd: its manual page" mandoc -T lint -W warning tools/fcopyd/kmcl-fcopyd.8
check "fcopyd: what is installed" fcopyd_installs
