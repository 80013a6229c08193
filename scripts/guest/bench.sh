# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Runs in the guest: the benchmark, whose numbers are in the kernel log. The word
# cases= of the kernel's command line chooses what is measured.

# shellcheck source=scripts/guest/lib.sh
. /lib.sh

step "Beside the calls of hv_vmbus, on the same kind of device"
if [ -e /modules/hv_vmbus.ko ]; then
	check "insmod hv_vmbus" insmod /modules/hv_vmbus.ko
fi
check "insmod vmbkmcl" insmod /modules/vmbkmcl.ko
check "insmod vmbkmcl_hv" insmod /modules/vmbkmcl_hv.ko
check "instructions were counted" insmod /modules/kmcl_bench.ko cases="${cases:-}"
if [ "${stepped:-0}" != 0 ]; then
	check "rmmod kmcl_bench" rmmod kmcl_bench
	check "what is single-stepped was counted" \
		insmod /modules/kmcl_bench.ko stepped="${stepped:-0}" cases="${cases:-}"
fi
if [ -n "${traced:-}" ]; then
	tracing=/sys/kernel/tracing
	check "mount tracefs" mount -t tracefs none $tracing
	check "the functions can be traced" \
		sh -c "echo '$traced' | tr , '\n' > $tracing/set_ftrace_filter"
	echo function_graph > $tracing/current_tracer
	check "rmmod kmcl_bench" rmmod kmcl_bench
	check "it was traced" insmod /modules/kmcl_bench.ko cases="${cases:-}"
	echo 0 > $tracing/tracing_on
	tail -n 200 $tracing/trace
	echo nop > $tracing/current_tracer
fi
check "numbers" logged 'kmcl_bench: .*=[0-9]*$' 0
for module in kmcl_bench vmbkmcl_hv vmbkmcl; do
	check "rmmod $module" rmmod "$module"
done
check "the host saw no error" [ "$(vmbhostctl stats |
	sed -n 's/^protocol_errors //p')" = 0 ]
