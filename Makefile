# SPDX-License-Identifier: GPL-2.0
#
# The commands for people. The modules are described in Kbuild, the only file
# that the kernel's own build reads.

VERSION := 0.1
KDIR ?= /lib/modules/$(shell uname -r)/build

# Said in words, because kbuild takes such a path for several.
blank := has a blank or a colon in it, and kbuild cannot build there
$(if $(findstring :,$(CURDIR))$(word 2,$(CURDIR)),$(error '$(CURDIR)' $(blank)))
$(if $(findstring :,$(KDIR))$(word 2,$(KDIR)),$(error KDIR='$(KDIR)' $(blank)))

# The compiler is the kernel's: scripts/compiler.sh. LLVM= or CC= of the caller wins,
# but not DKMS', which does not look for what this machine has.
chosen = $(filter environment command,$(origin LLVM)) $(filter command,$(origin CC))
ifeq ($(if $(CALLED_BY_DKMS),,$(strip $(chosen))),)
compiler = sh scripts/compiler.sh $(KDIR)
else
compiler = :
endif

modules: headers
	@[ -w . ] || { echo 'error: nothing can be written here: copy this tree' \
		'to build the modules' >&2; exit 1; }
	@with=$$($(compiler)) && \
	{ [ -z "$$with" ] || echo "clang compiled this kernel: make $$with"; } && \
	$(MAKE) -C $(KDIR) M=$(CURDIR) $$with modules

headers:
	@[ -e $(KDIR)/Makefile ] || { sh scripts/missing.sh headers $(KDIR); exit 1; }

# For all users, whatever root's umask
modules_install: headers
	-find drivers -name '*.ko' -exec chmod go+r {} +
	umask 022 && $(MAKE) -C $(KDIR) M=$(CURDIR) modules_install

clean: headers
	$(MAKE) -C $(KDIR) M=$(CURDIR) clean

distclean:
	$(if $(wildcard $(KDIR)/Makefile),$(MAKE) clean)
	rm -rf build

# Each of these can be run alone, needs nothing installed, downloads what it
# uses into build/ once, and ends with "N passed, N failed, N skipped".
# KERNEL=x.y (6.12 is the default) or KERNEL=newest chooses one of Debian's kernels
# for demo, vmtest and dkmstest; for wiretest, garbletest, soak and bench it may be
# several.
demo check kunit coverage symbols sparse layers checkpatch shellcheck docs build-test \
	script-test fetch-test model fuzz vmtest trace-test bench bench-check vmbhost-test vmtest-debug irqsoff \
	tools-test export-test:
	@scripts/$@.sh

# FLAVOUR=arm64 or rt-arm64 has pages of 4 KiB; arm64-16k is the default.
arm64test:
	@scripts/arm64.sh

# Small changes to the sources: which of them do the KUnit suites not notice?
mutate:
	@scripts/mutate.sh

# The series for the kernel's tree, in build/export/patches.
export:
	@scripts/export-kernel-patch.sh

# All modules for each kernel that Debian has, and for others, with every warning.
matrix:
	@scripts/matrix.sh

# Another kernel starts with channels open, and a crash kernel.
kexectest:
	@scripts/kexec.sh

# Tests against a host that misbehaves: see Documentation/testing.rst.
wiretest:
	@scripts/wire.sh scenarios

garbletest:
	@scripts/wire.sh garble

soak:
	@MINUTES=$(or $(MINUTES),$(if $(filter-out 14,$(ROW)),0,10)) scripts/wire.sh soak

# The VMBus host for tests, in build/vmbhost/.
vmbhost:
	@scripts/$@.sh

# The table of KMCL's symbols and their tests, as of the last make kunit.
kmcl-coverage:
	@scripts/kmcl-coverage.sh

# DKMS builds the modules for the running kernel and for those to come; deb builds the
# Debian packages in build/packages.
dkms-install:
	@scripts/dkms.sh install

dkms-remove:
	@scripts/dkms.sh remove

deb:
	@scripts/dkms.sh deb

dkmstest:
	@scripts/dkms-test.sh

packagestest:
	@scripts/packages-test.sh

help:
	@echo 'make [modules] [KDIR=...]  build the modules for a kernel'
	@echo 'make modules_install       install them below /lib/modules'
	@echo 'make clean                 remove what was built in the tree'
	@echo 'make distclean             remove build/ as well'
	@echo 'make dkms-install          let DKMS build and install them (as root)'
	@echo 'make dkms-remove           undo that'
	@echo 'make deb                   the Debian packages, in build/packages'
	@echo 'make demo   [KERNEL=6.12]  a channel on a VMBus host that rescinds, step by step'
	@echo 'make check                 all checks (Documentation/testing.rst), and a sum'
	@echo 'make kunit                 unit tests under User Mode Linux'
	@echo 'make coverage              the lines and branches that they execute'
	@echo 'make kmcl-coverage         Documentation/kmcl-coverage.md, from their result'
	@echo 'make symbols               every symbol of the list has its check'
	@echo 'make model                 all that channels can do, with SPIN'
	@echo 'make fuzz    [LIMIT=15]    libFuzzer on what reads a ring'
	@echo 'make sparse                sparse on the module sources'
	@echo 'make layers                no object uses one above it'
	@echo 'make checkpatch            checkpatch --strict on all sources'
	@echo 'make shellcheck            shellcheck on the scripts'
	@echo 'make docs                  the guides and the driver API, in build/docs'
	@echo 'make script-test           make and the scripts on unlike machines'
	@echo 'make fetch-test            downloads on such machines, and interrupted'
	@echo 'make build-test            W=1 builds for 6.1, 6.12 and the newest'
	@echo 'make matrix                W=1 builds for all kernels, and their table'
	@echo 'make export                patches for the kernel tree, in build/export/patches'
	@echo 'make export-test           they apply, build and pass KUnit there'
	@echo 'make vmbhost               a VMBus host that misbehaves when told'
	@echo 'make vmbhost-test          its unit tests, with sanitizers'
	@echo 'make tools-test            the programs of tools/, on devices that are not there'
	@echo 'make vmtest [KERNEL=6.12]  modules, stock hv_vmbus and a VMBus host'
	@echo 'make trace-test [KERNEL=..] trace-cmd, perf and bpftrace, as documented'
	@echo 'make wiretest [KERNEL=..]  devices rescinded and offered again, by vmbhost'
	@echo 'make garbletest [KERNEL=..] a million mutations of a hostile host'
	@echo 'make vmtest-debug          both on a kernel with every checker, built once'
	@echo 'make irqsoff               for how long interrupts are off, kernel built once'
	@echo 'make soak [MINUTES=10]     rescind and re-offer under traffic'
	@echo 'make soak ROW=N [COUNT=..] a row of Documentation/faults.rst, its long form'
	@echo '                           ROW=13: data races, kernel built once'
	@echo 'make bench  [KERNEL=..] [CASES=..] [STEPPED=1|2] [PLOT=1]'
	@echo '                           instructions per packet, beside the raw VMBus API'
	@echo 'make bench-check           some of them, beside those committed'
	@echo 'make arm64test [FLAVOUR=..] the loopback bus and its programs on arm64'
	@echo 'make kexectest [KERNEL=..] another kernel, and a crash kernel, take over'
	@echo 'make mutate [N=20] [SEED=] which small changes the KUnit suites do not find'
	@echo 'make dkmstest              the packages in a clean Debian root and a guest'
	@echo 'make packagestest          lintian and rpmlint on the packages'

.PHONY: bench bench-check modules headers modules_install clean distclean demo check \
	kunit coverage kmcl-coverage symbols model fuzz sparse layers checkpatch shellcheck \
	docs build-test script-test fetch-test vmtest dkms-install dkms-remove deb dkmstest \
	packagestest help \
	vmbhost vmbhost-test wiretest garbletest soak vmtest-debug irqsoff tools-test \
	arm64test kexectest matrix mutate export export-test
