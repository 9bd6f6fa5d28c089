// Ops on limits, capabilities, module parameters and drivers.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ops.h"
#include "sysfs.h"

bool perform_rlimit(struct process *process, const struct op *op)
{
	struct rlimit limit = { op->number, op->number };

	outcome_status(process, setrlimit(op->choice == LIMIT_MEMLOCK ? RLIMIT_MEMLOCK : RLIMIT_NOFILE, &limit) ? errno : 0);
	return true;
}

bool perform_drop_capability(struct process *process, const struct op *op)
{
	static const unsigned int numbers[] = {
		[CAPABILITY_IPC_LOCK] = CAP_IPC_LOCK,
		[CAPABILITY_SYS_ADMIN] = CAP_SYS_ADMIN,
		[CAPABILITY_SYS_RAWIO] = CAP_SYS_RAWIO,
		[CAPABILITY_SYS_RESOURCE] = CAP_SYS_RESOURCE,
	};
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };
	int error = 0;

	// The kernel takes from the ambient set what is no longer in the others. The bounding set is of no use: nothing is
	// executed.
	if (op->choice != CAPABILITY_ALL) {
		const unsigned int number = numbers[op->choice];
		struct __user_cap_data_struct *half = &data[number / 32];
		const unsigned int keep = ~(1u << number % 32);

		if (syscall(SYS_capget, &header, data))
			error = errno;
		half->effective &= keep;
		half->permitted &= keep;
		half->inheritable &= keep;
	}
	if (!error && syscall(SYS_capset, &header, data))
		error = errno;
	outcome_status(process, error);
	return true;
}

bool perform_set_parameter(struct process *process, const struct op *op)
{
	char path[512];
	int error = sysfs_parameter_path(path, sizeof(path), op->module, op->parameter);

	if (!error)
		error = sysfs_write(path, op->value);
	// Not an answer of the kernel's: it has no such module, or the module no such parameter.
	if (error == ENOENT)
		return process_unsupported(process, "there is no parameter %s.%s", op->module, op->parameter);
	outcome_status(process, error);
	return true;
}

static int change_driver(const struct op *op, const struct device *device)
{
	if (op->kind == OP_UNBIND_DRIVER)
		return sysfs_unbind(device);
	return op->choice == DRIVER_VFIO_PCI ? sysfs_bind_vfio(device) : sysfs_bind_host(device);
}

// A driver is not taken away before the device's files are closed, and who waits for that cannot be killed. So a
// helper waits, which has none of them open or mapped: when the program is killed, they close, and it can go on.
static int in_helper(struct process *process, const struct op *op, const struct device *device)
{
	int status;
	pid_t pid;

	process->channel->helped = true;
	process->channel->helper_error = EIO;
	pid = fork();
	if (pid < 0)
		return errno;
	if (pid == 0) {
		if (syscall(SYS_close_range, 0, ~0u, 0))
			for (int fd = 0; fd < 65536; fd++)
				close(fd);
		for (struct memory *memory = process->memories; memory; memory = memory->next)
			if (memory->backing == BACKING_FD)
				munmap(memory->base, memory->length);
		// Not by exit status: that has eight bits, and an errno more.
		process->channel->helper_error = change_driver(op, device);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) < 0)
		return errno;
	return process->channel->helper_error;
}

static bool perform_driver(struct process *process, const struct op *op)
{
	const struct slot *slot = process->slots[op->slot];
	const struct device *device = NULL;
	int error;

	if (slot && op->device == DEVICE_OF_HOST_DRIVER)
		device = slot->host_driver_device;
	else if (slot && (size_t)op->device < slot->device_count)
		device = &slot->devices[op->device];
	if (!device)
		return process_unsupported(process, "there is no such device in slot %s", process->program->names[op->slot]);
	error = in_helper(process, op, device);
	outcome_status(process, error);
	return true;
}

bool perform_bind_driver(struct process *process, const struct op *op)
{
	return perform_driver(process, op);
}

bool perform_unbind_driver(struct process *process, const struct op *op)
{
	return perform_driver(process, op);
}
