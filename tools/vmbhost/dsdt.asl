// SPDX-License-Identifier: GPL-2.0
//
// VMBus, and how to turn the machine off; numbers as in machine.h. It is what Hyper-V's
// own tables have around VMBus: hv_vmbus binds to the _HID, wants a _CRS, and takes
// address windows from a parent's. iasl calls both of these errors, the _HID for its
// form and the _CRS for being empty, so the Makefile tells it not to.

DefinitionBlock ("", "DSDT", 2, "VMBHST", "VMBHOST", 1)
{
	Name (\_S5, Package () { 5, 0, 0, 0 })

	// A module: what it decodes
	Device (\_SB.VMOD) {
		Name (_HID, "ACPI0004")
		Name (_UID, 0)
		Name (_CRS, ResourceTemplate () {
			DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
				NonCacheable, ReadWrite,
				0, 0xe0000000, 0xfebfffff, 0, 0x1ec00000)
			QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
				NonCacheable, ReadWrite,
				0, 0x800000000, 0x8ffffffff, 0, 0x100000000)
		})

		Device (VMBS) {
			Name (_HID, "VMBus")
			Name (_UID, 0)
			Name (_STA, 0x0f)
			Name (_CRS, ResourceTemplate () {})
		}
	}
}
