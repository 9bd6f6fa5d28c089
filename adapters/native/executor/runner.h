// Runs a program in this process, as its actor `main`.
#ifndef VFIO_CONFORM_RUNNER_H
#define VFIO_CONFORM_RUNNER_H

#include "channel.h"
#include "program.h"
#include "slot.h"

// Leaves outcomes and end in the channel. Another process has to keep this one and those that it forks (see keeper.h).
// Memory that the program mapped stays; the caller ends the process.
void runner_run(const struct program *program, const struct slot *const *slots, struct channel *channel);

#endif
