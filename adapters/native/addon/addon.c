// The native addon: starts helper processes that run programs on this machine's kernel, and hands messages to them through
// shared memory. What a message says is the protocol's affair (docs/protocol.md).
//
//   start(program, arguments) -> { helper, pid, errors }   errors: a descriptor to read what it says to people from
//   exchange(helper, message) -> Promise of its answer; of null if the helper is gone
//   end(helper)               kills it; an exchange under way, or the next one, then gives null
//   how(helper)               how it went, once an exchange gave null: { status } or { signal }; undefined if it has not gone
//
// Node is never forked: the helper is made by posix_spawn(). Waiting is done by a thread of libuv's pool.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAPI_VERSION 8
#include <node_api.h>

#include "exchange.h"

enum { MOST_ARGUMENTS = 64, FIRST_OWN_FD = 10 };
enum { FAREWELL_MS = 500, PATIENCE_MS = 3000 };

struct helper {
	struct exchange *shared;
	int socket;
	pid_t pid;
	int pidfd;
	bool busy; // an exchange is under way: what follows is its thread's
	bool reaped;
	int status; // of waitpid, once reaped
};

struct work {
	struct helper *helper;
	napi_ref holder; // keeps the helper
	napi_deferred deferred;
	napi_async_work work;
	char *answer; // NULL if the helper is gone
	size_t length;
};

static napi_value throw_errno(napi_env env, const char *what)
{
	char message[200];

	snprintf(message, sizeof(message), "%s: %s", what, strerror(errno));
	napi_throw_error(env, NULL, message);
	return NULL;
}

static void send_kill(const struct helper *helper)
{
	// Not by number, which may be another process's by now.
	syscall(SYS_pidfd_send_signal, helper->pidfd, SIGKILL, NULL, 0);
}

// Ends the helper and takes note of how it went, if it goes at all: not when it hangs in the kernel.
static void reap(struct helper *helper)
{
	if (helper->reaped)
		return;
	// It closed its socket, so it is ending by itself or of no use any more.
	if (poll(&(struct pollfd){ .fd = helper->pidfd, .events = POLLIN }, 1, FAREWELL_MS) != 1) {
		send_kill(helper);
		poll(&(struct pollfd){ .fd = helper->pidfd, .events = POLLIN }, 1, PATIENCE_MS);
	}
	helper->reaped = waitpid(helper->pid, &helper->status, WNOHANG) == helper->pid;
}

static void release(napi_env env, void *data, void *hint)
{
	struct helper *helper = data;

	(void)env;
	(void)hint;
	send_kill(helper);
	reap(helper);
	close(helper->pidfd);
	close(helper->socket);
	munmap(helper->shared, sizeof(*helper->shared));
	free(helper);
}

// A descriptor out of the way of those that the helper gets.
static int aside(int fd)
{
	const int moved = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, FIRST_OWN_FD);

	if (fd >= 0)
		close(fd);
	return moved;
}

static int spawn(pid_t *pid, char **arguments, int memory, int socket, int errors)
{
	static char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&actions, 0, 1);
	posix_spawn_file_actions_adddup2(&actions, errors, 2);
	posix_spawn_file_actions_adddup2(&actions, memory, EXCHANGE_MEMORY_FD);
	posix_spawn_file_actions_adddup2(&actions, socket, EXCHANGE_SOCKET_FD);
	// A session of its own: an interrupt from the terminal is for Node, which ends the helper.
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	error = posix_spawn(pid, arguments[0], &actions, &attributes, arguments, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

static char *string_of(napi_env env, napi_value value)
{
	size_t length;
	char *text;

	if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok)
		return NULL;
	text = malloc(length + 1);
	if (text)
		napi_get_value_string_utf8(env, value, text, length + 1, &length);
	return text;
}

// The words of the helper's command line; false, and an exception, if they are none.
static bool read_words(napi_env env, const napi_value *given, char *words[MOST_ARGUMENTS + 2])
{
	uint32_t count = 0;

	if (napi_get_array_length(env, given[1], &count) != napi_ok || count > MOST_ARGUMENTS) {
		napi_throw_type_error(env, NULL, "start() takes a program and a list of at most 64 arguments");
		return false;
	}
	words[0] = string_of(env, given[0]);
	for (uint32_t i = 0; i < count; i++) {
		napi_value one;

		napi_get_element(env, given[1], i, &one);
		words[i + 1] = string_of(env, one);
	}
	for (uint32_t i = 0; i <= count; i++)
		if (!words[i]) {
			napi_throw_type_error(env, NULL, "start() takes strings");
			return false;
		}
	return true;
}

static napi_value started(napi_env env, struct helper *helper, int errors)
{
	napi_value result, value;

	napi_create_object(env, &result);
	napi_create_external(env, helper, release, NULL, &value);
	napi_set_named_property(env, result, "helper", value);
	napi_create_int32(env, helper->pid, &value);
	napi_set_named_property(env, result, "pid", value);
	napi_create_int32(env, errors, &value);
	napi_set_named_property(env, result, "errors", value);
	return result;
}

static napi_value start(napi_env env, napi_callback_info info)
{
	char *words[MOST_ARGUMENTS + 2] = { 0 };
	int memory = -1, ends[2] = { -1, -1 }, errors[2] = { -1, -1 };
	struct helper *helper = calloc(1, sizeof(*helper));
	napi_value given[2], result = NULL;
	size_t count = 2;

	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	if (!helper || !read_words(env, given, words))
		goto out;
	memory = aside(memfd_create("vfio-conform", MFD_CLOEXEC));
	if (memory < 0 || ftruncate(memory, sizeof(struct exchange)) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) || pipe2(errors, O_CLOEXEC)) {
		throw_errno(env, "shared memory for a helper");
		goto out;
	}
	for (int i = 0; i < 2; i++) {
		ends[i] = aside(ends[i]);
		errors[i] = aside(errors[i]);
	}
	helper->shared =
		mmap(NULL, sizeof(struct exchange), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, memory, 0);
	if (helper->shared == MAP_FAILED) {
		throw_errno(env, "shared memory for a helper");
		goto out;
	}
	errno = spawn(&helper->pid, words, memory, ends[1], errors[1]);
	if (errno) {
		throw_errno(env, words[0]);
		munmap(helper->shared, sizeof(struct exchange));
		goto out;
	}
	helper->socket = ends[0];
	helper->pidfd = (int)syscall(SYS_pidfd_open, helper->pid, 0);
	result = started(env, helper, errors[0]);
	helper = NULL;
	ends[0] = errors[0] = -1;
out:
	free(helper);
	for (size_t i = 0; words[i]; i++)
		free(words[i]);
	if (memory >= 0)
		close(memory);
	for (int i = 0; i < 2; i++) {
		if (ends[i] >= 0)
			close(ends[i]);
		if (errors[i] >= 0)
			close(errors[i]);
	}
	return result;
}

// Off the main thread: asks, waits, and copies the answer.
static void wait_for_answer(napi_env env, void *data)
{
	struct work *work = data;
	struct helper *helper = work->helper;
	uint64_t length;
	ssize_t got;
	char byte;

	(void)env;
	if (send(helper->socket, "", 1, MSG_NOSIGNAL) != 1) {
		reap(helper);
		return;
	}
	do
		got = recv(helper->socket, &byte, 1, 0);
	while (got < 0 && errno == EINTR);
	if (got != 1) {
		reap(helper);
		return;
	}
	// Read once: the helper may be out of its mind.
	length = atomic_load(&helper->shared->answer_length);
	if (length > sizeof(helper->shared->answer))
		return;
	work->answer = malloc(length + 1);
	if (!work->answer)
		return;
	memcpy(work->answer, helper->shared->answer, length);
	work->length = length;
	// What long messages took is given back.
	if (length > EXCHANGE_KEPT)
		madvise(helper->shared->answer + EXCHANGE_KEPT, sizeof(helper->shared->answer) - EXCHANGE_KEPT, MADV_REMOVE);
	if (atomic_load(&helper->shared->request_length) > EXCHANGE_KEPT)
		madvise(helper->shared->request + EXCHANGE_KEPT, sizeof(helper->shared->request) - EXCHANGE_KEPT, MADV_REMOVE);
}

static void answered(napi_env env, napi_status status, void *data)
{
	struct work *work = data;
	napi_value answer;

	work->helper->busy = false;
	if (status != napi_ok || !work->answer ||
	    napi_create_string_utf8(env, work->answer, work->length, &answer) != napi_ok)
		napi_get_null(env, &answer);
	napi_resolve_deferred(env, work->deferred, answer);
	napi_delete_reference(env, work->holder);
	napi_delete_async_work(env, work->work);
	free(work->answer);
	free(work);
}

static struct helper *helper_of(napi_env env, napi_value value)
{
	napi_valuetype type;
	void *helper = NULL;

	if (napi_typeof(env, value, &type) != napi_ok || type != napi_external ||
	    napi_get_value_external(env, value, &helper) != napi_ok)
		napi_throw_type_error(env, NULL, "the first argument is a helper that start() gave");
	return helper;
}

static napi_value exchange(napi_env env, napi_callback_info info)
{
	napi_value given[2], name, promise;
	struct helper *helper;
	struct work *work;
	size_t count = 2, length;

	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	helper = helper_of(env, given[0]);
	if (!helper)
		return NULL;
	if (helper->busy) {
		napi_throw_error(env, NULL, "a helper takes one message at a time");
		return NULL;
	}
	if (napi_get_value_string_utf8(env, given[1], NULL, 0, &length) != napi_ok ||
	    length >= sizeof(helper->shared->request)) {
		napi_throw_range_error(env, NULL, "a message is a string of fewer than 67108864 bytes");
		return NULL;
	}
	work = calloc(1, sizeof(*work));
	if (!work)
		return throw_errno(env, "exchange()");
	napi_get_value_string_utf8(env, given[1], helper->shared->request, length + 1, &length);
	atomic_store(&helper->shared->request_length, length);
	work->helper = helper;
	helper->busy = true;
	napi_create_reference(env, given[0], 1, &work->holder);
	napi_create_promise(env, &work->deferred, &promise);
	napi_create_string_utf8(env, "vfio-conform exchange", NAPI_AUTO_LENGTH, &name);
	napi_create_async_work(env, NULL, name, wait_for_answer, answered, work, &work->work);
	napi_queue_async_work(env, work->work);
	return promise;
}

static napi_value end(napi_env env, napi_callback_info info)
{
	struct helper *helper;
	napi_value given[1];
	size_t count = 1;

	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	helper = helper_of(env, given[0]);
	if (helper)
		send_kill(helper);
	return NULL;
}

static napi_value how(napi_env env, napi_callback_info info)
{
	napi_value given[1], result, value;
	struct helper *helper;
	size_t count = 1;

	napi_get_cb_info(env, info, &count, given, NULL, NULL);
	helper = helper_of(env, given[0]);
	if (!helper || helper->busy || !helper->reaped)
		return NULL;
	napi_create_object(env, &result);
	napi_create_int32(env, WIFSIGNALED(helper->status) ? WTERMSIG(helper->status) : WEXITSTATUS(helper->status), &value);
	napi_set_named_property(env, result, WIFSIGNALED(helper->status) ? "signal" : "status", value);
	return result;
}

NAPI_MODULE_INIT()
{
	static const struct { const char *name; napi_callback call; } functions[] = {
		{ "start", start }, { "exchange", exchange }, { "end", end }, { "how", how },
	};

	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		napi_value function;

		napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].call, NULL, &function);
		napi_set_named_property(env, exports, functions[i].name, function);
	}
	return exports;
}
