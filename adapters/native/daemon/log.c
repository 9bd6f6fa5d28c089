#define _GNU_SOURCE
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_LINES = 200, RECORD = 8192 };

int log_open(void)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (log >= 0)
		lseek(log, 0, SEEK_END);
	return log;
}

// The message of the next record; NULL when there is none. The caller frees it.
static char *next_message(int log)
{
	char record[RECORD];

	while (log >= 0) {
		// One record a read: "priority,sequence,time,flags;message", then lines for machines.
		ssize_t length = read(log, record, sizeof(record));
		char *message, *end;

		if (length < 0 && (errno == EPIPE || errno == EINTR))
			continue; // records were overwritten before they were read
		if (length <= 0)
			break;
		message = memchr(record, ';', (size_t)length);
		if (!message)
			continue;
		message++;
		end = memchr(message, '\n', (size_t)(record + length - message));
		return strndup(message, (size_t)((end ? end : record + length) - message));
	}
	return NULL;
}

void log_add(int log, struct text *text)
{
	char *lines[MOST_LINES] = {0};
	size_t count = 0, first;
	char *message;

	// A flood ends with what matters: the last lines are kept.
	while ((message = next_message(log))) {
		free(lines[count % MOST_LINES]);
		lines[count++ % MOST_LINES] = message;
	}
	first = count > MOST_LINES ? count - MOST_LINES : 0;
	for (size_t i = first; i < count; i++) {
		char *line = lines[i % MOST_LINES];

		text_add(text, i == first ? ",\"log\":[" : ",");
		text_string(text, line, strlen(line));
	}
	if (count)
		text_add(text, "]");
	for (size_t i = 0; i < MOST_LINES; i++)
		free(lines[i]);
}
