# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Runs in a guest with Secure Boot whose owner's key is the one that DKMS signs with: the
# story and README's first steps, and then what the kernel refuses, and what kmclctl says of
# that.

# shellcheck source=scripts/guest/packages.sh
. /packages.sh

# refuses FILE REASON: the module is not loaded, and the kernel says why.
refuses()
{
	if insmod "$1" 2>/tmp/error; then
		rmmod kmcl_echo
		return 1
	fi
	show </tmp/error
	logged "$2" 1
}

# says WORDS COMMAND...: the command prints them.
says()
{
	local words=$1

	shift
	"$@" >/tmp/said 2>&1
	head -n 3 /tmp/said | show
	grep -q "$words" /tmp/said
}

# enrol FILE: the certificate is to be enrolled at the next start, with a password
enrol()
{
	printf 'password\npassword\n' | mokutil --import "$1"
}

# doctor NAME WORDS: that check of kmclctl's found these words
doctor()
{
	kmclctl doctor | grep "^$1 " | tr -s ' ' >/tmp/doctor
	show </tmp/doctor
	grep -q "$2" /tmp/doctor
}

step "The guest was started with Secure Boot"
mount -t securityfs security /sys/kernel/security
[ ! -e /modules/efivarfs.ko ] || insmod /modules/efivarfs.ko
mount -t efivarfs efivarfs /sys/firmware/efi/efivars
check "the kernel says so" logged 'secureboot: Secure boot enabled' 1
check "and that it is locked down" \
	logged 'Kernel is locked down from EFI Secure Boot' 1
check "against changes of the kernel" \
	grep -F '[integrity]' /sys/kernel/security/lockdown
check "it has the owner's key" logged "Loaded X.509 cert 'DKMS module signing key"

step "The commands of the page about packages"
check "mokutil --sb-state" says 'SecureBoot enabled' mokutil --sb-state
check "mokutil --test-key" says 'already enrolled' mokutil --test-key /owner.pub
check "a certificate that is not enrolled" says 'not enrolled' \
	mokutil --test-key /key.pub
check "mokutil --import" enrol /key.pub
check "is for the next start" says 'CN=Someone else' mokutil --list-new

step "Modules that nobody trusts are refused"
check "insmod vmbkmcl" insmod /modules/vmbkmcl.ko
check "a module without a signature" \
	refuses /unsigned.ko 'Loading of unsigned module is rejected'
check "a module that someone else has signed" \
	refuses /strange.ko 'Loading of module with unavailable key is rejected'
check "rmmod vmbkmcl" rmmod vmbkmcl

if [ -e /bin/kmclctl ]; then
	step "kmclctl doctor says what it needs"
	tar -xf /installed.tar -C /
	check "Secure Boot" doctor "Secure Boot" 'on: '
	check "lockdown" doctor Lockdown 'integrity: '
	check "signatures" doctor Signatures 'modules without one are refused'
	check "the modules can be loaded" \
		doctor vmbkmcl "signed by 'DKMS module signing key', a key of "
fi
