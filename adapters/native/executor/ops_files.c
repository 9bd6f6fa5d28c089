// Ops on file descriptors.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ops.h"

enum { EVENT_MILLISECONDS = 100 }; // how long an interrupt may take to arrive

_Static_assert(sizeof(long) == 8, "system calls take a 64-bit argument in one register");

bool perform_close(struct process *process, const struct op *op)
{
	int error = fault_call(&process->fault, SYS_close, process_fd(process, op->fd), 0, 0, 0) < 0 ? errno : 0;

	// Whatever else it says, Linux has let go of the descriptor.
	if (error != EBADF)
		process_forget(process, op->fd);
	outcome_status(process, error);
	return true;
}

bool perform_dup(struct process *process, const struct op *op)
{
	int fd = (int)fault_call(&process->fault, SYS_dup, process_fd(process, op->fd), 0, 0, 0);

	if (fd < 0)
		outcome_errno(process, errno);
	else
		outcome_fd(process, op->as, fd);
	return true;
}

// The outcome of a call that gives a number, or -1 and errno.
static bool number(struct process *process, long result)
{
	if (result < 0)
		outcome_errno(process, errno);
	else
		outcome_value(process, (uint64_t)result);
	return true;
}

bool perform_seek(struct process *process, const struct op *op)
{
	return number(process, fault_call(&process->fault, SYS_lseek, process_fd(process, op->fd), (long)op->offset, SEEK_SET, 0));
}

bool perform_close_on_exec(struct process *process, const struct op *op)
{
	const int flags = fcntl(process_fd(process, op->fd), F_GETFD);

	return number(process, flags < 0 ? flags : (flags & FD_CLOEXEC) != 0);
}

bool perform_read_event(struct process *process, const struct op *op)
{
	const int fd = process_fd(process, op->fd);
	uint64_t count = 0;

	poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, EVENT_MILLISECONDS);
	if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		outcome_errno(process, errno);
	else
		outcome_value(process, count);
	return true;
}

// Bytes as a number, little endian.
static uint64_t number_of(const unsigned char *bytes, unsigned int width)
{
	uint64_t value = 0;

	for (unsigned int at = width; at-- > 0;)
		value = value << 8 | bytes[at];
	return value;
}

// Keeps and reports what the op saves.
static bool save(struct process *process, const struct op *op, const struct memory *memory)
{
	struct text *text = &process->channel->outcomes;
	bool open = false;

	for (size_t i = 0; i < op->save_count; i++) {
		const struct save *one = &op->saves[i];
		unsigned char bytes[8];

		if (!memory || memory_load(memory, op->at + one->at, bytes, one->width))
			return process_unsupported(process, "what it saves cannot be read");
		process_name_value(process, one->name, number_of(bytes, one->width));
		memory_hide_relocations(memory, op->at + one->at, bytes, one->width);
		text_add(text, open ? "," : ",\"saved\":{");
		text_words(text, process->program->names[one->name]);
		text_add(text, ":");
		text_integer(text, number_of(bytes, one->width));
		open = true;
	}
	if (open)
		text_add(text, "}");
	return true;
}

bool perform_ioctl(struct process *process, const struct op *op)
{
	struct memory *memory = NULL;
	unsigned long argument = op->argument;
	long result;

	if (op->memory != NO_NAME) {
		memory = process_memory(process, op->memory);
		if (!memory)
			return false;
		if (op->at > memory->length)
			return process_unsupported(process, "the argument lies outside of its memory");
		argument = (unsigned long)(memory->base + op->at);
		if (op->has_bytes && store_bytes(process, memory, op->at, &op->bytes)) {
			outcome_errno(process, EFAULT);
			return true;
		}
	}
	result = fault_call(&process->fault, SYS_ioctl, process_fd(process, op->fd), (long)op->number, (long)argument, 0);
	if (result == -1)
		outcome_errno(process, errno);
	else if (op->as != NO_NAME)
		outcome_fd(process, op->as, (int)result);
	else
		outcome_value(process, (uint64_t)result);
	return result == -1 || save(process, op, memory);
}

static bool transfer(struct process *process, const struct op *op, bool read)
{
	struct memory *memory = process_memory(process, op->memory);
	const int fd = process_fd(process, op->fd);

	if (!memory)
		return false;
	if (op->at > memory->length)
		return process_unsupported(process, "the transfer lies outside of its memory");
	// The kernel is to see the range as it is, so nothing of the C library (a sanitizer, say) may look at it first.
	return number(process, fault_call(&process->fault, read ? SYS_pread64 : SYS_pwrite64, fd, (long)(memory->base + op->at),
					  (long)op->length, (long)op->offset));
}

bool perform_pread(struct process *process, const struct op *op)
{
	return transfer(process, op, true);
}

bool perform_pwrite(struct process *process, const struct op *op)
{
	return transfer(process, op, false);
}
