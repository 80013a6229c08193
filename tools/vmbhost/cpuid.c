// SPDX-License-Identifier: GPL-2.0
/*
 * What the guest learns from CPUID: what KVM offers, less nested virtualisation
 * and KVM's own leaves; Hyper-V's leaves in their place, less what KVM does not
 * have; and a topology of as many cores as there are processors. Runs before the
 * guest does; no lock.
 */
#include <errno.h>
#include <string.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "machine.h"

#define ENTRIES		256u
#define HV_ENTRIES	16u

#define HV_VENDOR	0x40000000u
#define HV_INTERFACE	0x40000001u
#define HV_VERSION	0x40000002u
#define HV_FEATURES	0x40000003u
#define HV_ADVICE	0x40000004u
#define HV_LIMITS	0x40000005u
#define HV_HARDWARE	0x40000006u

/* HV_FEATURES: the registers and calls that the guest may use. */
#define HV_EAX_RUNTIME		(1u << 0)
#define HV_EAX_TIME_COUNT	(1u << 1)
#define HV_EAX_SYNIC		(1u << 2)
#define HV_EAX_TIMERS		(1u << 3)
#define HV_EAX_APIC		(1u << 4)
#define HV_EAX_HYPERCALL	(1u << 5)
#define HV_EAX_VP_INDEX		(1u << 6)
#define HV_EAX_RESET		(1u << 7)
#define HV_EAX_TSC_PAGE		(1u << 9)
#define HV_EAX_FREQUENCIES	(1u << 11)
#define HV_EBX_POST_MESSAGES	(1u << 4)
#define HV_EBX_SIGNAL_EVENTS	(1u << 5)
#define HV_EDX_FREQUENCIES	(1u << 8)
#define HV_EDX_DIRECT_TIMERS	(1u << 19)
/* Without these there is no VMBus. */
#define HV_EAX_NEEDED	(HV_EAX_SYNIC | HV_EAX_HYPERCALL | HV_EAX_VP_INDEX)
#define HV_EAX_WANTED	(HV_EAX_NEEDED | HV_EAX_RUNTIME | HV_EAX_TIME_COUNT | \
			 HV_EAX_TIMERS | HV_EAX_APIC | HV_EAX_RESET | \
			 HV_EAX_TSC_PAGE | HV_EAX_FREQUENCIES)
#define HV_EDX_WANTED	(HV_EDX_FREQUENCIES | HV_EDX_DIRECT_TIMERS)
#define HV_EBX_NEEDED	(HV_EBX_POST_MESSAGES | HV_EBX_SIGNAL_EVENTS)
/*
 * HV_ADVICE. "AutoEOI is deprecated" only with --plain-apic: with AutoEOI the
 * guest's interrupts end without an exit, and without waking the worker for each.
 */
#define HV_APIC_REGISTERS	(1u << 3)
#define HV_RELAXED_TIMING	(1u << 5)
#define HV_NO_AUTO_EOI		(1u << 9)
#define HV_SPIN_FOREVER		0xffffffffu

#define LEAF1_ECX_VMX		(1u << 5)
#define LEAF1_ECX_HYPERVISOR	(1u << 31)
#define LEAF1_EDX_HTT		(1u << 28)
#define EXT1_ECX_SVM		(1u << 2)
#define LEVEL_THREAD		0x100u
#define LEVEL_CORE		0x200u

struct cpuid {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entries[ENTRIES];
};

static void add(struct kvm_cpuid2 *cpuid, uint32_t function, uint32_t index,
		uint32_t eax, uint32_t ebx, uint32_t ecx, uint32_t edx)
{
	struct kvm_cpuid_entry2 *entry;

	if (cpuid->nent == ENTRIES)
		return;
	entry = &cpuid->entries[cpuid->nent++];
	memset(entry, 0, sizeof(*entry));
	entry->function = function;
	entry->index = index;
	/* The leaf of the topology is the only one here with an index. */
	if (function == 0x0b)
		entry->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
	entry->eax = eax;
	entry->ebx = ebx;
	entry->ecx = ecx;
	entry->edx = edx;
}

/* Bits that number all processors. */
static unsigned int core_bits(unsigned int cpus)
{
	unsigned int bits = 0;

	while (1u << bits < cpus)
		bits++;
	return bits;
}

/* Change one of KVM's entries. Return: false to leave it out */
static bool adapt(struct kvm_cpuid_entry2 *entry, unsigned int cpu,
		  unsigned int cpus)
{
	switch (entry->function) {
	case 1:
		entry->ebx = (entry->ebx & 0xffff) | cpus << 16 | cpu << 24;
		entry->ecx &= ~LEAF1_ECX_VMX;
		entry->ecx |= LEAF1_ECX_HYPERVISOR;
		entry->edx &= ~LEAF1_EDX_HTT;
		if (cpus > 1)
			entry->edx |= LEAF1_EDX_HTT;
		return true;
	case 4:
		entry->eax = (entry->eax & 0x3ffff) |
			     (entry->eax & 0x1f ? (cpus - 1) << 26 : 0);
		return true;
	case 0x80000001:
		entry->ecx &= ~EXT1_ECX_SVM;
		return true;
	case 0x80000008:
		entry->ecx = (cpus - 1) | core_bits(cpus) << 12;
		return true;
	case 0x8000001e:
		entry->eax = cpu;
		entry->ebx = cpu;
		entry->ecx = 0;
		return true;
	case 0x0b:
	case 0x1f:
	case 0x8000000a:
	case 0x80000026:
	case HV_VENDOR ... HV_VENDOR + 0xffff:
		return false;
	default:
		return true;
	}
}

static void add_topology(struct kvm_cpuid2 *cpuid, unsigned int cpu,
			 unsigned int cpus)
{
	add(cpuid, 0x0b, 0, 0, 1, LEVEL_THREAD | 0, cpu);
	add(cpuid, 0x0b, 1, core_bits(cpus), cpus, LEVEL_CORE | 1, cpu);
	add(cpuid, 0x0b, 2, 0, 0, 2, cpu);
}

static int add_hyperv(struct kvm_cpuid2 *cpuid, const struct kvm_cpuid2 *hv,
		      bool plain_apic)
{
	uint32_t eax = 0, ebx = 0, edx = 0, advice = 0, i;

	for (i = 0; i < hv->nent; i++) {
		if (hv->entries[i].function == HV_FEATURES) {
			eax = hv->entries[i].eax & HV_EAX_WANTED;
			ebx = hv->entries[i].ebx & HV_EBX_NEEDED;
			edx = hv->entries[i].edx & HV_EDX_WANTED;
		} else if (hv->entries[i].function == HV_ADVICE) {
			advice = hv->entries[i].eax &
				 (HV_APIC_REGISTERS | HV_RELAXED_TIMING);
		}
	}
	if ((eax & HV_EAX_NEEDED) != HV_EAX_NEEDED || ebx != HV_EBX_NEEDED)
		return vm_error("this KVM does not have the Hyper-V features that VMBus needs");
	if (plain_apic) {
		eax &= ~HV_EAX_TIMERS;
		edx &= ~HV_EDX_DIRECT_TIMERS;
		advice &= ~HV_APIC_REGISTERS;
		advice |= HV_NO_AUTO_EOI;
	}
	add(cpuid, HV_VENDOR, 0, HV_HARDWARE, 0x7263694d, 0x666f736f,
	    0x76482074);		/* "Microsoft Hv" */
	add(cpuid, HV_INTERFACE, 0, 0x31237648, 0, 0, 0); /* "Hv#1" */
	/* Windows Server 2016's build. */
	add(cpuid, HV_VERSION, 0, 0x3839, 0xa0000, 0, 0);
	add(cpuid, HV_FEATURES, 0, eax, ebx, 0, edx);
	add(cpuid, HV_ADVICE, 0, advice, HV_SPIN_FOREVER, 0, 0);
	add(cpuid, HV_LIMITS, 0, VM_MAX_CPUS, VM_MAX_CPUS, 0, 0);
	add(cpuid, HV_HARDWARE, 0, 0, 0, 0, 0);
	return 0;
}

/**
 * cpuid_set() - tell KVM what a processor's CPUID says
 * Return: 0; -1 after an error was printed
 */
int cpuid_set(struct vcpu *vcpu)
{
	struct cpuid *kvm = calloc(3, sizeof(*kvm));
	struct kvm_cpuid2 *ours, *from, *hv;
	unsigned int cpus = vcpu->vm->config.cpus, i;
	int ret = -1;

	if (!kvm)
		return vm_error("out of memory");
	from = &kvm[0].head;
	hv = &kvm[1].head;
	ours = &kvm[2].head;
	from->nent = ENTRIES;
	hv->nent = HV_ENTRIES;
	if (ioctl(vcpu->vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, from) < 0) {
		vm_error("KVM does not tell its CPUID: %s", strerror(errno));
		goto out;
	}
	if (ioctl(vcpu->fd, KVM_GET_SUPPORTED_HV_CPUID, hv) < 0) {
		vm_error("KVM does not tell its Hyper-V features: %s",
			 strerror(errno));
		goto out;
	}
	/* Room is kept for what is added below. */
	for (i = 0; i < from->nent && ours->nent < ENTRIES - HV_ENTRIES; i++) {
		ours->entries[ours->nent] = from->entries[i];
		if (adapt(&ours->entries[ours->nent], vcpu->index, cpus))
			ours->nent++;
	}
	add_topology(ours, vcpu->index, cpus);
	if (add_hyperv(ours, hv, vcpu->vm->config.plain_apic))
		goto out;
	if (ioctl(vcpu->fd, KVM_SET_CPUID2, ours) < 0) {
		vm_error("KVM does not take the CPUID: %s", strerror(errno));
		goto out;
	}
	ret = 0;
out:
	free(kvm);
	return ret;
}
