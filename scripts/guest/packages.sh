# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Runs in the guest: the story, and README's first steps, with what the packages have
# installed.

# shellcheck source=scripts/guest/story.sh
. /story.sh

step "The samples on the loopback bus"
for module in vmbkmcl kmcl_echo kmcl_share; do
	check "insmod $module" insmod "/modules/$module.ko"
done
check "kmcl_echo: each message came back" logged 'kmcl_echo: 1000 of 1000 messages echoed' 1
check "kmcl_share: shared memory works" logged 'kmcl_share: 16 right, 0 wrong' 1
for module in kmcl_share kmcl_echo vmbkmcl; do
	check "rmmod $module" rmmod "$module"
done

if [ -e /bin/kmclctl ]; then
	step "kmclctl of the package"
	kmclctl list --json >/tmp/list
	show </tmp/list
	check "it lists the Dynamic Memory device" grep -q "$CLASS" /tmp/list
fi
