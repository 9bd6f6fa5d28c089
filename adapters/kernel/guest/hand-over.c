/* Hands the host what the kernel counted. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init.h"

#define FOLDERS_OPEN 16

static void send_all(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t sent = write(fd, bytes, size);

		if (sent < 0)
			fail("cannot hand over: %s", strerror(errno));
		bytes += sent;
		size -= sent;
	}
}

/* The port that is handed over to; nftw() passes no context. */
static int receiver;

/* Sends SIZE, a space, the file's path, a newline and SIZE bytes. */
static int send_file(const char *path, const struct stat *about, int type,
		     struct FTW *place)
{
	const char *ending = strrchr(path, '.');
	char header[PATH_MAX + 32];
	char *bytes = NULL;
	size_t size = 0, room = 0;
	ssize_t got;
	int fd;

	(void)about;
	(void)place;
	if (type != FTW_F || !ending || strcmp(ending, ".gcda"))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail("cannot read %s: %s", path, strerror(errno));
	/* These files do not say how long they are. */
	do {
		if (size == room) {
			room = room ? 2 * room : 65536;
			bytes = realloc(bytes, room);
			if (!bytes)
				fail("no memory to read %s", path);
		}
		got = read(fd, bytes + size, room - size);
		if (got < 0)
			fail("cannot read %s: %s", path, strerror(errno));
		size += got;
	} while (got);
	close(fd);
	got = snprintf(header, sizeof(header), "%zu %s\n", size, path);
	send_all(receiver, header, got);
	send_all(receiver, bytes, size);
	free(bytes);
	return 0;
}

void hand_over(const char *port, const char *folder)
{
	struct pollfd poller = { .events = POLLIN };

	receiver = open_port(port);
	if (nftw(folder, send_file, FOLDERS_OPEN, FTW_PHYS))
		fail("cannot walk through %s: %s", folder, strerror(errno));
	send_all(receiver, "end\n", strlen("end\n"));
	/* What was written may be on its way still: the host says when not. */
	poller.fd = receiver;
	poll(&poller, 1, WAIT_MS);
	close(receiver);
}
