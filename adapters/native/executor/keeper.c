#define _GNU_SOURCE
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runner.h"

// How long killed processes have to go. One in the middle of a driver may never.
static const double patience = 3;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

// Waits for news of a child. False when the time has come.
static bool wait_until(double deadline)
{
	double left = deadline - now();
	struct timespec time;
	sigset_t set;

	if (left <= 0)
		return false;
	time.tv_sec = (time_t)left;
	time.tv_nsec = (long)((left - (double)time.tv_sec) * 1e9);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	return sigtimedwait(&set, NULL, &time) == SIGCHLD || errno == EINTR;
}

void keeper_prepare(void)
{
	sigset_t set;

	signal(SIGCHLD, SIG_DFL); // whoever started this process may have ignored it: nothing could be reaped
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }); // a crash is reported, not dumped
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	// Huge pages would make neighbours of pages that a program thinks are apart. Its processes inherit this.
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

// Standard streams lead nowhere, and no other descriptor is open.
static void clean_descriptors(void)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd < 3; fd++)
		if (null != fd)
			dup2(null, fd);
	if (syscall(SYS_close_range, 3, ~0u, 0))
		for (int fd = 3; fd < 65536; fd++)
			close(fd);
}

// What programs may have several times over, for what is kept beside it.
static void limit_address_space(void)
{
#ifndef __SANITIZE_ADDRESS__ // which reserves more than there is
	const struct rlimit limit = { 16 * (rlim_t)MOST_MEMORY, 16 * (rlim_t)MOST_MEMORY };

	setrlimit(RLIMIT_AS, &limit);
#endif
}

static pid_t start(void)
{
	const pid_t keeper = getpid();
	const pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != keeper)
		_exit(1);
	setsid(); // also a process group: all of the program can be killed at once
	limit_address_space();
	clean_descriptors();
	return 0;
}

static const char *signal_name(int number)
{
	static const struct { int number; const char *name; } names[] = {
		{ SIGABRT, "SIGABRT" }, { SIGBUS, "SIGBUS" }, { SIGFPE, "SIGFPE" }, { SIGILL, "SIGILL" },
		{ SIGKILL, "SIGKILL" }, { SIGPIPE, "SIGPIPE" }, { SIGSEGV, "SIGSEGV" }, { SIGSYS, "SIGSYS" },
		{ SIGTERM, "SIGTERM" }, { SIGTRAP, "SIGTRAP" }, { SIGXCPU, "SIGXCPU" }, { SIGXFSZ, "SIGXFSZ" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == number)
			return names[i].name;
	return NULL;
}

// The op at which the program says it is, as "op 3 (ioctl)".
static const char *place(const struct program *program, const struct channel *channel, char *words, size_t room)
{
	const size_t at = channel_read(channel).at_op;

	if (at < program->op_count)
		snprintf(words, room, "op %zu (%s)", at, op_names[program->ops[at].kind]);
	else
		snprintf(words, room, "the end");
	return words;
}

static void crashed(const struct program *program, const struct channel *channel, int actor, int status, struct fate *fate)
{
	const char *name = WIFSIGNALED(status) ? signal_name(WTERMSIG(status)) : NULL;
	const bool known = actor >= 0 && (size_t)actor < program->name_count;
	char how[40], where[60];

	if (name)
		snprintf(how, sizeof(how), "killed by %s", name);
	else if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "killed by signal %d", WTERMSIG(status));
	else
		snprintf(how, sizeof(how), "exited with status %d", WEXITSTATUS(status));
	snprintf(fate->detail, sizeof(fate->detail), "process %.60s %s at %s", known ? program->names[actor] : "(unknown)", how,
		 place(program, channel, where, sizeof(where)));
	fate->end = END_CRASHED;
}

// Takes note of a dead child. True when the program is over.
static bool died(const struct program *program, struct channel *channel, pid_t runner, pid_t pid, int status,
		 struct fate *fate)
{
	int name;

	if (pid == runner) {
		const struct reading reading = channel_read(channel);

		// At the end of its main, `end` is set; whatever died later does not matter.
		fate->end = reading.end;
		memcpy(fate->detail, reading.detail, sizeof(fate->detail));
		if (reading.end == END_NONE)
			crashed(program, channel, program->main, status, fate);
		return true;
	}
	if (pid == channel->leaving && WIFEXITED(status)) {
		channel->leaving = 0;
		channel_wake(&channel->left);
		return false;
	}
	if (channel_process(channel, pid, &name)) {
		crashed(program, channel, name, status, fate);
		return true;
	}
	return false; // left over from an earlier program that could not be killed in time
}

// Kills what there is of a program. False if some of it stays.
static bool end_all(pid_t group, bool reaped)
{
	const double deadline = now() + patience;

	if (!reaped)
		kill(group, SIGKILL); // it may not have made its group yet
	kill(-group, SIGKILL);
	for (;;) {
		pid_t pid = waitpid(-group, NULL, WNOHANG);

		if (pid < 0 && errno == ECHILD)
			return true;
		if (pid == 0 && !wait_until(deadline))
			return false;
	}
}

struct fate keeper_run(const struct program *program, const struct slot *const *slots, struct channel *channel,
		       double seconds)
{
	const double deadline = now() + seconds;
	struct fate fate = { .end = END_NONE };
	bool over = false, reaped = false;
	char where[60];
	pid_t runner;

	channel_clear(channel);
	runner = start();
	if (runner < 0) {
		snprintf(fate.detail, sizeof(fate.detail), "cannot fork: %s", strerror(errno));
		fate.end = END_UNSUPPORTED;
		return fate;
	}
	if (runner == 0) {
		runner_run(program, slots, channel);
		_exit(0);
	}
	while (!over) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid > 0) {
			reaped = reaped || pid == runner;
			over = died(program, channel, runner, pid, status, &fate);
		} else if (!wait_until(deadline)) {
			break;
		}
	}
	if (!over) {
		snprintf(fate.detail, sizeof(fate.detail), "%s did not return within %g s",
			 place(program, channel, where, sizeof(where)), seconds);
		fate.end = END_HUNG;
	}
	fate.left = !end_all(runner, reaped);
	if (fate.left && fate.end == END_COMPLETED) {
		snprintf(fate.detail, sizeof(fate.detail), "a process of the program could not be killed");
		fate.end = END_HUNG;
	}
	fate.published = channel_read(channel).published;
	return fate;
}

void keeper_apart(void (*work)(void *context), void *context, double seconds)
{
	const double deadline = now() + seconds;
	const pid_t pid = start();

	if (pid == 0) {
		work(context);
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, NULL, WNOHANG) == 0)
		if (!wait_until(deadline)) {
			end_all(pid, false);
			return;
		}
}
