#define _GNU_SOURCE
#include "permission.h"

#include <fcntl.h>
#include <linux/vfio.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum permission { CONFIG_WRITES, BAR_ACCESS, RESET, DRIVER_BINDING, PERMISSIONS, FREE = PERMISSIONS };

static const char *const words[PERMISSIONS] = {
	[CONFIG_WRITES] = "config-writes",
	[BAR_ACCESS] = "bar-access",
	[RESET] = "reset",
	[DRIVER_BINDING] = "driver-binding",
};
static const char *const refusals[PERMISSIONS] = {
	[CONFIG_WRITES] = "it writes to config space, which needs --allow-config-writes",
	[BAR_ACCESS] = "it reaches a region of the device other than config space, which needs --allow-bar-access",
	[RESET] = "it resets a device or changes its state, which needs --allow-reset",
	[DRIVER_BINDING] = "it changes the driver of a device, which needs --allow-driver-binding",
};
static bool forbidden[PERMISSIONS];

bool permission_forbid(const char *what)
{
	for (int i = 0; i < PERMISSIONS; i++) {
		if (strcmp(words[i], what))
			continue;
		forbidden[i] = true;
		return true;
	}
	return false;
}

static bool anything_forbidden(void)
{
	for (int i = 0; i < PERMISSIONS; i++)
		if (forbidden[i])
			return true;
	return false;
}

// The region of a device file in which an offset lies: vfio-pci has its index above bit 40.
static uint64_t region_at(uint64_t offset)
{
	return offset >> 40;
}

// What an ioctl does to a device. The kernel takes the lower 32 bits of a number.
static enum permission ioctl_needs(uint64_t number)
{
	switch ((uint32_t)number) {
	case VFIO_DEVICE_RESET:
	case VFIO_DEVICE_PCI_HOT_RESET:
	case VFIO_DEVICE_FEATURE: // migration and low power; which of them is in memory that may change
		return RESET;
	case VFIO_DEVICE_SET_IRQS: // switches MSI on and off, or INTx
		return CONFIG_WRITES;
	case VFIO_DEVICE_IOEVENTFD: // has the kernel store to a BAR
		return BAR_ACCESS;
	default:
		return FREE;
	}
}

// What it takes to perform an op, if its descriptor is a device.
static enum permission needs_on_device(const struct op *op)
{
	switch (op->kind) {
	case OP_PREAD:
		// Reading the ROM switches its decoding on.
		return region_at(op->offset) == VFIO_PCI_CONFIG_REGION_INDEX ? FREE : BAR_ACCESS;
	case OP_PWRITE:
		return region_at(op->offset) == VFIO_PCI_CONFIG_REGION_INDEX ? CONFIG_WRITES : BAR_ACCESS;
	case OP_MMAP:
		return op->choice == BACKING_FD ? BAR_ACCESS : FREE;
	case OP_DMA: // by registers of the device
		return BAR_ACCESS;
	case OP_IOCTL:
		return ioctl_needs(op->number);
	default:
		return FREE;
	}
}

static const char *refusal(enum permission needed)
{
	return needed != FREE && forbidden[needed] ? refusals[needed] : NULL;
}

// A file by its path could be anything: the configuration of a device in sysfs, or a group that was not offered.
static const char *path_refusal(const char *path)
{
	static const char *const harmless[] = { "/dev/null", "/nowhere" };

	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
		if (!strcmp(path, harmless[i]))
			return NULL;
	return "it opens a file by its path, which only a target without restrictions allows";
}

// Why an op may not be performed at all; NULL if that depends on its descriptor, or it may.
static const char *always_refused(const struct op *op)
{
	if (!anything_forbidden())
		return NULL;
	if (op->kind == OP_BIND_DRIVER || op->kind == OP_UNBIND_DRIVER)
		return refusal(DRIVER_BINDING);
	if (op->kind == OP_OPEN && op->choice == WHAT_PATH)
		return path_refusal(op->path);
	return NULL;
}

// Marks names that some op of the program gives to a device, so that it stands for one at times.
static bool *device_names(const struct program *program)
{
	bool *device = calloc(program->name_count + 1, sizeof(*device)), more = device;

	while (more) {
		more = false;
		for (size_t i = 0; i < program->op_count; i++) {
			const struct op *op = &program->ops[i];
			const bool gives = (op->kind == OP_OPEN && op->choice == WHAT_DEVICE) ||
					   (op->kind == OP_DUP && device[op->fd]) ||
					   (op->kind == OP_IOCTL && op->as != NO_NAME &&
					    (uint32_t)op->number == VFIO_GROUP_GET_DEVICE_FD);

			if (gives && !device[op->as])
				more = device[op->as] = true;
		}
	}
	return device;
}

bool permission_program(const struct program *program, char *message, size_t room)
{
	bool *device = device_names(program), fine = device;

	if (!device)
		snprintf(message, room, "there is no memory to look at it");
	for (size_t i = 0; fine && i < program->op_count; i++) {
		const struct op *op = &program->ops[i];
		const enum permission needed = needs_on_device(op);
		const char *what = always_refused(op);

		if (!what && needed != FREE && op->fd >= 0 && device[op->fd])
			what = refusal(needed);
		if (!what)
			continue;
		// Without its place: programs that lack the same are counted together.
		snprintf(message, room, "%s", what);
		fine = false;
	}
	free(device);
	return fine;
}

// Whether a descriptor is a device's file, or may be one for all that is known.
static bool may_be_device(int fd)
{
	char link[64], target[64];
	ssize_t length;

	if (fcntl(fd, F_GETFD) < 0)
		return false; // the kernel will say so
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, target, sizeof(target) - 1);
	if (length < 0)
		return true; // there is no /proc
	target[length] = 0;
	return !strncmp(target, "anon_inode:[vfio-device]", 24) || !strncmp(target, "/dev/vfio/devices/", 18);
}

const char *permission_refusal(const struct process *process, const struct op *op)
{
	const enum permission needed = needs_on_device(op);
	const char *what = always_refused(op);

	if (what || !refusal(needed))
		return what;
	return may_be_device(process_fd(process, op->fd)) ? refusal(needed) : NULL;
}
