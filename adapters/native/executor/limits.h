// How much a request may ask for, as docs/protocol.md has it. All of it is held before anything is allocated for it.
#ifndef VFIO_CONFORM_LIMITS_H
#define VFIO_CONFORM_LIMITS_H

enum {
	MOST_LINE = 64 * 1024 * 1024,         // bytes of a message
	MOST_VALUES = 2 * 1024 * 1024,        // JSON values of a message
	MOST_DEPTH = 32,                      // nested JSON
	MOST_OPS = 10000,
	MOST_SLOTS = 64,
	MOST_CHANGES = 64,
	MOST_PARTS = 1024,                    // relocations of an op, or what it saves
	MOST_NAME = 64,                       // characters
	MOST_TEXT = 1024,                     // bytes of an id and the like
	MOST_PATH = 4096,
	MOST_SPELLING = 5000,
	MOST_BYTES = 1024 * 1024,             // of an op, of a run that changed, of what is peeked at
	MOST_MEMORY = 64 * 1024 * 1024,       // bytes that the processes of a program map
	MOST_MEMORIES = 1024,                 // that they map
	MOST_PROCESSES = 64,                  // of a program
	MOST_RUNS = 65536,                    // of changed bytes of an outcome
	MOST_OUTCOMES = 48 * 1024 * 1024,     // bytes of the outcomes of a program as JSON
};

#endif
