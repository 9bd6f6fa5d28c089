#include "arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 32 * 1024 };

struct arena_block {
	struct arena_block *next;
	size_t size;
	_Alignas(max_align_t) unsigned char data[];
};

void *arena_take(struct arena *arena, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	struct arena_block *block = arena->blocks;
	void *taken;

	size = (size + align - 1) / align * align;
	if (!block || block->size - arena->used < size) {
		size_t room = size > BLOCK ? size : BLOCK;

		block = malloc(sizeof(*block) + room);
		if (!block) {
			fputs("vfio-conform: out of memory\n", stderr);
			abort();
		}
		block->size = room;
		block->next = arena->blocks;
		arena->blocks = block;
		arena->used = 0;
	}
	taken = block->data + arena->used;
	arena->used += size;
	return memset(taken, 0, size);
}

void arena_reset(struct arena *arena)
{
	while (arena->blocks && arena->blocks->next) {
		struct arena_block *next = arena->blocks->next;

		free(arena->blocks);
		arena->blocks = next;
	}
	arena->used = 0;
}
