// One program from a fresh start to the state in which the next one finds the machine.
#ifndef VFIO_CONFORM_RUN_H
#define VFIO_CONFORM_RUN_H

#include "channel.h"
#include "program.h"
#include "slot.h"
#include "text.h"

struct run {
	const struct program *program;
	const struct slot *const *slots;
	struct channel *channel;
	double seconds;
	int log;
};

// Runs it, restores what it changed, and adds its outcomes, "]" and its log to the text.
void run_program(const struct run *run, struct text *text);

#endif
