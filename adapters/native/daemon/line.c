#define _GNU_SOURCE
#include "line.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "limits.h"

enum { PIECE = 64 * 1024, PAUSE_NANOSECONDS = 20000000, SILENCE_MILLISECONDS = 30000 };

bool wire_open(struct wire *wire, const char *device)
{
	struct termios settings;
	int fd;

	*wire = (struct wire){ .in = STDIN_FILENO, .out = STDOUT_FILENO, .rival = -1 };
	if (!device)
		return true;
	fd = open(device, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (!tcgetattr(fd, &settings)) {
		cfmakeraw(&settings);
		tcsetattr(fd, TCSANOW, &settings);
	}
	wire->in = wire->out = fd;
	wire->device = true;
	return true;
}

void wire_connect(struct wire *wire, int connection, int rival)
{
	wire->in = wire->out = connection;
	wire->rival = rival;
	wire->start = wire->end = wire->seen = 0;
	wire->cut = false;
}

static void make_room(struct wire *wire)
{
	if (wire->start == wire->end)
		wire->start = wire->end = wire->seen = 0;
	if (wire->start && wire->capacity - wire->end < PIECE) {
		memmove(wire->buffer, wire->buffer + wire->start, wire->end - wire->start);
		wire->end -= wire->start;
		wire->seen -= wire->start;
		wire->start = 0;
	}
	if (wire->capacity - wire->end < PIECE) {
		size_t capacity = wire->capacity ? 2 * wire->capacity : 2 * PIECE;
		char *buffer = realloc(wire->buffer, capacity);

		if (!buffer) {
			fputs("vfio-conformd: out of memory\n", stderr);
			exit(1);
		}
		wire->buffer = buffer;
		wire->capacity = capacity;
	}
}

static void pause_a_little(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = PAUSE_NANOSECONDS }, NULL);
}

// Waits for input. False when there was none for a while and somebody else waits: who says nothing must not keep others out.
static bool heard_in_time(const struct wire *wire)
{
	struct pollfd fds[] = { { .fd = wire->in, .events = POLLIN }, { .fd = wire->rival, .events = POLLIN } };

	if (wire->rival < 0 || poll(fds, 1, SILENCE_MILLISECONDS) != 0)
		return true;
	return poll(fds, 2, -1) > 0 && fds[0].revents;
}

// Reads some more. False at the end.
static bool more(struct wire *wire)
{
	make_room(wire);
	if (!heard_in_time(wire))
		return false;
	for (;;) {
		// One byte stays free: the last line may have no line feed.
		ssize_t got = read(wire->in, wire->buffer + wire->end, wire->capacity - wire->end - 1);

		if (got > 0) {
			wire->end += (size_t)got;
			return true;
		}
		if (got < 0 && errno == EAGAIN)
			poll(&(struct pollfd){ .fd = wire->in, .events = POLLIN }, 1, -1);
		else if (wire->device && (got == 0 || errno == EIO))
			pause_a_little(); // a port of which nobody holds the other side reads as ended
		else if (got == 0 || errno != EINTR)
			return false;
	}
}

char *wire_line(struct wire *wire, size_t *length)
{
	if (wire->start == wire->end && !more(wire))
		return NULL;
	for (;;) {
		char *line = wire->buffer + wire->start;
		char *feed = wire->end > wire->seen ? memchr(wire->buffer + wire->seen, '\n', wire->end - wire->seen) : NULL;

		if (feed) {
			*length = (size_t)(feed - line);
			wire->start += *length + 1;
			wire->seen = wire->start;
			if (wire->cut || *length > MOST_LINE)
				*length = LINE_TOO_LONG;
			wire->cut = false;
			return line;
		}
		if (wire->end - wire->start > MOST_LINE) {
			wire->start = wire->end;
			wire->cut = true;
		}
		wire->seen = wire->end;
		if (more(wire))
			continue;
		if (wire->start == wire->end || wire->cut)
			return NULL;
		line = wire->buffer + wire->start;
		*length = wire->end - wire->start;
		wire->start = wire->seen = wire->end;
		return line;
	}
}

bool wire_send(struct wire *wire, const char *bytes, size_t length)
{
	while (length) {
		ssize_t put = write(wire->out, bytes, length);

		if (put > 0) {
			bytes += put;
			length -= (size_t)put;
		} else if (errno == EAGAIN) {
			poll(&(struct pollfd){ .fd = wire->out, .events = POLLOUT }, 1, -1);
		} else if (wire->device && errno != EINTR) {
			pause_a_little();
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}
