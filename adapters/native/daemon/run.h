// One program from a fresh start to the state in which the next one finds the machine.
#ifndef VFIO_CONFORM_RUN_H
#define VFIO_CONFORM_RUN_H

#include "channel.h"
#include "keeper.h"
#include "program.h"
#include "slot.h"
#include "text.h"

struct run {
	const struct program *program;
	const struct slot *const *slots;
	struct channel **channel; // replaced when a process may still write to it
	double seconds;
	int log;
};

// Runs it, restores what it changed, and adds its outcomes, "]" and its log to the text. Gives what became of it.
struct fate run_program(const struct run *run, struct text *text);

#endif
