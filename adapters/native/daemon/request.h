// Answering requests of the adapter protocol.
#ifndef VFIO_CONFORM_REQUEST_H
#define VFIO_CONFORM_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "channel.h"
#include "config.h"
#include "text.h"

// Who is at the other end of a socket.
struct peer {
	unsigned int uid;
	int pid;
};

struct daemon {
	struct config config;
	struct channel *channel;
	struct arena arena; // of the request at hand
	struct text answer;
	int log;
	double timeout; // seconds a program may take
	struct peer peer; // with a socket
};

// Puts the answer to a line, of LINE_TOO_LONG bytes where it was too long, into daemon->answer. False if the daemon shall end.
bool answer(struct daemon *daemon, char *line, size_t length);

#endif
