# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Runs in the guest: the commands of tracing.rst, block by block. Each block has to
# end well and to print what is expected of it.

# shellcheck source=scripts/guest/lib.sh
. /lib.sh

mkdir -p /tree/drivers/vmbkmcl /tree/drivers/clients /blocks
ln -s /modules/vmbkmcl.ko /tree/drivers/vmbkmcl/
ln -s /modules/kmcl_echo.ko /tree/drivers/clients/
# A literal block follows "::" and is indented; what is not ends it.
awk '/::$/ && !/^\.\./ { name = sprintf("/blocks/%02d", ++n); on = 1; next }
	on && /^[^ ]/ { on = 0 }
	on && /^    / { print substr($0, 5) >name }' /tracing.rst

# What the blocks print, in their order
cat >/expected <<'END'
kmcl_state: .* to=
^1000$
^none$
is_completion=0 len=16
[ ,]1,?000 .*kmcl:kmcl_complete
kmcl_state
@bytes:
@ns:
@us\[
END

step "The commands of Documentation/tracing.rst"
mount -t tracefs tracefs /sys/kernel/tracing
cd /tree || exit 1
for block in /blocks/*; do
	read -r expected
	check "$(sed -n 's/^insmod.*//; /./{p;q}' "$block" | cut -c 1-60)" sh -c \
		"sh -e $block >$block.out 2>&1 && grep -qE '$expected' $block.out"
	show <"$block.out" | head -n 40
done </expected
check "each block was looked at" [ "$(find /blocks -name '??' | wc -l)" = \
	"$(wc -l </expected)" ]
check "the last duration is a number" grep -q '@us.*: [0-9]' /blocks/09.out
