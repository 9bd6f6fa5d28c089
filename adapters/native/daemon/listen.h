// A socket for others of the same user.
#ifndef VFIO_CONFORM_LISTEN_H
#define VFIO_CONFORM_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "request.h"

// Listens at `unix:PATH`; the socket's file has the mode 0600 from the moment on that it is there. One that nobody listens on any
// more is replaced. -1, and the message says why not.
int listen_at(const char *address, char *message, size_t room);

// The next connection of this user or of root; others are logged and closed. -1 if there can be none any more.
int listen_next(int listener, struct peer *peer);

#endif
