#define _GNU_SOURCE
#include "channel.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { KEPT = 1024 * 1024 };

struct channel *channel_make(void)
{
	// Pages are allocated when outcomes fill them.
	void *memory = mmap(NULL, sizeof(struct channel) + MOST_OUTCOMES, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct channel *channel = memory == MAP_FAILED ? NULL : memory;

	if (channel)
		channel->outcomes = (struct text){ .data = (char *)(channel + 1), .capacity = MOST_OUTCOMES, .fixed = true };
	return channel;
}

void channel_clear(struct channel *channel)
{
	if (channel->outcomes.length > KEPT)
		madvise((char *)(((uintptr_t)channel->outcomes.data + KEPT) & ~(uintptr_t)0xffff), MOST_OUTCOMES - KEPT,
			MADV_REMOVE);
	channel->outcomes.length = 0;
	channel->outcomes.full = false;
	channel->published = 0;
	channel->at_op = 0;
	channel->end = END_NONE;
	channel->detail[0] = 0;
	for (uint32_t i = 0; i < channel->process_count; i++)
		channel->processes[i].turn = 0;
	channel->process_count = 0;
	channel->changed_open = false;
	channel->runs = 0;
	channel->helped = false;
	channel->leaving = 0;
	channel->left = 0;
}

// The words lie in memory that processes share, so these are not private futexes.
void channel_wait(_Atomic uint32_t *word)
{
	uint32_t one = 1;

	while (!atomic_compare_exchange_strong(word, &one, 0)) {
		syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0);
		one = 1;
	}
}

void channel_wake(_Atomic uint32_t *word)
{
	atomic_store(word, 1);
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}
