#define _GNU_SOURCE
#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

// Far above what a program opens, but the kernel keeps a table up to it.
enum { ASIDE = 512 };

bool descriptor_fits_aside(void)
{
	struct rlimit limit = { 0, 0 };

	getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur > ASIDE;
}

int descriptor_aside(int fd)
{
	struct rlimit limit = { 0, 0 };
	int aside, error;

	getrlimit(RLIMIT_NOFILE, &limit);
	aside = fcntl(fd, F_DUPFD_CLOEXEC, limit.rlim_cur / 2 < ASIDE ? (int)(limit.rlim_cur / 2) : ASIDE);
	error = errno;
	close(fd);
	errno = error;
	return aside;
}
