#define _GNU_SOURCE
#include "listen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 8 };

// Whether a socket's file is there that nobody listens on.
static bool is_stale(const struct sockaddr_un *address)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const bool stale = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) && errno == ECONNREFUSED;

	if (fd >= 0)
		close(fd);
	return stale;
}

int listen_at(const char *where, char *message, size_t room)
{
	static const char scheme[] = "unix:";
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = where + sizeof(scheme) - 1;
	mode_t mask;
	int fd, made;

	if (strncmp(where, scheme, sizeof(scheme) - 1) || !*path || strlen(path) >= sizeof(address.sun_path)) {
		snprintf(message, room, "--listen needs unix:PATH, with a path of at most %zu bytes, not %s", sizeof(address.sun_path) - 1,
			 where);
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		snprintf(message, room, "--listen %s: %s", where, strerror(errno));
		return -1;
	}
	// The file is made by bind() itself, so that nobody sees it with other rights.
	mask = umask(0177);
	made = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	if (made && errno == EADDRINUSE && is_stale(&address) && !unlink(path))
		made = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (made || listen(fd, BACKLOG)) {
		snprintf(message, room, "--listen %s: %s", where,
			 errno == EADDRINUSE ? "somebody listens there already, or it is no socket" : strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

int listen_next(int listener, struct peer *peer)
{
	for (;;) {
		const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		struct ucred credentials;
		socklen_t size = sizeof(credentials);

		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0)
			return -1;
		if (!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) &&
		    (credentials.uid == 0 || credentials.uid == geteuid())) {
			*peer = (struct peer){ credentials.uid, credentials.pid };
			return fd;
		}
		fprintf(stderr, "vfio-conformd: uid %u, process %d, was refused: only uid %u and root may connect\n", credentials.uid,
			credentials.pid, geteuid());
		close(fd);
	}
}
