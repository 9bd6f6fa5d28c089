#define _GNU_SOURCE
#include "memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pages.h"

size_t page_size(void)
{
	static size_t size;

	if (!size)
		size = (size_t)sysconf(_SC_PAGESIZE);
	return size;
}

size_t memory_present(const struct memory *memory)
{
	return memory->store ? memory->store->present : memory->length;
}

// Whether all bytes of a range lie in pages with that state.
static bool allowed(const struct memory *memory, uint64_t at, uint64_t length, unsigned char state)
{
	if (at > memory->length || length > memory->length - at)
		return false;
	if (length && at + length > memory_present(memory))
		return false;
	if (length)
		for (size_t page = at / page_size(); page <= (at + length - 1) / page_size(); page++)
			if (!(memory->pages[page] & state))
				return false;
	return true;
}

static bool bit(const unsigned char *bits, size_t at)
{
	return bits[at / 8] >> at % 8 & 1;
}

static void set_bit(unsigned char *bits, size_t at, bool on)
{
	unsigned char mask = (unsigned char)(1u << at % 8);

	if (bit(bits, at) != on)
		bits[at / 8] ^= mask;
}

static unsigned char *stored_bits(const struct memory *memory)
{
	return memory->stored + memory->length;
}

// Device memory, and files that the program mapped, can refuse an access that the protection allows. The kernel
// makes the access, and fails instead of killing.
static int through_kernel(const struct memory *memory, uint64_t at, void *bytes, size_t length, bool store)
{
	struct iovec here = { bytes, length }, there = { memory->base + at, length };
	ssize_t done = store ? process_vm_writev(getpid(), &here, 1, &there, 1, 0)
			     : process_vm_readv(getpid(), &here, 1, &there, 1, 0);

	return done == (ssize_t)length ? 0 : EFAULT;
}

// Pages that were untouched count from now on, with what is in them before this process stores to them.
static void begin_to_know(struct memory *memory, uint64_t at, size_t length)
{
	const size_t size = page_size(), first = at / size, end = (at + length - 1) / size + 1;

	for (size_t page = first; page < end; page++) {
		const bool hidden = !(memory->pages[page] & PAGE_READABLE);
		unsigned char *there = memory->base + page * size;

		if (memory->pages[page] & PAGE_KNOWN)
			continue;
		if (hidden)
			mprotect(there, size, PROT_READ);
		memcpy(memory->shadow + page * size, there, size);
		if (hidden)
			mprotect(there, size, PROT_NONE);
		// Others that share it look at it after the op, which may have changed more of it by then.
		if (memory->store)
			memcpy(memory->stored + page * size, memory->shadow + page * size, size);
	}
	pages_known(memory, first, end);
}

int memory_store(struct memory *memory, uint64_t at, const unsigned char *bytes, size_t length)
{
	if (!allowed(memory, at, length, PAGE_WRITABLE))
		return EFAULT;
	if (!length)
		return 0;
	if (memory->backing == BACKING_FD) {
		int error = through_kernel(memory, at, (void *)(uintptr_t)bytes, length, true);

		for (size_t i = at; !error && i < at + length; i++)
			set_bit(memory->relocated, i, false);
		return error;
	}
	begin_to_know(memory, at, length);
	memcpy(memory->base + at, bytes, length);
	memcpy(memory->shadow + at, bytes, length);
	for (size_t i = at; memory->relocations && i < at + length; i++)
		set_bit(memory->relocated, i, false);
	if (memory->store) {
		memcpy(memory->stored + at, bytes, length);
		for (size_t i = at; i < at + length; i++)
			set_bit(stored_bits(memory), i, false);
		memory->store->at = at;
		memory->store->length = length;
		memory->stores_seen = ++memory->store->number;
	}
	return 0;
}

void memory_relocated(struct memory *memory, uint64_t at, size_t width)
{
	memory->relocations = true;
	for (size_t i = at; i < at + width; i++) {
		set_bit(memory->relocated, i, true);
		if (memory->store)
			set_bit(stored_bits(memory), i, true);
	}
}

// Takes note of what another process of the program stored. There is one store an op at most.
static void catch_up(struct memory *memory)
{
	const struct store *store = memory->store;

	if (!store || store->number == memory->stores_seen)
		return;
	memory->stores_seen = store->number;
	memory->relocations = true;
	for (size_t i = store->at; i < store->at + store->length; i++) {
		const size_t size = page_size(), page = i / size;

		if ((memory->pages[page] & PAGE_MAPPED) && !(memory->pages[page] & PAGE_KNOWN)) {
			memcpy(memory->shadow + page * size, memory->stored + page * size, size);
			pages_known(memory, page, page + 1);
		}
		memory->shadow[i] = memory->stored[i];
		set_bit(memory->relocated, i, bit(stored_bits(memory), i));
	}
}

int memory_load(const struct memory *memory, uint64_t at, unsigned char *bytes, size_t length)
{
	if (!allowed(memory, at, length, PAGE_READABLE))
		return EFAULT;
	if (!length)
		return 0;
	if (memory->backing == BACKING_FD)
		return through_kernel(memory, at, bytes, length, false);
	memcpy(bytes, memory->base + at, length);
	return 0;
}

void memory_hide_relocations(const struct memory *memory, uint64_t at, unsigned char *bytes, size_t length)
{
	if (!memory->relocations)
		return;
	for (size_t i = 0; i < length; i++)
		if (bit(memory->relocated, at + i))
			bytes[i] = 0;
}

// A run of changed bytes that may go on.
struct run {
	size_t at;
	size_t end;
};

static void tell(const struct memory *memory, struct run *run, memory_changed *changed, void *context)
{
	if (run->at < run->end)
		changed(context, memory, run->at, memory->shadow + run->at, run->end - run->at);
}

// Each byte is read once: a device may be writing it, and what is reported must be what the shadow then holds.
static void compare_page(struct memory *memory, size_t page, struct run *run, memory_changed *changed, void *context)
{
	const volatile unsigned char *now = memory->base;

	for (size_t at = page * page_size(); at < (page + 1) * page_size(); at++) {
		unsigned char byte = now[at];

		if (byte == memory->shadow[at])
			continue;
		if (at != run->end) {
			tell(memory, run, changed, context);
			run->at = at;
		}
		run->end = at + 1;
		memory->shadow[at] = byte;
		if (memory->relocations)
			set_bit(memory->relocated, at, false);
	}
}

void memory_compare(struct memory *memory, memory_changed *changed, void *context)
{
	const size_t size = page_size(), present = memory_present(memory) / size;
	struct run run = { 0, 0 };
	size_t end;

	catch_up(memory); // which may know more pages
	end = present < memory->known_end ? present : memory->known_end;
	for (size_t page = memory->known_first; page < end; page++) {
		unsigned char state = memory->pages[page];

		if ((state & PAGE_KNOWN) && (state & PAGE_READABLE) &&
		    memcmp(memory->base + page * size, memory->shadow + page * size, size))
			compare_page(memory, page, &run, changed, context);
	}
	tell(memory, &run, changed, context);
}
