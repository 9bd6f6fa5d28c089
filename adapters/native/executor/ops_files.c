// Ops on file descriptors.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ops.h"
#include "sysfs.h"

_Static_assert(sizeof(long) == 8, "system calls take a 64-bit argument in one register");

static const struct device *slot_device(struct process *process, const struct op *op, int index)
{
	const struct slot *slot = process->slots[op->slot];

	if (slot && (size_t)index < slot->device_count)
		return &slot->devices[index];
	process_unsupported(process, "there is no device %d in slot %s", index, process->program->names[op->slot]);
	return NULL;
}

static int open_flags(int access)
{
	switch (access) {
	case ACCESS_READ:
		return O_RDONLY;
	case ACCESS_WRITE:
		return O_WRONLY;
	case ACCESS_PATH:
		return O_PATH;
	default:
		return O_RDWR;
	}
}

bool perform_open(struct process *process, const struct op *op)
{
	const struct device *device = NULL;
	char path[64];
	int fd, error;

	if (op->choice == WHAT_GROUP || op->choice == WHAT_DEVICE) {
		device = slot_device(process, op, op->choice == WHAT_GROUP ? 0 : op->device);
		if (!device)
			return false;
	}
	switch (op->choice) {
	case WHAT_CONTAINER:
		fd = open("/dev/vfio/vfio", open_flags(op->access));
		break;
	case WHAT_GROUP:
		error = sysfs_group_path(path, sizeof(path), device);
		fd = error ? -1 : open(path, open_flags(op->access));
		if (error)
			errno = error;
		break;
	case WHAT_DEVICE:
		fd = (int)syscall(SYS_ioctl, process_fd(process, op->group), VFIO_GROUP_GET_DEVICE_FD, device->name);
		break;
	default:
		// The process leads a session: a terminal must not become its own.
		fd = open(op->path, open_flags(op->access) | O_NOCTTY);
		break;
	}
	if (fd < 0)
		outcome_errno(process, errno);
	else
		outcome_fd(process, op->as, fd);
	return true;
}

bool perform_close(struct process *process, const struct op *op)
{
	int error = close(process_fd(process, op->fd)) < 0 ? errno : 0;

	// Whatever else it says, Linux has let go of the descriptor.
	if (error != EBADF)
		process_forget(process, op->fd);
	outcome_status(process, error);
	return true;
}

bool perform_dup(struct process *process, const struct op *op)
{
	int fd = dup(process_fd(process, op->fd));

	if (fd < 0)
		outcome_errno(process, errno);
	else
		outcome_fd(process, op->as, fd);
	return true;
}

// Keeps and reports what the op saves.
static bool save(struct process *process, const struct op *op, const struct memory *memory)
{
	struct text *text = &process->channel->outcomes;
	bool open = false;

	for (size_t i = 0; i < op->save_count; i++) {
		const struct save *one = &op->saves[i];
		unsigned char bytes[8];
		uint64_t value = 0;

		if (!memory || memory_load(memory, op->at + one->at, bytes, one->width))
			return process_unsupported(process, "what it saves cannot be read");
		for (unsigned int at = one->width; at-- > 0;)
			value = value << 8 | bytes[at];
		process_name_value(process, one->name, value);
		text_add(text, open ? "," : ",\"saved\":{");
		text_words(text, process->program->names[one->name]);
		text_add(text, ":");
		text_integer(text, value);
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
	result = syscall(SYS_ioctl, process_fd(process, op->fd), (unsigned long)op->number, argument);
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
	long done;

	if (!memory)
		return false;
	if (op->at > memory->length)
		return process_unsupported(process, "the transfer lies outside of its memory");
	// The kernel is to see the range as it is, so nothing of the C library (a sanitizer, say) may look at it first.
	done = syscall(read ? SYS_pread64 : SYS_pwrite64, fd, memory->base + op->at, op->length, op->offset);
	if (done < 0) {
		outcome_errno(process, errno);
		return true;
	}
	outcome_value(process, (uint64_t)done);
	return true;
}

bool perform_pread(struct process *process, const struct op *op)
{
	return transfer(process, op, true);
}

bool perform_pwrite(struct process *process, const struct op *op)
{
	return transfer(process, op, false);
}
