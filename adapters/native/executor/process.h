// One process of a running program: what its names stand for.
#ifndef VFIO_CONFORM_PROCESS_H
#define VFIO_CONFORM_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "channel.h"
#include "fault.h"
#include "memory.h"
#include "program.h"
#include "slot.h"

enum resource_kind { RESOURCE_NONE, RESOURCE_FD, RESOURCE_MEMORY, RESOURCE_VALUE };

struct resource {
	enum resource_kind kind;
	int fd;
	struct memory *memory;
	uint64_t value;
};

struct process {
	const struct program *program;
	const struct slot *const *slots; // by name of the program
	struct channel *channel;
	uint32_t self; // index in channel->processes
	struct resource *resources; // by name
	struct memory *memories;    // oldest first, those without a name too
	struct memory **last_memory;
	struct fault fault; // in the next op
};

int process_fd(const struct process *process, int name); // -1 if there is none
struct memory *process_memory(struct process *process, int name); // NULL, and the program ends, if there is none
void process_name_fd(struct process *process, int name, int fd);
void process_name_memory(struct process *process, int name, struct memory *memory);
void process_name_value(struct process *process, int name, uint64_t value);
void process_forget(struct process *process, int name);

// The program cannot go on here. Gives false.
bool process_unsupported(struct process *process, const char *format, ...) __attribute__((format(printf, 2, 3)));

// The outcome of the op at hand, but for its closing brace.
void outcome_value(struct process *process, uint64_t value);
void outcome_fd(struct process *process, int name, int fd); // the name gets the fd
void outcome_errno(struct process *process, int number);
void outcome_status(struct process *process, int number); // 0: value 0, else an errno

// Reports all memory that changed.
void outcome_changed(struct process *process, bool acting);

#endif
