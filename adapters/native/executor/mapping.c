// Mapping, protecting, unmapping and discarding the pages of memories.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "descriptor.h"
#include "memory.h"
#include "pages.h"

void pages_known(struct memory *memory, size_t first, size_t end)
{
	for (size_t page = first; page < end; page++)
		memory->pages[page] |= PAGE_KNOWN;
	if (memory->known_first == memory->known_end) {
		memory->known_first = first;
		memory->known_end = end;
	}
	if (first < memory->known_first)
		memory->known_first = first;
	if (end > memory->known_end)
		memory->known_end = end;
}

static int system_protection(enum protection protection)
{
	switch (protection) {
	case PROTECTION_NONE:
		return PROT_NONE;
	case PROTECTION_READ:
		return PROT_READ;
	case PROTECTION_WRITE:
		return PROT_WRITE;
	default:
		return PROT_READ | PROT_WRITE;
	}
}

// CPUs have no pages that can be written but not read: neither the process nor the kernel on its behalf is refused a
// read of a page mapped for writing only. (Pinning such a page for reading alone is refused.)
static unsigned char state_of(enum protection protection)
{
	switch (protection) {
	case PROTECTION_NONE:
		return PAGE_MAPPED;
	case PROTECTION_READ:
		return PAGE_MAPPED | PAGE_READABLE;
	default:
		return PAGE_MAPPED | PAGE_READABLE | PAGE_WRITABLE;
	}
}

static void set_state(struct memory *memory, size_t first, size_t end, unsigned char state)
{
	for (size_t page = first; page < end; page++)
		memory->pages[page] = (unsigned char)((memory->pages[page] & PAGE_KNOWN) | state);
}

// A new file without a name, of that length; -1 and errno if there is none to be had.
static int nameless_file(size_t length)
{
	static const char *const folders[] = { "/tmp", "/var/tmp", "" };
	int fd = -1;

	for (size_t i = 0; fd < 0 && i < sizeof(folders) / sizeof(folders[0]); i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s/.vfio-conform-XXXXXX", folders[i]);
		fd = mkostemp(path, O_CLOEXEC);
		if (fd >= 0)
			unlink(path);
	}
	if (fd >= 0 && ftruncate(fd, (off_t)length) < 0) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static int backing_file(const struct mapping *mapping)
{
	int fd;

	switch (mapping->backing) {
	case BACKING_MEMFD:
		fd = memfd_create("vfio-conform", MFD_CLOEXEC);
		if (fd >= 0 && ftruncate(fd, (off_t)mapping->length) < 0) {
			int error = errno;

			close(fd);
			errno = error;
			return -1;
		}
		return fd;
	case BACKING_FILE:
		return nameless_file(mapping->length);
	default:
		return mapping->fd;
	}
}

// Puts the asked pages over the middle of the reservation, and keeps the file if that is asked. 0 or an errno.
static int place(struct memory *memory, const struct mapping *mapping, int protection)
{
	const bool own = mapping->backing == BACKING_MEMFD || mapping->backing == BACKING_FILE;
	const bool nameless = mapping->backing == BACKING_ANONYMOUS || mapping->backing == BACKING_SHARED;
	int flags = MAP_FIXED | (mapping->backing == BACKING_ANONYMOUS ? MAP_PRIVATE : MAP_SHARED);
	int fd = nameless ? -1 : backing_file(mapping);
	int error = 0;

	if (own && fd < 0)
		return errno;
	if (nameless)
		flags |= MAP_ANONYMOUS;
	if (mmap(memory->base, mapping->length, protection, flags, fd, own || nameless ? 0 : (off_t)mapping->offset) == MAP_FAILED)
		error = errno;
	if (own && !error && mapping->keep_file) {
		memory->file = descriptor_aside(fd);
		if (memory->file < 0)
			error = errno;
	} else if (own) {
		close(fd);
	}
	return error;
}

static void *bookkeeping(size_t length, int kind)
{
	void *made = mmap(NULL, length, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return made == MAP_FAILED ? NULL : made;
}

// Only pages that are used of this take up memory.
static bool make_shadow(struct memory *memory)
{
	const size_t length = memory->length + memory->length / 8;

	// What is behind a descriptor is never compared, but what is not known of it is never shown either.
	if (memory->backing == BACKING_FD) {
		memory->relocated = bookkeeping(memory->length / 8, MAP_SHARED);
		memory->relocations = true;
		return memory->relocated != NULL;
	}
	memory->shadow = bookkeeping(length, MAP_PRIVATE);
	if (!memory->shadow)
		return false;
	memory->relocated = memory->shadow + memory->length;
	if (memory->backing == BACKING_ANONYMOUS)
		return true;
	memory->stored = bookkeeping(length + sizeof(*memory->store), MAP_SHARED);
	if (!memory->stored) {
		munmap(memory->shadow, length);
		return false;
	}
	memory->store = (struct store *)(memory->stored + length);
	memory->store->present = memory->length;
	return true;
}

int memory_map(struct memory *memory, const struct mapping *mapping)
{
	const size_t size = page_size();
	const bool filled = !mapping->untouched && mapping->backing != BACKING_FD;
	const int protection = system_protection(mapping->protection);
	unsigned char *reserved =
		mmap(NULL, mapping->length + 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int error;

	if (reserved == MAP_FAILED)
		return errno;
	memory->base = reserved + size;
	memory->length = mapping->length;
	memory->backing = mapping->backing;
	memory->file = -1;
	memory->page_count = mapping->length / size;
	memory->pages = calloc(memory->page_count, 1);
	error = memory->pages ? 0 : ENOMEM;
	if (!error)
		error = place(memory, mapping, filled ? PROT_READ | PROT_WRITE : protection);
	if (!error && !make_shadow(memory))
		error = ENOMEM;
	if (error) {
		if (memory->file >= 0)
			close(memory->file);
		munmap(reserved, mapping->length + 2 * size);
		free(memory->pages);
		return error;
	}
	set_state(memory, 0, memory->page_count, state_of(mapping->protection));
	if (filled) {
		memset(memory->base, 0xff, memory->length);
		memset(memory->shadow, 0xff, memory->length);
		pages_known(memory, 0, memory->page_count);
		if (protection != (PROT_READ | PROT_WRITE))
			mprotect(memory->base, memory->length, protection);
	}
	return 0;
}

// The pages that a range covers, as the kernel counts them. False if it does not start on a page.
static bool covered(const struct memory *memory, uint64_t at, uint64_t length, size_t *first, size_t *end, bool *past)
{
	const uint64_t size = page_size();

	if (at % size)
		return false;
	*first = at / size;
	*end = (at + length + size - 1) / size;
	*past = length && *end > memory->page_count;
	if (*end > memory->page_count)
		*end = memory->page_count;
	if (*first > *end)
		*first = *end;
	return true;
}

int memory_protect(struct memory *memory, uint64_t at, uint64_t length, enum protection protection)
{
	size_t first, end, stop;
	bool past;

	if (!covered(memory, at, length, &first, &end, &past))
		return EINVAL;
	// Like mprotect: pages up to the first hole change, then ENOMEM. Holes are part of the reservation, so the
	// kernel itself would not see them.
	for (stop = first; stop < end && memory->pages[stop] & PAGE_MAPPED; stop++)
		;
	if (stop > first) {
		if (mprotect(memory->base + first * page_size(), (stop - first) * page_size(), system_protection(protection)))
			return errno;
		set_state(memory, first, stop, state_of(protection));
	}
	return stop < end || past ? ENOMEM : 0;
}

int memory_unmap(struct memory *memory, uint64_t at, uint64_t length)
{
	size_t first, end;
	bool past;

	if (!covered(memory, at, length, &first, &end, &past) || length == 0)
		return EINVAL;
	if (first == end)
		return 0;
	// The pages go, but their addresses stay reserved: nothing else may land there.
	if (mmap(memory->base + first * page_size(), (end - first) * page_size(), PROT_NONE,
		 MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED)
		return errno;
	memset(memory->pages + first, 0, end - first);
	return 0;
}

int memory_discard(struct memory *memory, uint64_t at, uint64_t length)
{
	const size_t size = page_size();
	size_t first, end;
	bool past, hole = false;

	if (!covered(memory, at, length, &first, &end, &past))
		return EINVAL;
	// Like madvise: holes are passed over, and reported at the end.
	for (size_t page = first; page < end; page++) {
		if (!(memory->pages[page] & PAGE_MAPPED)) {
			hole = true;
			continue;
		}
		if (madvise(memory->base + page * size, size, MADV_DONTNEED))
			return errno;
		// Shared pages come back with their contents; the shadow of an untouched page is zeros already.
		if (memory->backing != BACKING_ANONYMOUS || !(memory->pages[page] & PAGE_KNOWN))
			continue;
		memset(memory->shadow + page * size, 0, size);
		if (memory->relocations)
			memset(memory->relocated + page * size / 8, 0, size / 8);
	}
	return hole || past ? ENOMEM : 0;
}

int memory_lock(struct memory *memory, uint64_t at, uint64_t length)
{
	const size_t size = page_size();
	const size_t first = at / size, end = (at + length + size - 1) / size;
	size_t stop;

	// Like mlock: pages up to the first hole are locked, then ENOMEM. As with protecting, the kernel sees no hole.
	for (stop = first; stop < end && stop < memory->page_count && memory->pages[stop] & PAGE_MAPPED; stop++)
		;
	// A C library with sanitizers only pretends.
	if (syscall(SYS_mlock, memory->base + first * size, (stop - first) * size))
		return errno;
	return stop < end ? ENOMEM : 0;
}

int memory_truncate(struct memory *memory, uint64_t length)
{
	if (ftruncate(memory->file, (off_t)length))
		return errno;
	memory->store->present = length;
	return 0;
}
