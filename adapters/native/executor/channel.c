#define _GNU_SOURCE
#include "channel.h"

#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { KEPT = 1024 * 1024 };

struct channel *channel_make(void)
{
	// Pages are allocated when outcomes fill them.
	void *memory = mmap(NULL, sizeof(struct channel) + MOST_OUTCOMES, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void channel_clear(struct channel *channel)
{
	char *outcomes = (char *)(channel + 1);

	if (channel->outcomes.length > KEPT)
		madvise((char *)(((uintptr_t)outcomes + KEPT) & ~(uintptr_t)0xffff), MOST_OUTCOMES - KEPT, MADV_REMOVE);
	// Whatever the last program left.
	memset(channel, 0, sizeof(*channel));
	channel->outcomes = (struct text){ .data = outcomes, .capacity = MOST_OUTCOMES, .fixed = true };
}

// One load: what is checked afterwards is what is used.
#define ONCE(place) (*(const volatile __typeof__(place) *)&(place))

struct reading channel_read(const struct channel *channel)
{
	const size_t published = atomic_load(&channel->published);
	const uint32_t process_count = atomic_load(&channel->process_count);
	const int end = atomic_load(&channel->end);
	struct reading reading = {
		.published = published < MOST_OUTCOMES ? published : MOST_OUTCOMES,
		.at_op = atomic_load(&channel->at_op),
		.end = end == END_COMPLETED ? END_COMPLETED : end == END_UNSUPPORTED ? END_UNSUPPORTED : END_NONE,
		.process_count = process_count < MOST_PROCESSES ? process_count : MOST_PROCESSES,
	};

	for (size_t i = 0; i + 1 < sizeof(reading.detail); i++)
		reading.detail[i] = ONCE(channel->detail[i]);
	return reading;
}

const char *channel_outcomes(const struct channel *channel)
{
	return (const char *)(channel + 1);
}

uint32_t channel_process(const struct channel *channel, pid_t pid, int *name)
{
	const uint32_t count = channel_read(channel).process_count;

	for (uint32_t i = 1; i < count; i++) {
		if (ONCE(channel->processes[i].pid) == pid && !ONCE(channel->processes[i].gone)) {
			*name = ONCE(channel->processes[i].name);
			return i;
		}
	}
	return 0;
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
