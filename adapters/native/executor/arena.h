// Memory that is handed out piece by piece and taken back all at once: one arena a request.
#ifndef VFIO_CONFORM_ARENA_H
#define VFIO_CONFORM_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks; // newest first
	size_t used;                // of the newest
};

// Zeroed memory, aligned for any type. Never fails: without memory the process aborts.
void *arena_take(struct arena *arena, size_t size);

// Takes everything back, but keeps the first block for what comes next.
void arena_reset(struct arena *arena);

#endif
