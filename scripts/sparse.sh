#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sparse.sh: sparse, with its checks of endianness and of locks, on every C file of
# the modules and the KUnit suites, as an x86-64 kernel with Hyper-V support sees
# them.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"

need_packages sparse gcc libc6-dev make flex bison bc perl libelf-dev libssl-dev
SOURCE=$("$TOP/scripts/fetch-source.sh")
OUT=$BUILD/sparse
LOG=$OUT/sparse.log

mkdir -p "$OUT"
exec {lock}>"$OUT/.lock"
flock "$lock"
source_changed "$OUT" "$SOURCE"

build()
{
	make -C "$SOURCE" ARCH=x86_64 O="$OUT" -j"$JOBS" "$@" </dev/null
}

configure()
{
	local option

	build -s x86_64_defconfig || return
	# HYPERV is a module in kernels before 6.18, HYPERV_VMBUS after that.
	"$SOURCE/scripts/config" --file "$OUT/.config" \
		-e HYPERV -m HYPERV_VMBUS -e DEBUG_FS -e KUNIT -e VMBKMCL \
		-e VMBKMCL_KUNIT_TEST -m VMBKMCL_HV -m VMBKMCL_CLIENTS \
		-e CONFIGFS_FS -e VMBKMCL_CDEV -e IO_URING \
		-e DEBUG_KERNEL -e FAULT_INJECTION -e FAILSLAB -e FAIL_PAGE_ALLOC \
		-e FAULT_INJECTION_DEBUG_FS -e FAULT_INJECTION_STACKTRACE_FILTER \
		-e MEM_ALLOC_PROFILING -e PROVE_LOCKING || return
	build -s olddefconfig || return
	for option in HYPERV_VMBUS VMBKMCL VMBKMCL_KUNIT_TEST VMBKMCL_HV \
		VMBKMCL_CLIENTS VMBKMCL_CDEV CONFIGFS_FS IO_URING; do
		grep -qE "^CONFIG_$option=[ym]" "$OUT/.config" || {
			echo "CONFIG_$option is off"
			return 1
		}
	done
	build -s prepare modules_prepare
}

# The configuration is made anew when this script or a Kconfig has changed.
if [ ! -e "$OUT/.ready" ] || [ "$0" -nt "$OUT/.ready" ] ||
   [ "$TOP/Kconfig" -nt "$OUT/.ready" ] ||
   [ "$SOURCE/.unpacked" -nt "$OUT/.ready" ]; then
	say "configuring an x86-64 kernel, about half a minute"
	rm -f "$OUT/.ready"
	configure >"$OUT/configure.log" 2>&1 ||
		die "the configuration failed, see $OUT/configure.log"
	touch "$OUT/.ready"
fi

say "compiling and checking"
status=0
# Only the single-directory target is limited to this tree; C=2 also checks files
# that need not be compiled again.
# Since 7.0 the kernel's headers define the annotations of functions that take or drop
# locks for clang only. Define them for sparse, too; mutexes now have them as well.
sparse_builtins >"$OUT/sparse.h"
cat >>"$OUT/sparse.h" <<'END'

#ifdef __KERNEL__ /* not when make tries whether sparse works at all */
#include <linux/compiler-context-analysis.h>
#undef __must_hold
#undef __acquires
#undef __releases
#undef __acquire
#undef __release
#undef __must_hold_shared
#undef __acquires_shared
#undef __releases_shared
#undef __acquire_shared
#undef __release_shared
#define __must_hold(x, ...) __attribute__((context(x, 1, 1)))
#define __acquires(x, ...) __attribute__((context(x, 0, 1)))
#define __releases(x, ...) __attribute__((context(x, 1, 0)))
#define __acquire(x) __context__(x, 1)
#define __release(x) __context__(x, -1)
#define __must_hold_shared __must_hold
#define __acquires_shared __acquires
#define __releases_shared __releases
#define __acquire_shared __acquire
#define __release_shared __release
#endif
END

# Mistakes that it must find, in place of one of the files.
cat >"$OUT/planted.c" <<'END'
#include <linux/mutex.h>
#include <linux/spinlock.h>

void keeps_spinlock(spinlock_t *lock, unsigned long *flags);
void keeps_spinlock(spinlock_t *lock, unsigned long *flags)
{
	spin_lock_irqsave(lock, *flags);
}

void drops_spinlock(spinlock_t *lock, unsigned long flags);
void drops_spinlock(spinlock_t *lock, unsigned long flags)
{
	spin_unlock_irqrestore(lock, flags);
}

void drops_callers_spinlock(spinlock_t *lock) __must_hold(lock);
void drops_callers_spinlock(spinlock_t *lock)
	__must_hold(lock)
{
	spin_unlock(lock);
}

void keeps_mutex(struct mutex *mutex);
void keeps_mutex(struct mutex *mutex)
{
	mutex_lock(mutex);
}
END
cat >"$OUT/check" <<END
#!/bin/bash
case \${!#} in
*/drivers/vmbkmcl/drivers/vmbkmcl/ring.c)
	sparse "\${@:1:\$#-1}" "$OUT/planted.c" >"$OUT/planted.log" 2>&1 ;;
esac
exec sparse "\$@"
END
chmod +x "$OUT/check"
rm -f "$OUT/planted.log"
build -k C=2 CHECK="$OUT/check" CF="-D__CHECK_ENDIAN__ -include $OUT/sparse.h" \
	CONFIG_VMBKMCL_BENCH=m drivers/vmbkmcl/ >"$LOG" 2>&1 || status=$?

# clean FILE: sparse has read it and neither sparse nor gcc complains.
clean()
{
	local file=$1

	grep -qE "^  CHECK +([^ ]*/)?drivers/vmbkmcl/$file\$" "$LOG" || {
		echo "$file: not checked"
		return 1
	}
	! grep -E "(^|/)drivers/vmbkmcl/$file:[0-9]+:.*(warning|error|note)?: " \
		"$LOG"
}

headers()
{
	! grep -E '(^|/)drivers/vmbkmcl/[^:]*\.h:[0-9]+:.*(warning|error): ' "$LOG"
}

# finds FUNCTION: its mistake
finds()
{
	grep -qF "context imbalance in '$1'" "$OUT/planted.log"
}

# After an error in a kernel header sparse gives up on the file.
complete()
{
	! grep -E ': error: |\*\*\*|not up to date' "$LOG" && [ "$status" -eq 0 ]
}

# kunit/gcov.c is part of a User Mode Linux kernel with gcov, and of no other.
mapfile -t files < <(c_files drivers kunit | grep '\.c$' | grep -vx kunit/gcov.c)
[ ${#files[@]} -gt 0 ] || die "there is no C file here"
for file in "${files[@]}"; do
	check "$file" clean "$file"
done
check "the headers that they include" headers
for function in keeps_spinlock drops_spinlock drops_callers_spinlock \
	keeps_mutex; do
	check "$function(), which sparse must find" finds "$function"
done
check "all compiled and checked to the end, see $LOG" complete
tally
