# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The examples: that they build, and what the one in Python answers. Their channels are
# in scripts/guest/wire/services.sh.
#
# shellcheck disable=SC2154 # tools-test.sh sets work

examples_build()
{
	make --no-print-directory -C tools/examples O="$BUILD/examples-sanitize" \
		SANITIZE=1 >"$work/make.log" 2>&1 || {
		cat "$work/make.log"
		return 1
	}
}

# As the page says it, from the top of the tree
uring_builds()
{
	local command

	command=$(sed -n 's/^    \(cc .*\)/\1/p' Documentation/uring.rst)
	[ -n "$command" ] && sh -ec "${command/-o uring/-o $work/uring}"
}

check "examples: build" examples_build
check "examples: uring.c is built by the command of its page" uring_builds
check "examples: heartbeat without its channel" \
	grep -q "cannot open the channel: No such file" \
	<("$BUILD/examples-sanitize/heartbeat" /nowhere 2>&1)
check "examples: answers of heartbeat.py" \
	python3 tools/examples/tests/answers.py tools/examples
