// State of single pages; only for the files that keep memories.
#ifndef VFIO_CONFORM_PAGES_H
#define VFIO_CONFORM_PAGES_H

#include "memory.h"

enum {
	PAGE_MAPPED = 1,
	PAGE_READABLE = 2,
	PAGE_WRITABLE = 4,
	PAGE_KNOWN = 8, // the program filled it or stored to it: comparing it disturbs nothing
};

// From now on these pages (one past the last is `end`) are compared.
void pages_known(struct memory *memory, size_t first, size_t end);

#endif
