#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# usage: dkms-symvers.sh DIRECTORY
#
# Run by DKMS in its build directory: keeps the symbol versions beside the
# modules, in DKMS' own directory for this kernel, which it also removes.

exec install -D -m 644 Module.symvers "$1/Module.symvers"
