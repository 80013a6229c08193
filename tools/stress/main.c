// SPDX-License-Identifier: GPL-2.0
/*
 * usage: kmcl_random DEVICE CALLS PROCESSES SEED
 *
 * PROCESSES make CALLS random system calls on DEVICE, all together, while somebody
 * else has it closed and opened. A timer interrupts what waits. In each round one
 * of them is killed in the middle of a call, and another takes its place. Fails if a
 * call ends in another way than its documentation says, or if a process does not end.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "random_calls.h"

#define TICK_US		20000	/* interrupts a call that waits */
#define MOST_PROCESSES	64
#define ROUND_US	100000	/* from one kill to the next */
#define PATIENCE_S	20	/* for the last calls of the last process */

#define SHOWN		20	/* of what was not expected, the first ones say enough */

/* Of all processes, one of which may be killed before it has told what it saw */
struct counts {
	unsigned long calls, failed, unexpected;
	unsigned long ok[64];	/* of each kind */
	struct {
		const char *what;
		long value;
	} seen[SHOWN];
};

static struct counts *counts;
static uint64_t state;
static pid_t children[MOST_PROCESSES];

/* A number from 0 to @n - 1: xorshift64* */
unsigned long below(unsigned long n)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 0x2545f4914f6cdd1dULL >> 33) % n;
}

void unexpected(const char *what, long value)
{
	unsigned long i = __atomic_fetch_add(&counts->unexpected, 1,
					     __ATOMIC_RELAXED);

	if (i >= SHOWN)
		return;
	counts->seen[i].value = value;
	counts->seen[i].what = what;
}

static void show_unexpected(void)
{
	long value;
	int i;

	for (i = 0; i < SHOWN; i++) {
		value = counts->seen[i].value;
		if (!counts->seen[i].what)
			continue;
		if (value < 0)
			printf("%s: %s\n", counts->seen[i].what, strerror(-value));
		else
			printf("%s: %ld\n", counts->seen[i].what, value);
	}
}

static void on_tick(int signal)
{
	(void)signal;
}

static void one_call(void)
{
	size_t kind = below(random_calls_count), i;
	const struct random_call *call = &random_calls[kind];

	if (call->run() >= 0) {
		__atomic_add_fetch(&counts->ok[kind], 1, __ATOMIC_RELAXED);
		return;
	}
	__atomic_add_fetch(&counts->failed, 1, __ATOMIC_RELAXED);
	for (i = 0; i < ERRNOS && call->errnos[i]; i++)
		if (errno == call->errnos[i])
			return;
	unexpected(call->name, -errno);
}

static void child(unsigned long seed, unsigned long calls)
{
	struct itimerval tick = {
		.it_interval.tv_usec = TICK_US,
		.it_value.tv_usec = TICK_US,
	};
	struct sigaction action = { .sa_handler = on_tick };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	state = (seed + 1) * 0x9e3779b97f4a7c15ULL;
	/* No SA_RESTART: calls end with EINTR */
	if (sigaction(SIGALRM, &action, NULL) ||
	    setitimer(ITIMER_REAL, &tick, NULL))
		err(1, "a timer");
	while (__atomic_fetch_add(&counts->calls, 1, __ATOMIC_RELAXED) < calls)
		one_call();
	uring_end();
	exit(0);
}

static pid_t start(unsigned long seed, unsigned long calls)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (!pid)
		child(seed, calls);
	return pid;
}

/* Where the threads of a process are, as the kernel says */
static void show_stacks(pid_t pid)
{
	char command[128];

	snprintf(command, sizeof(command),
		 "grep . /proc/%d/task/*/comm /proc/%d/task/*/stack >&2", pid, pid);
	if (system(command))
		fprintf(stderr, "%d: no stacks\n", pid);
}

/* Wait for a child that ends by itself or was killed; gives it a limited time. */
static void end_of(pid_t pid)
{
	int i, status = 0;

	for (i = 0; i < PATIENCE_S * 100; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid) {
			if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
				unexpected("a process ended by signal",
					   WTERMSIG(status));
			if (WIFEXITED(status) && WEXITSTATUS(status))
				unexpected("a process ended with status",
					   WEXITSTATUS(status));
			return;
		}
		usleep(10000);
	}
	unexpected("a process that hangs: pid", pid);
	show_stacks(pid);
}

int main(int argc, char **argv)
{
	unsigned long calls, processes, seed, kills = 0, i;

	if (argc != 5)
		errx(2, "usage: kmcl_random DEVICE CALLS PROCESSES SEED");
	device = argv[1];
	calls = strtoul(argv[2], NULL, 0);
	processes = strtoul(argv[3], NULL, 0);
	seed = strtoul(argv[4], NULL, 0);
	if (!processes || processes > MOST_PROCESSES)
		errx(2, "PROCESSES is 1 to %d", MOST_PROCESSES);
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED)
		err(1, "mmap");
	state = seed + 1;

	for (i = 0; i < processes; i++)
		children[i] = start(seed + i, calls);
	while (__atomic_load_n(&counts->calls, __ATOMIC_RELAXED) < calls) {
		usleep(ROUND_US);
		i = below(processes);
		kill(children[i], SIGKILL);
		end_of(children[i]);
		kills++;
		children[i] = start(seed + processes + kills, calls);
	}
	for (i = 0; i < processes; i++)
		end_of(children[i]);

	show_unexpected();
	for (i = 0; i < random_calls_count; i++)
		printf("%s %lu\n", random_calls[i].name, counts->ok[i]);
	printf("%lu calls, %lu failed as documented, %lu otherwise; %lu killed, seed %lu\n",
	       calls, counts->failed - counts->unexpected, counts->unexpected,
	       kills, seed);
	return counts->unexpected ? 1 : 0;
}
