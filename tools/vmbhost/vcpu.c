// SPDX-License-Identifier: GPL-2.0
/*
 * Virtual processors: one thread each, which runs the guest and takes vm->lock
 * for everything that it stops for.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine.h"

#define MSR_MTRR_DEFAULT	0x2ffu
#define MTRR_ENABLED_WRITE_BACK	0x806u

/* Memory is cached, as firmware sets it up; the same on each processor. */
static int set_mtrr(struct vcpu *vcpu)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msrs = {
		.head.nmsrs = 1,
		.entry.index = MSR_MTRR_DEFAULT,
		.entry.data = MTRR_ENABLED_WRITE_BACK,
	};

	if (ioctl(vcpu->fd, KVM_SET_MSRS, &msrs) != 1)
		return vm_error("KVM does not take the memory types");
	return 0;
}

/**
 * vcpu_create() - make a processor that does not run yet
 * Return: 0; -1 after an error was printed
 */
int vcpu_create(struct vm *vm, unsigned int index)
{
	struct kvm_enable_cap synic = { .cap = KVM_CAP_HYPERV_SYNIC2 };
	struct vcpu *vcpu = &vm->vcpus[index];
	int size;

	vcpu->vm = vm;
	vcpu->index = index;
	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, (long)index);
	size = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (vcpu->fd < 0 || size < (int)sizeof(*vcpu->run))
		return vm_error("KVM gives no processor: %s", strerror(errno));
	vcpu->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED) {
		vcpu->run = NULL;
		return vm_error("KVM gives no processor: %s", strerror(errno));
	}
	vcpu->run_size = size;
	synic_init(&vm->synics[index], vm, index);
	if (cpuid_set(vcpu) || set_mtrr(vcpu))
		return -1;
	if (ioctl(vcpu->fd, KVM_ENABLE_CAP, &synic) < 0)
		return vm_error("KVM gives no Hyper-V interrupt controller: %s",
				strerror(errno));
	return 0;
}

static void port_io(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	unsigned int size = run->io.size;
	uint32_t i, value;

	/* More than one are those of a string instruction. */
	for (i = 0; i < run->io.count; i++, data += size) {
		value = 0;
		if (run->io.direction == KVM_EXIT_IO_OUT) {
			memcpy(&value, data, size);
			pio_write(vcpu->vm, run->io.port, size, value);
		} else {
			value = pio_read(vcpu->vm, run->io.port, size);
			memcpy(data, &value, size);
		}
	}
}

static void hyperv(struct vcpu *vcpu)
{
	struct kvm_hyperv_exit *exit = &vcpu->run->hyperv;

	switch (exit->type) {
	case KVM_EXIT_HYPERV_SYNIC:
		synic_changed(&vcpu->vm->synics[vcpu->index],
			      exit->u.synic.control, exit->u.synic.evt_page,
			      exit->u.synic.msg_page);
		break;
	case KVM_EXIT_HYPERV_HCALL:
		exit->u.hcall.result = hypercall(vcpu->vm, exit->u.hcall.input,
						 (const uint64_t *)
						 exit->u.hcall.params);
		break;
	}
}

static void died(struct vcpu *vcpu, const char *how, uint64_t detail)
{
	struct kvm_regs regs;

	if (ioctl(vcpu->fd, KVM_GET_REGS, &regs) < 0)
		regs.rip = 0;
	vm_error("processor %u: %s (%#llx) at %#llx", vcpu->index, how,
		 (unsigned long long)detail, (unsigned long long)regs.rip);
	vm_stop(vcpu->vm, STATUS_ERROR);
}

/* What the processor has stopped for. */
static void handle(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		port_io(vcpu);
		break;
	case KVM_EXIT_MMIO:
		/* Nothing is there. */
		if (!run->mmio.is_write)
			memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
		break;
	case KVM_EXIT_HYPERV:
		hyperv(vcpu);
		break;
	case KVM_EXIT_INTR:
		break;
	case KVM_EXIT_SHUTDOWN:
		/* Also the last way in which Linux resets a machine. */
		vm_error("the guest ended in a triple fault");
		vm_stop(vcpu->vm, STATUS_RESET);
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		vm_error("the guest reset itself");
		vm_stop(vcpu->vm, STATUS_RESET);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		died(vcpu, "KVM cannot enter the guest",
		     run->fail_entry.hardware_entry_failure_reason);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		died(vcpu, "KVM gave up", run->internal.suberror);
		break;
	default:
		died(vcpu, "stopped for an unknown reason", run->exit_reason);
		break;
	}
}

static void *run_vcpu(void *data)
{
	struct vcpu *vcpu = data;
	struct vm *vm = vcpu->vm;
	int ret, error;

	while (!atomic_load(&vm->stopping)) {
		ret = ioctl(vcpu->fd, KVM_RUN, 0);
		error = errno;
		if (ret < 0 && (error == EINTR || error == EAGAIN))
			continue;
		pthread_mutex_lock(&vm->lock);
		if (ret < 0) {
			vm_error("processor %u: %s", vcpu->index,
				 strerror(error));
			vm_stop(vm, STATUS_ERROR);
		} else if (!atomic_load(&vm->stopping)) {
			handle(vcpu);
		}
		pthread_mutex_unlock(&vm->lock);
	}
	return NULL;
}

/**
 * vcpu_start() - let it run, in a thread of its own
 * Return: 0; -1 after an error was printed
 */
int vcpu_start(struct vcpu *vcpu)
{
	int error = pthread_create(&vcpu->thread, NULL, run_vcpu, vcpu);

	if (error)
		return vm_error("no thread for a processor: %s",
				strerror(error));
	vcpu->running = true;
	return 0;
}

/**
 * vcpu_stop() - wait for its end, after vm_stop(), and free it
 *
 * Without vm->lock.
 */
void vcpu_stop(struct vcpu *vcpu)
{
	if (vcpu->running) {
		/* Before it enters the guest the first, in it the second. */
		__atomic_store_n(&vcpu->run->immediate_exit, 1,
				 __ATOMIC_SEQ_CST);
		pthread_kill(vcpu->thread, SIGUSR1);
		pthread_join(vcpu->thread, NULL);
		vcpu->running = false;
	}
	if (vcpu->run) {
		munmap(vcpu->run, vcpu->run_size);
		vcpu->run = NULL;
		synic_free(&vcpu->vm->synics[vcpu->index]);
	}
	if (vcpu->fd >= 0)
		close(vcpu->fd);
	vcpu->fd = -1;
	if (vcpu->irqfd >= 0)
		close(vcpu->irqfd);
	vcpu->irqfd = -1;
}
