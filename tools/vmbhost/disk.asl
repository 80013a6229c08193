// SPDX-License-Identifier: GPL-2.0
//
// The device that stands for all that NFIT describes

DefinitionBlock ("", "SSDT", 2, "VMBHST", "VMBDISK", 1)
{
	Device (\_SB.NVDR) {
		Name (_HID, "ACPI0012")
	}
}
