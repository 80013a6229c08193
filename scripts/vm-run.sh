#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: scripts/vm-run.sh [--kernel VERSION] [--modules DIR] --script FILE
#	[--host qemu|vmbhost] [--cpus N] [--memory MIB]
#	[--disk MIB] [--protocol VERSION] [--offer WORDS]... [--scenario FILE] [--seed N]
#	[--file FILE]... [--program FILE]... [--stock NAME]... [--append WORDS]
#	[--icount] [--resume] [--secure-boot CERTIFICATE]
#	[--timeout SECONDS] [--log FILE]
#
# Boots Debian's kernel VERSION with its stock hv_vmbus as a Hyper-V guest and
# runs the shell script FILE in it as /test.sh; every .ko below DIR and every
# --file is put beside it, and so is the kernel's own module NAME, if it has one. A
# --program of this machine is put into /bin, with the libraries that it needs.
# VERSION is x.y, newest, debug, tracer or kcsan, see scripts/kernels.sh. The guest's
# console goes to the log.
#
# --host selects the program that emulates Hyper-V:
#   qemu     QEMU's VMBus host, vmbus-bridge and hv-balloon (the default). Its QMP
#            monitor is the guest's virtio-serial port, so that the script can
#            query the host.
#   vmbhost  tools/vmbhost, with the offers of --offer and --scenario; the script
#            controls it with vmbhostctl. A protocol error that it reports
#            fails the run. --disk gives the guest persistent memory.
#
# With a /dev/kvm that has the Hyper-V capabilities the guest runs directly.
# Otherwise it runs inside another guest: the processor that QEMU emulates has
# AMD's virtualisation, so that guest has KVM.
#
# --icount makes a nanosecond of the guest one executed instruction, and gives
# the guest one processor, which vmbhost's --plain-apic describes; otherwise it has
# two.
#
# --resume: where a fault of the emulator ends a boot, the next one finds in /done the
# scenarios that have ended, as they were printed ("| done SCENARIO"), and in /checked the
# number of results; the log has these as well.
#
# --secure-boot has UEFI firmware with Secure Boot start it, on one processor; the
# certificate is that of the machine's owner, see secure-boot.sh. It is for QEMU's host.
#
# Fails if the script fails, the time is up, or there is a warning in the guest's
# kernel log. With kcsan those about races elsewhere than in the modules are shown, and
# the guest goes on after a warning.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"
# shellcheck source=scripts/initramfs.sh
. "$TOP/scripts/initramfs.sh"
# shellcheck source=scripts/secure-boot.sh
. "$TOP/scripts/secure-boot.sh"

version=$KERNEL
modules=
script=
append=
icount=
tries=3
resume=
owner=
limit=120
log=
files=()
programs=()
stock=()
host=qemu
cpus=2
memory=512
disk=
scenario=
host_options=()
while [ $# -gt 0 ]; do
	case $1 in
	--kernel)	version=$2; shift ;;
	--modules)	modules=$2; shift ;;
	--script)	script=$2; shift ;;
	--file)		files+=("$2"); shift ;;
	--program)	programs+=("$2"); shift ;;
	--stock)	stock+=("$2"); shift ;;
	--append)	append="$append $2"; shift ;;
	--timeout)	limit=$2; shift ;;
	--log)		log=$2; shift ;;
	--icount)	icount=1 append="$append alive=0.5" ;;
	--resume)	resume=1 tries=6 ;;
	--secure-boot)	owner=$2; shift ;;
	--host)		host=$2; shift ;;
	--cpus)		cpus=$2; shift ;;
	--memory)	memory=$2; shift ;;
	--disk)		disk=$2; shift ;;
	--protocol | --offer | --seed)
			host_options+=("$1" "$2"); shift ;;
	--scenario)	scenario=$2; shift ;;
	*)		die "unknown argument: $1" ;;
	esac
	shift
done
[ -r "$script" ] || die "no script to run, see the head of $0"
case $host in
qemu)	[ -z "${host_options[*]}$scenario$disk" ] ||
		die "${host_options[0]:---scenario, --disk} is for --host vmbhost" ;;
vmbhost) [ -z "$owner" ] || die "--secure-boot is for --host qemu" ;;
*)	die "no host $host: choose qemu or vmbhost" ;;
esac
find_kernel "$version" || die "$reason"
version=$found
# Two that share one counted processor would count each other's spinning.
[ -z "$icount" ] || cpus=1
# Firmware prints nothing until it has found what to start.
[ -z "$owner" ] || cpus=1 append="$append alive=0.5" SILENCE=${SILENCE:-300}
log=${log:-$BUILD/vm/$version.log}
mkdir -p "$(dirname "$log")"

work=$(mktemp -d "$BUILD/vm-run.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The outer guest always has the same kernel.
outer=6.12
# In the order of their needs; where they are built in, nothing is loaded.
virtio=(virtio virtio_ring virtio_pci_legacy_dev virtio_pci_modern_dev
	virtio_pci virtio_console)
qemu=$BUILD/qemu
libs=$qemu/usr/lib/x86_64-linux-gnu
busybox=$qemu/usr/bin/busybox

# QEMU, its libraries and firmware; the same program runs at both levels.
[ -e "$qemu/ready" ] || (
	alone qemu
	[ ! -e "$qemu/ready" ] || exit 0
	say "unpacking QEMU 10 (about 60 MB)"
	apt_root trixie trixie-backports
	root_into "$qemu" qemu-system-x86 busybox-static
)
if own_kernel "$version"; then
	"$TOP/scripts/debug-kernel.sh" "$version"
else
	"$TOP/scripts/fetch-kernel.sh" "$version"
fi
kernel=$BUILD/kernels/$version
vmbhost=$BUILD/vmbhost
if [ "$host" = vmbhost ]; then
	(
		alone vmbhost
		scripts/vmbhost.sh >"$vmbhost.log" 2>&1
	) || die "vmbhost does not build: $(tail -n 3 "$vmbhost.log")"
fi

run=("$qemu/lib64/ld-linux-x86-64.so.2" --library-path "$libs"
	"$qemu/usr/bin/qemu-system-x86_64" -nodefaults -no-user-config
	-display none -no-reboot
	-L "$qemu/usr/share/seabios" -L "$qemu/usr/share/qemu")

# copy_program FILE DIRECTORY: with its interpreter and libraries, where it looks for
# them. Static programs have none.
copy_program()
{
	local lib

	cp "$1" "$2/bin/"
	{ ldd "$1" 2>/dev/null || :; } |
		sed -nE 's,^[^/]*(/[^ ]+) \(.*,\1,p' |
		while read -r lib; do
			mkdir -p "$2${lib%/*}"
			cp -L "$lib" "$2$lib"
		done
}

# The guest under test.
l2=$work/l2
plain_root "$l2/root"
cp "$TOP/scripts/guest/l2-init" "$l2/root/init"
cp "$script" "$l2/root/test.sh"
[ ${#files[@]} -eq 0 ] || cp "${files[@]}" "$l2/root/"
for name in hv_vmbus "${stock[@]}" "${virtio[@]}"; do
	copy_module "$version" "$name" "$l2/root/modules"
done
[ -z "$modules" ] || find "$modules" -name '*.ko' -exec cp {} "$l2/root/modules/" \;
[ "$host" != vmbhost ] || cp "$vmbhost/vmbhostctl" "$l2/root/bin/"
for name in "${programs[@]}"; do
	copy_program "$name" "$l2/root"
done
chmod +x "$l2/root/init"
into_cpio "$l2/root" >"$l2/initrd"
rm -rf "$l2/root"
cp -L "$kernel/vmlinuz" "$l2/vmlinuz"
# A warning ends the guest, which shows its whole log again. What KCSAN reports is one.
# Where the guest's two processors share one, the other one runs only if the access is
# delayed for about as long as the outer guest's scheduler lets a task run.
panic_on_warn=1
if [ "$version" = kcsan ]; then
	panic_on_warn=0
	append+=" kcsan.udelay_task=4000 kcsan.udelay_interrupt=2000"
fi
printf 'console=ttyS0,115200 loglevel=5 log_buf_len=4M mitigations=off panic=-1 unknown_nmi_panic %s limit=%d %s\n' \
	"panic_on_warn=$panic_on_warn softlockup_panic=1 hung_task_panic=1 panic_print=32" \
	$((limit - 50)) "$append" >"$l2/cmdline"
[ -z "$owner" ] || secure_boot "$owner" "$l2"

# kernel-irqchip=split hangs in the version negotiation; without kvm=off the
# guest sees KVM and not Hyper-V. The two ends of the socket are in one QEMU:
# the virtio-serial port is connected to the QMP monitor.
qemu_args=(-m "${memory}M" -smp "$cpus"
	-machine "q35,accel=kvm,kernel-irqchip=on"
	-cpu "host,kvm=off,hv-relaxed,hv-vpindex,hv-time,hv-synic,hv-runtime,hv-reset,hv-stimer,hv-vapic,hv-frequencies"
	-device vmbus-bridge -device "hv-balloon,id=hvb,status-report=on"
	-device virtio-serial-pci -device "virtserialport,chardev=line,name=qmp")

# host_args SERIAL SOCKET SCENARIO DISK DIRECTORY: the host's arguments in an array of that
# name; the guest's kernel is in the last one
host_args()
{
	case $host in
	qemu)
		host_args=(-nodefaults -no-user-config -display none -no-reboot
			"${qemu_args[@]}"
			-chardev "socket,id=line,path=$2,server=on,wait=off"
			-chardev "socket,id=qmp,path=$2" -mon "chardev=qmp,mode=control"
			-serial "file:$1") ;;
	vmbhost)
		host_args=(--cpus "$cpus" --memory "$memory" --serial "$1"
			"${host_options[@]}")
		[ -z "$icount" ] || host_args+=(--plain-apic)
		[ -z "$disk" ] || host_args+=(--disk "$4")
		[ -z "$scenario" ] || host_args+=(--scenario "$3") ;;
	esac
	if [ -n "$owner" ]; then
		secure_boot_args "$5"
	else
		host_args+=(--kernel "$5/vmlinuz" --initrd "$5/initrd"
			--append "$(cat "$l2/cmdline")")
	fi
}

# Whether this machine's KVM is sufficient: try the host itself.
direct()
{
	[ -z "$icount" ] && [ -w /dev/kvm ] || return 1
	case $host in
	qemu)	echo quit | timeout 20 "${run[@]}" -chardev null,id=line \
			"${qemu_args[@]}" -S -monitor stdio ;;
	vmbhost) timeout 20 "$vmbhost/vmbhost" --probe ;;
	esac >"$work/probe" 2>&1
}

boot_direct()
{
	local command=("$vmbhost/vmbhost")

	[ "$host" = vmbhost ] || command=("${run[@]}")
	host_args "$log" "$work/qmp" "$scenario" "$work/disk" "$l2"
	[ -z "$disk" ] || truncate -s "${disk}M" "$work/disk"
	timeout --foreground "$limit" "${command[@]}" "${host_args[@]}" \
		</dev/null 2>"$log.host"
}

# The outer guest's initramfs: a part that is kept, and the inner guest.
outer_base()
{
	local root=$work/l1 name order=() lib
	local keep=$1

	[ "$keep" -nt "$TOP/scripts/guest/l1-init" ] &&
		[ "$keep" -nt "$BUILD/kernels/$outer/place" ] &&
		{ [ "$host" = qemu ] || [ "$keep" -nt "$vmbhost/vmbhost" ]; } &&
		return 0
	plain_root "$root"
	mkdir -p "$root"/{lib,lib64,firmware}
	cp "$TOP/scripts/guest/l1-init" "$root/init"
	chmod +x "$root/init"
	for name in rng-core ccp irqbypass kvm kvm-amd "${virtio[@]}"; do
		copy_module "$outer" "$name" "$root/modules"
		[ ! -e "$root/modules/$name.ko" ] || order+=("$name.ko")
	done
	printf '%s\n' "${order[@]}" >"$root/modules/order"
	if [ "$host" = vmbhost ]; then
		cp "$vmbhost/vmbhost" "$root/bin/"
	else
		outer_qemu "$root"
	fi
	into_cpio "$root" >"$work/l1.cpio"
	mv "$work/l1.cpio" "$keep"
	rm -rf "$root"
}

# outer_qemu DIRECTORY: QEMU, its libraries and its firmware
outer_qemu()
{
	cp "$qemu/usr/bin/qemu-system-x86_64" "$1/bin/"
	cp -L "$qemu/lib64/ld-linux-x86-64.so.2" "$1/lib64/"
	"$qemu/lib64/ld-linux-x86-64.so.2" --library-path "$libs" --list \
		"$qemu/usr/bin/qemu-system-x86_64" |
		awk '$3 ~ "^/" { print $3 }' |
		while read -r lib; do cp -L "$lib" "$1/lib/"; done
	cp -L "$qemu/usr/share/seabios/bios-256k.bin" \
		"$qemu/usr/share/qemu/"{kvmvapic,linuxboot_dma}.bin \
		"$1/firmware/"
}

# The inner guest's console uses virtio, too: on a busy machine a serial line of
# the outer guest sometimes stops, and then its writers wait for ever, the inner
# guest as well. There its kernel also misses the ticks that it waits for when it looks
# whether its timer works (no_timer_check). Ends the shell that calls it.
boot_nested()
{
	local accel=(-accel tcg)

	[ -z "$icount" ] ||
		accel=(-accel "tcg,thread=single" -icount "shift=0,sleep=off")
	exec timeout --foreground "$limit" "${run[@]}" -machine q35 "${accel[@]}" -cpu EPYC \
		-m "$((memory * 2 + 1024))M" -smp 1 -kernel "$BUILD/kernels/$outer/vmlinuz" \
		-initrd "$work/initrd" \
		-append "console=ttyS0 quiet panic=-1 mitigations=off no_timer_check limit=$((limit - 50))" \
		-serial "file:$log.outer" -chardev "file,id=console,path=$log" \
		-device virtio-serial-pci \
		-device virtserialport,chardev=console,name=console \
		-chardev "pipe,id=monitor,path=$work/monitor" -mon monitor \
		</dev/null 2>"$log.host"
}

# The outer guest's whole initramfs
outer_initrd()
{
	{ cat "$base" && into_cpio "$work/l1"; } >"$work/initrd"
}

# keep_results: of a boot that the next one goes on from
keep_results()
{
	local again=$work/again

	mkdir -p "$again"
	tr -d '\r' <"$log" |
		grep -aE '^\| ([0-9]|.* not so: |  (ok|FAILED|skipped) )' >>"$work/results" || :
	tr -d '\r' <"$log" | sed -n 's/^| done //p' >>"$again/done"
	grep -cE '^\|   (ok|FAILED|skipped) ' "$work/results" >"$again/checked" || :
	into_cpio "$again" >>"$work/l1/l2/initrd"
	outer_initrd
}

if direct; then
	say "booting Linux $version as a Hyper-V guest of $host on this machine's KVM"
	boot=boot_direct
else
	say "booting Linux $version as a Hyper-V guest of $host inside an emulated machine"
	boot=watch_nested
	[ -z "$owner" ] || icount=1
	"$TOP/scripts/fetch-kernel.sh" "$outer"
	base=$BUILD/qemu/l1-$host.cpio
	outer_base "$base"
	host_args /dev/vport0p1 /tmp/qmp /l2/scenario /tmp/disk /l2
	[ -z "$scenario" ] || cp "$scenario" "$l2/scenario"
	case $host in
	qemu)	command=(env LD_LIBRARY_PATH=/lib qemu-system-x86_64 -L /firmware
			-monitor stdio) ;;
	vmbhost) command=(vmbhost) ;;
	esac
	[ -z "$disk" ] || echo "truncate -s ${disk}M /tmp/disk" >"$l2/run"
	printf '%q ' "${command[@]}" "${host_args[@]}" >>"$l2/run"
	mkdir "$work/l1" && mv "$l2" "$work/l1/l2"
	outer_initrd
fi

# Known faults of the emulator, and no others: the guest is booted again, which
# count_guest() counts as skipped. On real hardware every fault is a failure.
excused()
{
	[ "$boot" = watch_nested ] || return 1
	if [ -e "$work/stood-still" ]; then
		status=124
		sign="stood still for $SILENCE s, with $(
			cat "$work/stood-still"), after: $(
			grep -av '^vmbkmcl-guest: alive' "$log" | tail -n 1 || :)"
	elif stray_int3; then
		sign="ended in the emulator's stray int3"
	elif stray_interrupt; then
		sign="ended in the emulator's stray interrupt"
	else
		return 1
	fi
}

# Early in the boot a processor that starts patches code, and another one executes
# the int3 that is there meanwhile.
stray_int3()
{
	! grep -q '^vmbkmcl-guest: started' "$log" &&
		cat "$log" "$log.outer" 2>/dev/null |
		grep -qE '^(\[[ .0-9]*\] )?(Oops: )?int3: 0000 \[#1\]'
}

# This one as well: once more the interrupt that was injected last, where
# interrupts are off: at the first instruction after a system call, when the stack is
# still the program's; or at the first ones of the interrupt itself, when GS is still
# the program's, so that the kernel's page faults fault. QEMU's helper_vmrun() leaves
# the vector in exception_index; its loop takes that for an exception if the next thing
# to happen is a request to leave the loop, and not an exit of the guest. With --icount
# each timer of the outer guest is one; there --plain-apic has the guest exit soon after
# each interrupt.
stray_interrupt()
{
	grep -A 8 'PANIC: double fault' "$log" |
		grep -q 'RIP: 0010:entry_SYSCALL_64+0x0/' ||
		{ grep -q 'BUG: ENTRY_TRAMPOLINE stack guard page was hit' "$log" &&
			grep -q 'RIP: 0010:asm_sysvec_[a-z0-9_]*+0x[0-7]/' "$log"; }
}

# Such an interrupt in the middle of the kernel: it waits, with interrupts off,
# for a lock that the interrupted code holds. Then nothing runs any more, neither
# the test nor the message every 5 seconds that the guest is alive, or twice a second
# with --icount, where a second is a thousand million instructions. It also happens
# before any of our modules is loaded. A guest that hangs in our code and still
# prints that message runs into its time limit, and so does one on real hardware.
SILENCE=${SILENCE:-90}

# Where the processor is, which is the inner guest's as a rule, and whether it takes
# interrupts (bit 9 of RFL). QEMU has opened both ends of the pipes.
processor()
{
	local answer

	echo "info registers" | timeout 5 tee "$work/monitor.in" >/dev/null || :
	answer=$(timeout 5 cat "$work/monitor.out" | tr -d '\r' |
		grep -aoE '^RIP=[0-9a-f]+ RFL=[0-9a-f]+') || :
	echo "${answer:-no answer from QEMU}"
}

watch_nested()
{
	local pid size last=-1 since=$SECONDS

	rm -f "$work/stood-still" "$work"/monitor.*
	mkfifo "$work/monitor.in" "$work/monitor.out"
	boot_nested &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		sleep 1
		size=$(stat -c %s "$log")
		if [ "$size" -ne "$last" ]; then
			last=$size since=$SECONDS
		elif [ $((SECONDS - since)) -ge "$SILENCE" ]; then
			processor >"$work/stood-still"
			kill "$pid" || :
			break
		fi
	done
	wait "$pid"
}

start=$SECONDS
rm -f "$log.boot"*
for ((try = 1; try <= tries; try++)); do
	: >"$log"
	status=0
	"$boot" || status=$?
	excused || break
	echo "boot $try of at most $tries $sign" | tr -d '\r' | tee -a "$log.boots"
	cp "$log" "$log.boot$try"
	[ -z "$resume" ] || keep_results
done
if [ -e "$work/results" ]; then
	cat "$log" >>"$work/results"
	cp "$work/results" "$log"
fi
printf '==> the guest ran for %d s, log: %s\n' $((SECONDS - start)) "${log#"$TOP/"}"

# late: from the log of a guest whose time was up: the blocked tasks, and where its
# processors were.
late()
{
	if grep -qa 'the test is not done' "$log"; then
		sed '1,/the test is not done/d' "$log" |
			grep -avE '^ *[0-9]+ +2 (S|I)' | head -n 50
	else
		tail -n 20 "$log"
	fi
	grep -aE '^(CPU#|RIP=)' "$log.outer" || :
}

if [ "$status" -eq 124 ] || grep -qa 'the test is not done' "$log"; then
	late
fi
[ "$status" -ne 124 ] || die "the guest was not done after $limit s"
[ "$status" -eq 0 ] || die "the host failed with status $status: $(tail -n 1 "$log.host")"
others='^$'
if [ "$version" = kcsan ]; then
	"$TOP/scripts/kcsan.sh" "$log" || die "the modules have data races"
	others='BUG: KCSAN: '
fi
if grep -nE "$GUEST_WARNINGS" "$log" | grep -v "$others" | sed -n 1,8p; then
	die "the guest's kernel complained"
fi
if [ "$boot" = watch_nested ]; then
	grep -q '^l1: the inner guest ended with status 0 ' "$log.outer" ||
		die "the host of the inner guest failed: $(tail -n 3 "$log.outer")"
fi
if cat "$log.host" "$log.outer" 2>/dev/null | grep -a '^vmbhost: protocol error'; then
	die "the host saw what no correct guest does"
fi
result=$(tr -d '\r' <"$log" | sed -n 's/^vmbkmcl-guest: ended with status //p')
[ -n "$result" ] || die "the guest did not reach the end of its script"
[ "$result" -eq 0 ] || die "the script in the guest failed with status $result"
