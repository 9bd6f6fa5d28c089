#define _GNU_SOURCE
#include "exchange.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../exchange/exchange.h"

static struct exchange *shared;
static char *message;

bool exchange_open(void)
{
	struct stat status;

	// Whoever wants the answers is to outlive this process.
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fstat(EXCHANGE_MEMORY_FD, &status))
		return false;
	if (status.st_size != (off_t)sizeof(*shared)) {
		errno = EINVAL;
		return false;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, EXCHANGE_MEMORY_FD, 0);
	if (shared == MAP_FAILED)
		return false;
	close(EXCHANGE_MEMORY_FD);
	// Programs run in children of this process, and nothing that they do is to reach this memory.
	return !madvise(shared, sizeof(*shared), MADV_DONTFORK) && !fcntl(EXCHANGE_SOCKET_FD, F_SETFD, FD_CLOEXEC);
}

char *exchange_message(size_t *length)
{
	uint64_t given;
	ssize_t got;
	char byte;

	do
		got = read(EXCHANGE_SOCKET_FD, &byte, 1);
	while (got < 0 && errno == EINTR);
	if (got != 1)
		return NULL;
	given = atomic_load(&shared->request_length);
	if (given > sizeof(shared->request))
		return NULL;
	free(message);
	message = malloc(given + 1);
	if (!message)
		return NULL;
	memcpy(message, shared->request, given);
	*length = given;
	return message;
}

bool exchange_answer(const char *bytes, size_t length)
{
	ssize_t put;

	if (length > sizeof(shared->answer))
		return false;
	memcpy(shared->answer, bytes, length);
	atomic_store(&shared->answer_length, length);
	do
		put = send(EXCHANGE_SOCKET_FD, "", 1, MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	return put == 1;
}
