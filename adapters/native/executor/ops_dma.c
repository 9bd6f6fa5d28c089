// Transfers by QEMU's `edu` device, through its vfio device file.
#define _GNU_SOURCE
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "ops.h"

// Registers in BAR 0, which is region 0 and so starts at offset 0 of the file. The device takes 4-byte accesses
// only, apart from a few 8-byte ones that kernels split differently; the high halves are no registers.
enum { SOURCE = 0x80, DESTINATION = 0x88, COUNT = 0x90, COMMAND = 0x98 };
enum { RUN = 1, TO_MEMORY = 2 };
// The buffer has one byte more, but QEMU before 8.2.1 ends, with the whole machine, at a transfer that includes it.
enum { BUFFER = 0x40000, BUFFER_BYTES = 4095 };
enum { POLLS = 1000, POLL_NANOSECONDS = 5000000 };

static int put(int fd, off_t at, uint32_t value)
{
	ssize_t done = pwrite(fd, &value, sizeof(value), at);

	return done < 0 ? errno : done == sizeof(value) ? 0 : EIO;
}

static int get(int fd, off_t at, uint32_t *value)
{
	ssize_t done = pread(fd, value, sizeof(*value), at);

	return done < 0 ? errno : done == sizeof(*value) ? 0 : EIO;
}

static int transfer(int fd, enum direction direction, uint32_t iova, uint32_t at, uint32_t length)
{
	const bool in = direction == DIRECTION_FROM_MEMORY;
	const struct timespec pause = { .tv_nsec = POLL_NANOSECONDS };
	int error = put(fd, SOURCE, in ? iova : BUFFER + at);

	if (!error)
		error = put(fd, DESTINATION, in ? BUFFER + at : iova);
	if (!error)
		error = put(fd, COUNT, length);
	if (!error)
		error = put(fd, COMMAND, in ? RUN : RUN | TO_MEMORY);
	for (int i = 0; !error && i < POLLS; i++) {
		uint32_t command;

		error = get(fd, COMMAND, &command);
		if (error || !(command & RUN))
			return error;
		nanosleep(&pause, NULL);
	}
	return error ? error : EIO;
}

bool perform_dma(struct process *process, const struct op *op)
{
	int error = EINVAL;

	// A transfer past the end of the buffer ends the whole emulated machine.
	if (op->length && op->at <= BUFFER_BYTES && op->length <= BUFFER_BYTES - op->at)
		error = transfer(process_fd(process, op->fd), (enum direction)op->choice, (uint32_t)op->iova,
				 (uint32_t)op->at, (uint32_t)op->length);
	outcome_status(process, error);
	return true;
}
