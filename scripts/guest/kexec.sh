# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Runs in a guest of tools/vmbhost, once in each of three kernels, all of them the
# same: the word boot= of the command line counts them. The first one starts the
# second one with kexec, that one crashes and so starts the third one, each of them
# with channels open and packets on their way.
#
# The host goes on with the numbers of a device's packets, which the guest begins
# anew: only of devices that are new it is asked whether all came in order.

# shellcheck source=scripts/guest/wire/wire-lib.sh
. /wire-lib.sh

boot=${boot:-1}

# words N: the command line of boot N
words()
{
	sed "s/ boot=[0-9]//; s/ crashkernel=[^ ]*//; s/\$/ boot=$1 $2/" /proc/cmdline
}

# pack: this initramfs again
pack()
{
	(cd / && find . -xdev ! -path ./initrd | cpio -o -H newc 2>/dev/null >/initrd)
}

# The devices of the first kernel, and traffic
in_use()
{
	channel a echo
	channel b complete-never
	channel c "source rate=2000,size=64,completion=1"
	flows
}

# They are offered again, and all is as it was
in_use_again()
{
	offers=0
	for name in a b c; do
		eval "offer_$name=$offers"
		client "$name" "$(instance "$offers")"
		expect "$name: enable" ctl "$name" enable
		expect "$name: it opens" within 20 state "$name" Active
		offers=$((offers + 1))
	done
	flows
}

flows()
{
	ctl a run 64 16
	in_flight b 50 128
	expect "a: answers" within 20 counts a received -gt 200
	expect "c: packets" within 20 counts c received -gt 200
}

# Another one, from its beginning to its end
another()
{
	offers=$((boot + 1))
	channel d echo
	ctl d send 100 64
	drained d
	expect "answers" within 20 counts d received -eq 100
}

# stays FUNCTION: as a scenario, but its channels stay open
stays()
{
	bad=0 allowed=''
	"$1"
	[ "$bad" -eq 0 ]
}

# The next kernel is loaded before there are packets: its hash is calculated without a
# pause, which took 22 seconds on a slow machine, and then counted as a soft lockup.
#
# The number of checks is told once
trap '' EXIT
done_before=${done_before:-0}

step "Kernel $boot"
check "insmod" wire_load
case $boot in
1)
	pack
	check "the second kernel is loaded" kexec_next load /vmlinuz /initrd \
		"$(words 2 "crashkernel=256M done_before=$((checks + 2))")"
	check "channels are open, packets on their way" stays in_use
	kexec_next start
	check "it started" false ;;
2)
	check "the host was told that the first one goes" [ "$(host_total unloads)" -eq 1 ]
	pack
	check "the third kernel is loaded" kexec_next crash /vmlinuz /initrd \
		"$(words 3 "nr_cpus=1 done_before=$((done_before + checks + 3))")"
	check "the same devices are open, packets on their way" stays in_use_again
	scenario "another device" another
	# The panic and its call trace, which are meant, stay away from the console
	echo 0 >/proc/sys/kernel/printk
	echo c >/proc/sysrq-trigger
	check "it started" false ;;
3)
	check "it is a crash kernel" [ -e /proc/vmcore ]
	check "the host was told that the second one is gone" [ "$(host_total unloads)" -eq 2 ]
	check "the same devices are open, packets on their way" stays in_use_again
	scenario "another device" another
	check "the host saw no error" [ "$(host_total protocol_errors)" = 0 ]
	;;
esac
echo "| $((done_before + checks)) checks"
