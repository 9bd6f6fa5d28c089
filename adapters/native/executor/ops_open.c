// Opening files and devices.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confined.h"
#include "ops.h"
#include "sysfs.h"

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

static int open_path(const struct process *process, const char *path, int flags)
{
	return (int)fault_call(&process->fault, SYS_openat, AT_FDCWD, (long)path, flags, 0);
}

static int open_group(const struct process *process, const struct device *device, int flags)
{
	char path[64];
	int error = sysfs_group_path(path, sizeof(path), device);

	if (error) {
		errno = error;
		return -1;
	}
	return open_path(process, path, flags);
}

static int open_device(const struct process *process, const struct op *op, const char *name)
{
	const char *spelling = op->spelling ? op->spelling : "{name}", *brace = strchr(spelling, '{');
	const bool cut = brace && brace[1] == 'c';
	char *text;
	int length, fd;

	if (brace)
		length = asprintf(&text, "%.*s%.*s%s", (int)(brace - spelling), spelling, (int)strlen(name) - cut, name,
				  strchr(brace, '}') + 1);
	else
		length = asprintf(&text, "%s", spelling);
	if (length < 0)
		abort();
	fd = (int)fault_call(&process->fault, SYS_ioctl, process_fd(process, op->group), VFIO_GROUP_GET_DEVICE_FD, (long)text, 0);
	free(text);
	return fd;
}

// The reading end; nobody has the other one.
static int open_pipe(const struct process *process)
{
	int ends[2];

	if (fault_call(&process->fault, SYS_pipe2, (long)ends, 0, 0, 0))
		return -1;
	close(ends[1]);
	return ends[0];
}

bool perform_open(struct process *process, const struct op *op)
{
	const int flags = open_flags(op->access);
	const struct device *device = NULL;
	int fd;

	if (op->choice == WHAT_GROUP || op->choice == WHAT_DEVICE) {
		device = slot_device(process, op, op->choice == WHAT_GROUP ? 0 : op->device);
		if (!device)
			return false;
	}
	switch (op->choice) {
	case WHAT_CONTAINER:
		fd = open_path(process, "/dev/vfio/vfio", flags);
		break;
	case WHAT_GROUP:
		fd = open_group(process, device, flags);
		break;
	case WHAT_DEVICE:
		fd = open_device(process, op, device->name);
		break;
	case WHAT_PIPE:
		fd = open_pipe(process);
		break;
	case WHAT_EVENT:
		fd = (int)fault_call(&process->fault, SYS_eventfd2, 0, EFD_NONBLOCK, 0, 0);
		break;
	default:
		// A path may lead elsewhere than when the program was looked at: that of a descriptor always does.
		if (!confined_path(op->path))
			return process_unsupported(process, "what is at %s is none of VFIO's", op->path);
		// The process leads a session: a terminal must not become its own.
		fd = open_path(process, op->path, flags | O_NOCTTY);
		if (fd >= 0 && !confined_file(fd)) {
			close(fd);
			return process_unsupported(process, "what is at %s is none of VFIO's", op->path);
		}
		break;
	}
	if (fd < 0)
		outcome_errno(process, errno);
	else
		outcome_fd(process, op->as, fd);
	return true;
}
