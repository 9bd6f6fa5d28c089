// Messages through memory that the daemon shares with the process that started it (see ../exchange/exchange.h).
#ifndef VFIO_CONFORM_DAEMON_EXCHANGE_H
#define VFIO_CONFORM_DAEMON_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>

// Takes over the memory and the socket. False, and errno, if they are not there.
bool exchange_open(void);

// The next message, with room for one more byte; NULL when the other side is gone or broke its word. Valid until the next call.
char *exchange_message(size_t *length);

// Hands over an answer. False if nobody reads any more, or it is too long.
bool exchange_answer(const char *bytes, size_t length);

#endif
