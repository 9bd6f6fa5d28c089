// The memories of a program: what is mapped, what the process may do with each page, what the program stored.
//
// Every page's state is kept here, so that an access that would fault fails with EFAULT instead of being made.
// A shadow holds what the program last stored or received; what differs from it was changed by someone else. Each
// process has its own: of memory that processes share, each is reported.
#ifndef VFIO_CONFORM_MEMORY_H
#define VFIO_CONFORM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "program.h"

// Of memory that processes share: what the program last stored there, so that none takes it for someone else's doing,
// and how much of it is left.
struct store {
	size_t at;
	size_t length;
	unsigned int number; // of stores so far
	size_t present;      // bytes that there are: those behind them were cut off the file
};

struct memory {
	struct memory *next;      // made after this one
	int name;
	bool named;               // false: the name was given to something newer
	enum backing backing;
	unsigned char *base;      // an inaccessible page lies before it, and one after its end
	size_t length;
	unsigned char *shadow;
	unsigned char *relocated; // a bit for each byte: it belongs to a stored relocation, unchanged since; of `fd` for all processes
	bool relocations;         // a bit was ever set
	unsigned char *stored;    // shared memory: bytes that the program stored, wherever it did, then their bits
	struct store *store;      // and the last time that it did
	unsigned int stores_seen;
	int file;                 // what is behind it, to be cut; -1 if that is not kept
	unsigned char *pages;     // state of each page
	size_t page_count;
	size_t known_first;       // all pages to compare are among these
	size_t known_end;
};

struct mapping {
	size_t length;
	enum protection protection;
	enum backing backing;
	bool untouched;
	bool keep_file; // to be cut later
	int fd;
	uint64_t offset;
};

size_t page_size(void);

// These give 0 or an errno.
int memory_map(struct memory *memory, const struct mapping *mapping);
int memory_protect(struct memory *memory, uint64_t at, uint64_t length, enum protection protection);
int memory_unmap(struct memory *memory, uint64_t at, uint64_t length);
int memory_discard(struct memory *memory, uint64_t at, uint64_t length);
int memory_lock(struct memory *memory, uint64_t at, uint64_t length);

// Cuts the file behind memory, which was kept, to a length that it has not exceeded yet.
int memory_truncate(struct memory *memory, uint64_t length);

// Bytes that can be accessed as far as the file behind the memory goes.
size_t memory_present(const struct memory *memory);

// The program stores bytes. EFAULT, and nothing stored, if not all of them can be.
int memory_store(struct memory *memory, uint64_t at, const unsigned char *bytes, size_t length);

// Bytes that were just stored are a relocation: they show as zeros until they change.
void memory_relocated(struct memory *memory, uint64_t at, size_t width);

// The program looks at bytes. EFAULT if not all of them can be read.
int memory_load(const struct memory *memory, uint64_t at, unsigned char *bytes, size_t length);

// Sets the bytes of unchanged relocations among loaded ones to zero.
void memory_hide_relocations(const struct memory *memory, uint64_t at, unsigned char *bytes, size_t length);

// To be called after each op of any process. Reports each run of bytes that differs from the shadow, which follows suit.
typedef void memory_changed(void *context, const struct memory *memory, size_t at, const unsigned char *bytes, size_t length);
void memory_compare(struct memory *memory, memory_changed *changed, void *context);

#endif
