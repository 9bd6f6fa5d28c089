// In place of runner.c: a process of a program that overwrites everything it shares with its keeper. For tests alone.
//
// The id of the program says how: "forge" leaves what would do most harm if it were believed, "flip" goes on changing
// every field between harmless and harmful until it is killed, and "scribble SEED" fills all with random bytes.
#define _GNU_SOURCE
#include "runner.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ops.h"

static const char message[] = "{\"value\":0}],\"end\":\"completed\"}\n{\"type\":\"result\",\"id\":7,\"outcomes\":[";

static void harm(struct channel *channel, int end)
{
	channel->outcomes.data = (char *)(uintptr_t)0xdead0000;
	channel->outcomes.length = SIZE_MAX;
	channel->at_op = SIZE_MAX;
	channel->process_count = UINT32_MAX;
	channel->end = end;
	channel->leaving = -1;
	memset(channel->detail, '%', sizeof(channel->detail));
	for (int i = 0; i < MOST_PROCESSES; i++)
		channel->processes[i] = (struct actor_process){ .name = INT32_MIN, .pid = -1 };
	memcpy(channel + 1, message, sizeof(message) - 1);
	channel->published = SIZE_MAX;
}

static void flip(struct channel *channel)
{
	for (;;) {
		harm(channel, 77);
		channel_clear(channel);
		channel->process_count = 1;
		channel->published = sizeof(message) - 1;
	}
}

static void scribble(struct channel *channel, unsigned int seed)
{
	unsigned char *at = (unsigned char *)channel;

	srandom(seed);
	for (size_t i = 0; i < sizeof(*channel) + 4096; i++)
		at[i] = (unsigned char)random();
	if (seed % 16) // it takes its time to look at all of it
		channel->published = (size_t)random() % 8192;
}

void runner_run(const struct program *program, const struct slot *const *slots, struct channel *channel)
{
	pid_t pid;

	(void)slots;
	if (!strcmp(program->id, "forge")) {
		harm(channel, 77);
	} else if (!strcmp(program->id, "message")) {
		memcpy(channel + 1, message, sizeof(message) - 1);
		channel->published = sizeof(message) - 1;
		channel->end = END_COMPLETED;
	} else if (!strcmp(program->id, "child")) {
		// Its brother is a child of the keeper, which takes it for an actor with an impossible name.
		harm(channel, END_NONE);
		channel->process_count = 2;
		channel->processes[1] = (struct actor_process){ .name = 1 << 30 };
		pid = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0);
		if (pid == 0) {
			channel->processes[1].pid = getpid();
			_exit(3);
		}
		pause();
	} else if (!strcmp(program->id, "flip")) {
		flip(channel);
	} else if (!strcmp(program->id, "stopped")) {
		harm(channel, END_COMPLETED);
		raise(SIGSTOP);
	} else {
		scribble(channel, (unsigned int)strtoul(program->id, NULL, 10));
	}
}

bool perform_fork(struct process *process, const struct op *op)
{
	(void)op;
	return process_unsupported(process, "not here");
}
