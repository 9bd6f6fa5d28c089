// Lines in and out: standard streams, or one character device or connection for both.
#ifndef VFIO_CONFORM_LINE_H
#define VFIO_CONFORM_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire {
	int in;
	int out;
	int rival;    // readable when somebody else waits to be heard; -1 if nobody can
	bool device;  // its end is not the end: the other side may yet come back
	char *buffer;
	size_t capacity;
	size_t start; // of what has not been given out
	size_t end;
	size_t seen;  // up to here there is no line feed
	bool cut;     // the beginning of a line that is too long was thrown away, and the rest is to follow
};

// Opens standard streams, or a device. False, and errno, if it cannot be opened.
bool wire_open(struct wire *wire, const char *device);

// Goes on with another connection; what was not read of the last one is forgotten.
void wire_connect(struct wire *wire, int connection, int rival);

// Instead of the length of a line that is longer than MOST_LINE, of which nothing is kept.
#define LINE_TOO_LONG SIZE_MAX

// The next line, without its line feed and with room for one more byte; NULL at the end. Valid until the next call.
char *wire_line(struct wire *wire, size_t *length);

// Writes all of it. False if nobody reads any more.
bool wire_send(struct wire *wire, const char *bytes, size_t length);

#endif
