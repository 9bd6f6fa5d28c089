// Keeps the processes of one program: starts the first, cuts off what hangs, and leaves none behind.
#ifndef VFIO_CONFORM_KEEPER_H
#define VFIO_CONFORM_KEEPER_H

#include "channel.h"
#include "program.h"
#include "slot.h"

// Once, before the first program: orphans of programs come to this process, and SIGCHLD waits until it is asked for.
void keeper_prepare(void);

// What became of a program, in memory of the keeper's own.
struct fate {
	enum end end;
	char detail[200];
	size_t published; // bytes of outcomes in the channel
	bool left;        // a process of it could not be killed, and may go on writing to the channel
};

// Runs the program in processes of its own; returns when they are gone, or cannot be made to go.
struct fate keeper_run(const struct program *program, const struct slot *const *slots, struct channel *channel,
		       double seconds);

// Calls `work(context)` in a process of its own and waits for it, but no longer than that.
void keeper_apart(void (*work)(void *context), void *context, double seconds);

#endif
