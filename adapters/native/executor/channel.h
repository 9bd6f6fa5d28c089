// What the processes of a program and their keeper share: whose turn it is, how far the program is, its outcomes.
//
// It is memory, not a pipe: the processes keep no file descriptor of their own, so that a program finds a clean table
// and may lower its limit to nothing; and outcomes published here outlive a crash.
//
// A program can have a kernel, or a device, write anything here at any time. The keeper therefore follows no pointer and
// takes no index, count or text from it but through channel_read, which copies once and then checks.
#ifndef VFIO_CONFORM_CHANNEL_H
#define VFIO_CONFORM_CHANNEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "limits.h"
#include "text.h"

enum end { END_NONE, END_COMPLETED, END_CRASHED, END_HUNG, END_UNSUPPORTED };
enum task { TASK_PERFORM, TASK_COMPARE, TASK_EXIT };

struct actor_process {
	int name;
	pid_t pid;
	bool gone;
	_Atomic uint32_t turn; // futex: 1 when this process is to go on
};

struct channel {
	// Outcomes, with commas between, behind this structure. Only what is before `published` is complete.
	struct text outcomes;
	_Atomic size_t published;
	_Atomic size_t at_op; // op being performed, or the number of ops
	_Atomic int end;
	char detail[200];

	// Process 0 is main. It gives each task, and waits until the other has done it.
	struct actor_process processes[MOST_PROCESSES];
	_Atomic uint32_t process_count;
	enum task task;
	bool changed_open;     // the outcome being written has a list of changes
	size_t runs;           // in that list
	_Atomic bool helped;   // another process was started that is no actor
	_Atomic int helper_error; // what came of its work
	_Atomic pid_t leaving; // process that has to exit; its keeper clears it when it has reaped it
	_Atomic uint32_t left; // futex: the keeper has
};

// Shared memory for any number of programs, one after the other. NULL and errno if there is none.
struct channel *channel_make(void);
void channel_clear(struct channel *channel);

// What a channel said at one time, in memory that nobody else writes to. Each is in range; nothing else is promised.
struct reading {
	size_t published;      // at most MOST_OUTCOMES
	size_t at_op;          // any number
	enum end end;          // none, completed or unsupported: a process can tell nothing else of itself
	char detail[200];      // ends within
	uint32_t process_count; // at most MOST_PROCESSES
};

struct reading channel_read(const struct channel *channel);

// The outcomes of a channel: MOST_OUTCOMES bytes.
const char *channel_outcomes(const struct channel *channel);

// The actor process of that id, main excepted; 0 if there is none that lives as far as the channel says. Below MOST_PROCESSES.
uint32_t channel_process(const struct channel *channel, pid_t pid, int *name);

void channel_wait(_Atomic uint32_t *word); // until it is 1, which becomes 0
void channel_wake(_Atomic uint32_t *word); // makes it 1

#endif
