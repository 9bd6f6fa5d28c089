#define _GNU_SOURCE
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "descriptor.h"

enum { PATH = 512 };

const char *procfs_root = "/proc";

static const char *fault_file(char path[PATH])
{
	snprintf(path, PATH, "%s/thread-self/fail-nth", procfs_root);
	return path;
}

bool fault_possible(void)
{
	char path[PATH];

	return access(fault_file(path), W_OK) == 0;
}

bool fault_reaches(enum op_kind kind)
{
	switch (kind) {
	case OP_OPEN:
	case OP_CLOSE:
	case OP_DUP:
	case OP_IOCTL:
	case OP_PREAD:
	case OP_PWRITE:
	case OP_SEEK:
	case OP_FORK:
		return true;
	default:
		return false;
	}
}

int fault_prepare(struct fault *fault, int nth)
{
	char path[PATH];
	int fd;

	fault_drop(fault);
	// Opened now: opening it allocates. It stands for the process that opens it.
	fd = open(fault_file(path), O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		fd = descriptor_aside(fd);
	if (fd < 0)
		return errno;
	*fault = (struct fault){ .nth = nth, .fd = fd };
	return 0;
}

void fault_drop(struct fault *fault)
{
	if (fault->nth)
		close(fault->fd);
	fault->nth = 0;
}

static void tell_kernel(const struct fault *fault, int nth)
{
	char digits[16];
	const int length = snprintf(digits, sizeof(digits), "%d", nth);

	// A kernel that also fails copies may fail this one.
	while (write(fault->fd, digits, (size_t)length) < 0 && errno == EFAULT)
		;
}

long fault_call(const struct fault *fault, long number, long first, long second, long third, long fourth)
{
	long result;
	int error;

	if (!fault->nth)
		return syscall(number, first, second, third, fourth);
	// A rehearsal: a page of this code that is still to be mapped would be an allocation too.
	tell_kernel(fault, 0);
	syscall(SYS_getppid, 0, 0, 0, 0);
	tell_kernel(fault, fault->nth);
	result = syscall(number, first, second, third, fourth);
	error = errno;
	tell_kernel(fault, 0);
	errno = error;
	return result;
}
