// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual machine: made, run, and ended. Its worker, which writes the
 * console, passes on ends of messages and calls the VMBus host when something is
 * due, is the thread that called vm_run().
 *
 * Whatever can sleep (the console's file) is done without vm->lock.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"

/**
 * vm_init() - before anything else is done with it
 * Return: 0; -1 after an error was printed
 */
int vm_init(struct vm *vm)
{
	unsigned int i;

	memset(vm, 0, sizeof(*vm));
	pthread_mutex_init(&vm->lock, NULL);
	atomic_init(&vm->stopping, false);
	serial_init(&vm->serial, vm);
	vm_start_clock(vm);
	vm->wake_at = NEVER;
	vm->kvm_fd = -1;
	vm->fd = -1;
	vm->console.fd = -1;
	vm->console.input = -1;
	vm->signal_fd = -1;
	for (i = 0; i < VM_MAX_CPUS; i++) {
		vm->vcpus[i].fd = -1;
		vm->vcpus[i].irqfd = -1;
	}
	vm->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	vm->ack_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (vm->wake_fd < 0 || vm->ack_fd < 0)
		return vm_error("eventfd: %s", strerror(errno));
	return 0;
}

static void on_kick(int signal)
{
	(void)signal;
}

/* SIGUSR1 takes a processor out of KVM; who wants to end us does so by poll. */
static int set_signals(struct vm *vm)
{
	struct sigaction action = { .sa_handler = on_kick };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	signal(SIGPIPE, SIG_IGN);
	if (sigaction(SIGUSR1, &action, NULL) < 0 ||
	    pthread_sigmask(SIG_BLOCK, &set, NULL))
		return vm_error("no signals");
	vm->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (vm->signal_fd < 0)
		return vm_error("signalfd: %s", strerror(errno));
	return 0;
}

static int make(struct vm *vm)
{
	uint64_t rsdp, entry;
	unsigned int i;

	if (setup_kvm(vm) || setup_memory(vm) || setup_disk(vm) ||
	    setup_chips(vm))
		return -1;
	for (i = 0; i < vm->config.cpus; i++) {
		if (vcpu_create(vm, i))
			return -1;
	}
	if (setup_routes(vm))
		return -1;
	rsdp = acpi_build(guest_memory(vm, ACPI_BASE, ACPI_SIZE), ACPI_BASE,
			  ACPI_SIZE, vm->config.cpus, vm->disk_size);
	if (!rsdp)
		return vm_error("the ACPI tables do not fit");
	if (boot_load(vm, rsdp, &entry))
		return -1;
	return setup_registers(vm, entry);
}

/* Give everything back that make() got, however far it came. */
static void unmake(struct vm *vm)
{
	if (vm->memory)
		munmap(vm->memory, vm->low + vm->high);
	vm->memory = NULL;
	if (vm->disk)
		munmap(vm->disk, vm->disk_size);
	vm->disk = NULL;
	if (vm->fd >= 0)
		close(vm->fd);
	vm->fd = -1;
	if (vm->kvm_fd >= 0)
		close(vm->kvm_fd);
	vm->kvm_fd = -1;
}

static void stop_cpus(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < VM_MAX_CPUS; i++)
		vcpu_stop(&vm->vcpus[i]);
}

static void end(struct vm *vm)
{
	stop_cpus(vm);
	console_flush(vm);
	console_close(vm);
	unmake(vm);
	if (vm->signal_fd >= 0)
		close(vm->signal_fd);
}

/* Whether the guest is started again, as asked. */
static bool again(struct vm *vm)
{
	bool again = vm->again && (vm->status == STATUS_OFF ||
				   vm->status == STATUS_RESET);

	vm->again = false;
	return again;
}

/*
 * Another machine with the same disk and the same devices, as if it had been
 * switched off and on: nothing else of the old one is left.
 */
static int make_another(struct vm *vm)
{
	stop_cpus(vm);
	console_flush(vm);
	vmbus_disconnect(vm->bus);
	unmake(vm);
	serial_init(&vm->serial, vm);
	vm->typed_length = 0;
	vm->pm1_enable = 0;
	vm->pm1_control = 0;
	vm->rtc_index = 0;
	atomic_store(&vm->stopping, false);
	return make(vm);
}

/**
 * vm_probe() - find out whether this computer's KVM is enough
 * Return: 0; STATUS_ERROR after the reason was printed
 */
int vm_probe(struct vm *vm)
{
	bool enough;

	vm->config.cpus = 1;
	enough = !setup_kvm(vm) && !setup_chips(vm) && !vcpu_create(vm, 0) &&
		 !setup_routes(vm);
	end(vm);
	return enough ? 0 : STATUS_ERROR;
}

static void drain(int fd)
{
	uint64_t count;

	(void)!read(fd, &count, sizeof(count));
}

/* What is due. Return: when to look again */
static uint64_t due(struct vm *vm)
{
	uint64_t next;

	pthread_mutex_lock(&vm->lock);
	if (vm_now(vm) >= vm->wake_at) {
		vm->wake_at = NEVER;
		vmbus_work(vm->bus);
	}
	serial_typed(vm);
	next = vm->wake_at;
	if (vm->serial.flush_at < next)
		next = vm->serial.flush_at;
	pthread_mutex_unlock(&vm->lock);
	return next;
}

static void acknowledged(struct vm *vm)
{
	unsigned int i;

	drain(vm->ack_fd);
	pthread_mutex_lock(&vm->lock);
	for (i = 0; i < vm->config.cpus; i++)
		synic_end_of_message(&vm->synics[i]);
	pthread_mutex_unlock(&vm->lock);
}

static void signalled(struct vm *vm)
{
	struct signalfd_siginfo info;

	if (read(vm->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	pthread_mutex_lock(&vm->lock);
	vm_stop(vm, 128 + info.ssi_signo);
	pthread_mutex_unlock(&vm->lock);
}

static void work(struct vm *vm)
{
	struct pollfd fds[] = {
		{ .fd = vm->wake_fd, .events = POLLIN },
		{ .fd = vm->ack_fd, .events = POLLIN },
		{ .fd = vm->signal_fd, .events = POLLIN },
		{ .fd = -1, .events = POLLIN },
	};
	struct timespec wait, *timeout;
	uint64_t next, now;

	while (!atomic_load(&vm->stopping)) {
		next = due(vm);
		now = vm_now(vm);
		if (next <= now && console_flush(vm))
			continue;
		timeout = NULL;
		if (next != NEVER) {
			now = next > now ? next - now : 0;
			wait.tv_sec = now / 1000000000ull;
			wait.tv_nsec = now % 1000000000ull;
			timeout = &wait;
		}
		fds[3].fd = console_input_fd(vm);
		if (ppoll(fds, sizeof(fds) / sizeof(*fds), timeout, NULL) <= 0)
			continue;
		if (fds[0].revents)
			drain(vm->wake_fd);
		if (fds[1].revents)
			acknowledged(vm);
		if (fds[2].revents)
			signalled(vm);
		if (fds[3].revents)
			console_input(vm);
	}
}

/* Until the machine stops. Return: 0; -1 after an error was printed */
static int run(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->config.cpus; i++) {
		if (vcpu_start(&vm->vcpus[i])) {
			atomic_store(&vm->stopping, true);
			return -1;
		}
	}
	work(vm);
	return 0;
}

/**
 * vm_run() - run a machine to its end
 * @bus:	the VMBus host that it has
 *
 * Return: the status that vm_stop() was told; STATUS_ERROR after an error was
 *	   printed
 */
int vm_run(struct vm *vm, const struct vm_config *config, struct vmbus *bus)
{
	bool started;

	vm->config = *config;
	vm->bus = bus;
	started = !make(vm) && !console_open(vm) && !set_signals(vm);
	vm_start_clock(vm);
	while (started) {
		started = !run(vm);
		if (!started || !again(vm))
			break;
		started = !make_another(vm);
	}
	end(vm);
	return started ? vm->status : STATUS_ERROR;
}
