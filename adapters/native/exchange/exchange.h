// What the addon and its helper process share: a message and the answer to it, one pair at a time.
//
// Each side tells the other by one byte on a socket that its part is written. The socket also tells when the other side is
// gone. A length is read once, checked, and the message copied, before anything is made of it.
#ifndef VFIO_CONFORM_EXCHANGE_H
#define VFIO_CONFORM_EXCHANGE_H

#include <stdatomic.h>
#include <stdint.h>

#include "limits.h"

// Descriptors with which the helper is started.
enum { EXCHANGE_MEMORY_FD = 3, EXCHANGE_SOCKET_FD = 4 };

// Of a message in either direction that is kept from one to the next; the pages of longer ones are given back.
enum { EXCHANGE_KEPT = 1024 * 1024 };

struct exchange {
	_Atomic uint64_t request_length;
	_Atomic uint64_t answer_length;
	char padding[4096 - 2 * sizeof(uint64_t)];
	char request[MOST_LINE]; // pages are allocated when something is stored in them
	char answer[MOST_LINE];
};

#endif
