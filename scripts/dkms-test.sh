#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: [KERNEL=VERSION] scripts/dkms-test.sh
#
# The Debian packages, and make dkms-install, in a clean Debian root below
# build/, whose kernel is not the one that is running: check what DKMS builds there,
# that nothing of it stays behind, and that it works in a guest. The root
# without the package is made once and copied for each run. Nothing on this
# machine is changed; its network is not used from inside the root.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"

if [ "$(id -u)" -ne 0 ]; then
	skip "DKMS in a Debian root: only root can make one"
	tally
	exit
fi

if ! unshare --mount --pid --fork mount -t proc proc /proc 2>/dev/null; then
	skip "DKMS in a Debian root: this container may not mount (no CAP_SYS_ADMIN)"
	tally
	exit
fi

kernel_or_skip
work=$BUILD/dkms/$KERNEL
clean=$work/clean
root=$work/root
log=$BUILD/vm/dkms-$KERNEL.log
secure_log=$BUILD/vm/dkms-$KERNEL-secure.log
# DKMS signs with it
extra=(openssl)
# What the other packages and their tests need, where they are of this release
others=(vmbkmcl-tools vmbkmcl-dev vmbkmcl-doc vmbhost)
needs=(gcc systemd-standalone-sysusers libkeyutils1 libunistring2 libjs-sphinxdoc
	liburing-dev pkgconf)
# One that is too old
old=5.10.0-28-amd64
modules=(vmbkmcl vmbkmcl_hv kmcl_dynmem kmcl_echo kmcl_share kmcl_cdev)
version=$(sed -n 's/^VERSION := //p' Makefile)
built=$BUILD/packages
mkdir -p "$work"
rm -f "$log" "$secure_log" "$work"/*.log

# in_root ROOT COMMAND...: run it there. The mounts belong to that command
# alone, and so do all processes it leaves behind.
in_root()
{
	local dir=$1

	shift
	# shellcheck disable=SC2016
	unshare --mount --pid --fork --kill-child sh -c '
		root=$1; shift
		mount -t proc proc "$root/proc" &&
		exec chroot "$root" env -i LC_ALL=C HOME=/root INITRD=No \
			DEBIAN_FRONTEND=noninteractive \
			PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
	' sh "$dir" "$@" </dev/null
}

# quietly NAME COMMAND...: output into build/dkms/VERSION/NAME.log, whose end
# is shown if it fails.
quietly()
{
	local out=$work/$1.log

	shift
	"$@" >"$out" 2>&1 && return 0
	tail -n 20 "$out"
	return 1
}

# apt_in ROOT DEB...: install these packages, and no others.
apt_in()
{
	local dir=$1 p status=0

	shift
	mkdir "$dir/debs"
	for p; do
		ln -f "$p" "$dir/debs/" 2>/dev/null || cp "$p" "$dir/debs/"
	done
	in_root "$dir" apt-get -q -y --no-install-recommends \
		-o APT::Sandbox::User=root -o Dpkg::Use-Pty=0 \
		-o Dpkg::Options::=--force-unsafe-io \
		install "${@/#*\///debs/}" || status=$?
	rm -r "$dir/debs"
	return "$status"
}

# needed [PACKAGE...]: the packages, with versions, that the kernel, DKMS, $extra and these
# need and the clean root does not have.
needed()
{
	apt_private -s -o Dir::State::status="$clean/var/lib/dpkg/status" \
		install "linux-image-$release" "linux-headers-$release" dkms \
		"${extra[@]}" "$@" 2>"$work/apt.log" |
		sed -nE 's/^Inst ([^ ]+) (\[[^]]*\] )?\(([^ ]+) .*/\1=\3/p'
}

# A minimal system, the kernel with its headers, DKMS, and what these need.
make_clean()
{
	local uri key packages has="$release ${extra[*]}"

	if [ "$(cat "$clean/has" 2>/dev/null)" = "$has" ]; then
		return 0
	fi
	need_packages mmdebstrap
	apt_root "$suite" "$suite-backports"
	read -r uri key <<<"$(apt_archive main)"
	[[ $key == /* ]] || key=/usr/share/keyrings/debian-archive-keyring.gpg
	rm -rf "$clean"
	mkdir -p "$BUILD/dkms/debs"
	say "making a Debian $suite root (about 50 MB)"
	apt-config dump | grep '^Acquire::.*Proxy' >"$work/proxy" || :
	quietly mmdebstrap mmdebstrap --mode=root --variant=minbase --keyring="$key" \
		--aptopt="$work/proxy" --dpkgopt=force-unsafe-io \
		"$suite" "$clean" "$uri" || return
	printf '#!/bin/sh\nexit 101\n' >"$clean/usr/sbin/policy-rc.d"
	chmod +x "$clean/usr/sbin/policy-rc.d"

	say "installing $release, its headers and DKMS in it"
	# A kernel of the backports may need the linux-base from there, too.
	packages=$(needed) || packages=$(needed "linux-base/$suite-backports") || {
		cat "$work/apt.log"
		echo "if $release is not to be had any more, remove $BUILD/kernels/$KERNEL"
		return 1
	}
	# shellcheck disable=SC2086 # one word per package
	packages=$(apt_debs $packages) || return
	# shellcheck disable=SC2086
	quietly packages apt_in "$clean" $packages || return
	rm -rf "$clean"/usr/share/{doc,man,locale}/*
	printf '%s\n' "$has" >"$clean/has"
}

copy_clean()
{
	rm -rf "$root"
	cp -a --reflink=auto "$clean" "$root"
}

# The headers of a kernel that is too old, as far as DKMS looks at them
old_kernel()
{
	mkdir -p "$root/lib/modules/$old/build/include/config" &&
		printf 'modules:\n' >"$root/lib/modules/$old/build/Makefile" &&
		echo CONFIG_HYPERV=m >"$root/lib/modules/$old/build/.config"
}

# left_out LOG: that was said, and nothing was built for it
left_out()
{
	grep -q "not built for Linux $old, which is too old: 6.1 or later" "$1" &&
		! find "$root/var/lib/dkms" "$root/lib/modules/$old" | grep -E "$old.*\.ko"
}

# The scripts of DKMS that the package of a kernel runs when it is installed
old_installs()
{
	local hook

	for hook in postinst.d header_postinst.d; do
		quietly old in_root "$root" "/etc/kernel/$hook/dkms" "$old" || return
	done
	left_out "$work/old.log"
}

# Every file of the root, except those that any package operation changes, the key that
# DKMS makes for itself, and what adding a user leaves: users stay.
files()
{
	(cd "$root" && find . -xdev \( -path ./proc -o -path ./tmp -o \
		-path ./var/log -o -path ./var/lib/dpkg -o \
		-path ./var/cache -o -path './var/lib/dkms/mok.*' -o \
		-path './etc/*-' -o -path ./etc/.pwd.lock \) -prune -o -print) | sort
}

# installed: DKMS lists this kernel, and no other. Its warnings go to a log: it
# looks for the compiler's name in the kernel.
installed()
{
	in_root "$root" dkms status >"$work/status" 2>"$work/status.log"
	sed 's/^/        /' "$work/status"
	[ "$(cat "$work/status")" = "vmbkmcl/$version, $release, x86_64: installed" ]
}

# fits MODULE: it is where modprobe looks, and made for exactly this kernel.
fits()
{
	local file magic

	file=$(in_root "$root" modinfo -k "$release" -n "$1") || return
	magic=$(in_root "$root" modinfo -k "$release" -F vermagic "$1")
	printf '        %s\n        vermagic %s\n' "$file" "$magic"
	[[ $file == */"$release/updates/dkms/$1.ko"* ]] &&
		[ "${magic%% *}" = "$release" ]
}

depends()
{
	in_root "$root" modprobe -S "$release" --show-depends kmcl_dynmem |
		tee "$work/depends" | sed 's/^/        /'
	grep -q '/vmbkmcl_hv\.ko' "$work/depends" &&
		grep -q '/vmbkmcl\.ko' "$work/depends"
}

# driverctl loads the module that has the name of the driver
driver_name()
{
	in_root "$root" modprobe -S "$release" --show-depends \
		vmbkmcl-57164f39-9115-4e78-ab55-382f3bd5422d |
		grep -q '/vmbkmcl_hv\.ko'
}

# Signed by the key that DKMS has made here
signed()
{
	local name signer

	for name in "${modules[@]}"; do
		signer=$(in_root "$root" modinfo -k "$release" -F signer "$name") || return
		[ "$signer" = 'DKMS module signing key' ] || {
			echo "$name: '$signer'"
			return 1
		}
	done
	[ -s "$root/var/lib/dkms/mok.pub" ]
}

# block LANGUAGE: the block of that language of the page about packages
block()
{
	awk -v start=".. code-block:: $1" '
		$0 == start { on = 1; next }
		on && /^[^ ]/ { exit }
		on { sub(/^   /, ""); print }' Documentation/packages.rst
}

# A client that uses only what the package installed, with the files that the page about
# packages has; DKMS builds it, and the older kernel's package can still be installed.
client()
{
	local dir=$root/usr/src/mydriver-1.0

	mkdir -p "$dir"
	block bash >"$dir/dkms.conf"
	block make >"$dir/Kbuild"
	cat >"$dir/mydriver.c" <<-'END'
	#include <linux/kmcl.h>
	#include <linux/module.h>
	#include <vmbuskernelmodeclientlibapi.h>

	static int __init client_init(void)
	{
		struct kmcl_channel *ch;
		int ret = kmcl_channel_alloc(NULL, false, &ch);

		if (!ret)
			kmcl_channel_free(ch);
		return ret;
	}
	module_init(client_init);
	MODULE_DESCRIPTION("Client of an installed vmbkmcl");
	MODULE_LICENSE("GPL");
	END
	quietly client in_root "$root" dkms add mydriver/1.0 &&
		quietly client in_root "$root" dkms autoinstall -k "$release" &&
		[ "$(in_root "$root" modinfo -k "$release" -F depends mydriver)" = vmbkmcl ] &&
		old_installs &&
		quietly client in_root "$root" dkms remove mydriver/1.0 --all &&
		rm -r "$dir"
}

# take: copy the modules for the guests, as plain .ko files, and as they are, with what
# tells kmclctl where they are.
take()
{
	rm -rf "$work/modules"
	cp -r "$root/lib/modules/$release/updates/dkms" "$work/modules" || return
	find "$work/modules" -name '*.xz' -exec xz -d {} + || return
	[ "$(find "$work/modules" -name '*.ko' | wc -l)" -eq "${#modules[@]}" ] || return
	(cd "$root" && tar -cf "$work/installed.tar" "lib/modules/$release/updates" \
		"lib/modules/$release"/modules.*.bin) &&
		cp "$root/var/lib/dkms/mok.pub" "$work/owner.pub"
}

# A module without a signature, and one that is signed by another key than the owner's
refused()
{
	local dir=$root/tmp/refused

	rm -rf "$work/refused"
	mkdir "$dir"
	cp "$work/modules/kmcl_echo.ko" "$dir/signed.ko"
	# shellcheck disable=SC2016
	quietly refused in_root "$root" sh -e -c '
		cd /tmp/refused
		objcopy --strip-debug signed.ko unsigned.ko
		openssl req -new -x509 -newkey rsa:2048 -nodes -keyout key -out key.pub \
			-outform DER -subj "/CN=Someone else"
		cp unsigned.ko strange.ko
		"/lib/modules/$1/build/scripts/sign-file" sha256 key key.pub strange.ko
		' sh "$release" &&
		mv "$dir" "$work/refused"
}

nothing_left()
{
	! find "$root/lib/modules" | grep -E 'kmcl|/updates/dkms/.' || return
	[ -z "$(in_root "$root" dkms status 2>/dev/null)" ] || return
	files >"$work/after"
	diff "$work/before" "$work/after"
}

# Copy the tree into the root, and run make dkms-install there, with all as strict as
# root's umask may be.
tree()
{
	mkdir -p "$root/tmp/tree"
	tar -cf - --exclude=./build --exclude="./${BUILD#"$TOP/"}" --exclude=./.git . |
		tar -xf - -C "$root/tmp/tree" &&
		chmod -R go= "$root/tmp/tree" &&
		(umask 077 && quietly "$1" in_root "$root" make -C /tmp/tree "$1" \
			KVER="$release")
}

# Everybody can read what client modules need.
readable()
{
	local files

	files=$(in_root "$root" find -L /usr/src/vmbkmcl \
		"/var/lib/dkms/vmbkmcl/kernel-$release-x86_64" \
		"/lib/modules/$release/updates" \
		\( -type f ! -perm -044 -o -type d ! -perm -055 \)) || return
	[ -z "$files" ] || {
		printf '%s\n' "$files"
		return 1
	}
	[ -e "$root/usr/src/vmbkmcl-$version/include/linux/kmcl.h" ]
}

check "kernel $KERNEL is there" scripts/fetch-kernel.sh "$KERNEL"
check "make deb builds the packages" scripts/dkms.sh deb
[ "$failed" -eq 0 ] || { tally; exit; }

release=$(cat "$BUILD/kernels/$KERNEL/release")
suite=$(cat "$BUILD/kernels/$KERNEL/suite")
if [ "$suite" = "$(host_suite)" ]; then
	extra+=("${needs[@]}")
else
	skip "the other packages, which are built for Debian $(host_suite), not $suite"
fi
start=$SECONDS
check "clean Debian $suite root with $release and DKMS" make_clean
[ "$failed" -eq 0 ] || { tally; exit; }
check "its kernel is not the running one" [ "$release" != "$(uname -r)" ]
check "it is copied" copy_clean
check "it gets the headers of an older kernel" old_kernel
say "the root took $((SECONDS - start)) s"
files >"$work/before"

start=$SECONDS
debs=("$built"/vmbkmcl-dkms_*.deb)
[ "$suite" != "$(host_suite)" ] || for name in "${others[@]}"; do
	debs+=("$built/${name}"_*.deb)
done
check "the packages install" quietly install apt_in "$root" "${debs[@]}"
say "that took $((SECONDS - start)) s"
check "the older kernel is left out, and the log says why" left_out "$work/install.log"
check "the package of the older kernel can be installed" old_installs
check "dkms status: installed, for $release only" installed
for module in "${modules[@]}"; do
	check "$module is installed and made for $release" fits "$module"
done
check "they are signed by the key of DKMS" signed
check "modprobe loads the library and the transport first" depends
check "modprobe loads the transport by a driver's name" driver_name
check "DKMS builds a client with the installed headers" client
check "the modules are kept for the guest" take
check "and two that Secure Boot refuses" refused
names=(vmbkmcl-dkms)
if [ "$suite" = "$(host_suite)" ]; then
	for name in tools dev; do
		check "debian/tests/$name" quietly "$name" in_root "$root" sh -c \
			"$(cat "debian/tests/$name")"
	done
	check "kmclctl is kept for the guest" cp "$root/usr/sbin/kmclctl" "$work/"
	names+=("${others[@]}")
fi
check "the packages are removed" quietly remove in_root "$root" \
	dpkg --force-unsafe-io --purge "${names[@]}"
check "the modules and all other files are gone" nothing_left

check "make dkms-install" tree dkms-install
check "dkms status: installed, for $release only" installed
check "everybody can read it, whatever root's umask" readable
check "make dkms-remove" tree dkms-remove
check "the modules and all other files are gone" nothing_left
rm -rf "$root"

if [ -n "$(find "$work/modules" -name '*.ko' 2>/dev/null)" ]; then
	check "guest with $KERNEL ran to its end, kernel log clean" \
		scripts/vm-run.sh --kernel "$KERNEL" --modules "$work/modules" \
		--script scripts/guest/packages.sh --file scripts/guest/lib.sh \
		--file scripts/guest/story.sh \
		${names[1]:+--program "$work/kmclctl"} \
		--timeout 600 --log "$log"
	[ ! -e "$log" ] || count_guest "$log"

	need_packages mokutil
	check "guest with $KERNEL and Secure Boot ran to its end, kernel log clean" \
		scripts/vm-run.sh --kernel "$KERNEL" --modules "$work/modules" \
		--secure-boot "$work/owner.pub" \
		--script scripts/guest/secure-boot.sh --file scripts/guest/lib.sh \
		--file scripts/guest/story.sh --file scripts/guest/packages.sh \
		--file "$work/refused/unsigned.ko" --file "$work/refused/strange.ko" \
		--file "$work/refused/key.pub" --file "$work/owner.pub" \
		--file "$work/installed.tar" \
		--stock efivarfs --program "$(command -v mokutil)" \
		${names[1]:+--program "$work/kmclctl"} \
		--timeout 900 --log "$secure_log"
	[ ! -e "$secure_log" ] || count_guest "$secure_log"
fi
tally
