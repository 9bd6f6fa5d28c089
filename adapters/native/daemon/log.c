#define _GNU_SOURCE
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { MOST_LINES = 200, RECORD = 8192 };

int log_open(void)
{
	return open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

void log_skip(int log)
{
	if (log >= 0)
		lseek(log, 0, SEEK_END);
}

void log_add(int log, struct text *text)
{
	char record[RECORD];
	int lines = 0;

	while (log >= 0 && lines < MOST_LINES) {
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
		text_add(text, lines++ ? "," : ",\"log\":[");
		text_string(text, message, (size_t)((end ? end : record + length) - message));
	}
	if (lines)
		text_add(text, "]");
}
