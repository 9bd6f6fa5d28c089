// vfio-conform-guard: runs a command and sees to it that nothing of it outlives the process that asked for it.
//
// What the command starts stays below this process, wherever it goes: the guard is a subreaper, so that a process whose
// parent has ended becomes its child, whatever session or group that made for itself. Descriptor 3 is the line to the owner.
// When the owner closes it, or ends however it may, or when the command ends by itself, everything below is killed.
//
// On descriptor 3 the owner is told, one line each:
//   cannot ERRNO   the command could not be executed
//   left PID       that process could not be ended: it runs as another user, or hangs in the kernel
//
// The guard ends as the command did. It always ends: what cannot be killed within two seconds is left, and told.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OWNER = 3, LIMIT_MS = 2000, ROUND_MS = 5 };

static const char usage[] = "usage: vfio-conform-guard [--remove FOLDER] COMMAND [ARGUMENT..] 3<>OWNER\n";

static long now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

// The parent of a process, 0 if the process is gone. Its name may hold spaces and parentheses: what counts comes after the last one.
static pid_t parent_of(pid_t process)
{
	char path[64], stat[1024];
	const char *rest;
	ssize_t length;
	int fd, parent;
	char state;

	snprintf(path, sizeof(path), "/proc/%d/stat", process);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	length = read(fd, stat, sizeof(stat) - 1);
	close(fd);
	if (length <= 0)
		return 0;
	stat[length] = '\0';
	rest = strrchr(stat, ')');
	return rest && sscanf(rest + 1, " %c %d", &state, &parent) == 2 ? parent : 0;
}

static bool is_below(pid_t process, pid_t top)
{
	// A chain cannot be longer than there are processes; one that changes while it is read must not hold us.
	for (int steps = 0; process > 1 && steps < 100000; steps++) {
		process = parent_of(process);
		if (process == top)
			return true;
	}
	return false;
}

// Kills everything below this process, once. `tell`: and says what it is.
static void kill_all(bool tell)
{
	DIR *processes = opendir("/proc");
	struct dirent *entry;

	if (!processes)
		return;
	while ((entry = readdir(processes))) {
		pid_t process = atoi(entry->d_name);

		if (process <= 0 || !is_below(process, getpid()))
			continue;
		kill(process, SIGKILL);
		if (tell)
			dprintf(OWNER, "left %d\n", process);
	}
	closedir(processes);
}

enum below { NOTHING_LEFT, SOME_LEFT, COMMAND_ENDED };

// Takes what has ended: the status of the command, if it is among that.
static enum below reap(pid_t command, int *status)
{
	enum below below = SOME_LEFT;
	pid_t process;
	int one;

	while ((process = waitpid(-1, &one, WNOHANG)) > 0) {
		if (process != command)
			continue;
		*status = one;
		below = COMMAND_ENDED;
	}
	return process < 0 && below == SOME_LEFT ? NOTHING_LEFT : below;
}

// Kills until nothing is left: a process whose parent has been killed is a child of this one.
static void end_all(pid_t command, int *status)
{
	struct timespec round = { .tv_nsec = ROUND_MS * 1000000L };

	for (long deadline = now_ms() + LIMIT_MS; reap(command, status) != NOTHING_LEFT; nanosleep(&round, NULL)) {
		kill_all(false);
		if (now_ms() <= deadline)
			continue;
		kill_all(true);
		return;
	}
}

static void remove_folder(const char *folder)
{
	pid_t child = fork();

	if (child == 0) {
		execl("/bin/rm", "rm", "-rf", "--", folder, (char *)NULL);
		_exit(127);
	}
	if (child > 0)
		waitpid(child, NULL, 0);
}

static void end_like(int status)
{
	if (WIFSIGNALED(status)) {
		struct rlimit none = { 0 };
		sigset_t one;

		// The command has left its core already, if it was to.
		setrlimit(RLIMIT_CORE, &none);
		signal(WTERMSIG(status), SIG_DFL);
		sigemptyset(&one);
		sigaddset(&one, WTERMSIG(status));
		sigprocmask(SIG_UNBLOCK, &one, NULL);
		raise(WTERMSIG(status));
	}
	_exit(WEXITSTATUS(status));
}

static _Noreturn void execute(char **command, pid_t guard)
{
	sigset_t none;

	// Should the guard be killed itself, the command goes with it.
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != guard)
		_exit(1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	execvp(command[0], command);
	dprintf(OWNER, "cannot %d\n", errno);
	_exit(127);
}

int main(int argc, char **argv)
{
	// Not heard from its own kind: only the owner and the end of the command end the guard.
	const int ignored[] = { SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2 };
	const char *folder = NULL;
	char **command = argv + 1;
	int status = 0;
	sigset_t blocked;
	pid_t child, guard = getpid();

	if (argc > 2 && !strcmp(command[0], "--remove")) {
		folder = command[1];
		command += 2;
	}
	if (!command[0] || fcntl(OWNER, F_SETFD, FD_CLOEXEC) < 0) {
		fputs(usage, stderr);
		return 2;
	}
	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		sigaddset(&blocked, ignored[i]);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	// An owner that is gone must not end the guard before it has done its work.
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	struct pollfd awaited[] = {
		{ .fd = OWNER, .events = POLLIN },
		{ .fd = signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK), .events = POLLIN },
	};
	if (awaited[1].fd < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1)) {
		perror("vfio-conform-guard");
		return 1;
	}
	child = fork();
	if (child < 0) {
		perror("vfio-conform-guard: fork");
		return 1;
	}
	if (child == 0)
		execute(command, guard);
	// The ends of the command's pipes are the command's: whoever reads must see when it closes one.
	for (int fd = 0; fd < OWNER; fd++)
		close(fd);
	for (;;) {
		struct signalfd_siginfo signal;
		char word;

		if (poll(awaited, 2, -1) < 0 && errno != EINTR)
			break;
		while (read(awaited[1].fd, &signal, sizeof(signal)) > 0)
			;
		if (reap(child, &status) != SOME_LEFT)
			break;
		// The owner says nothing; there is something to read when it is gone.
		if (awaited[0].revents && read(OWNER, &word, 1) <= 0) {
			status = SIGKILL;
			break;
		}
	}
	end_all(child, &status);
	if (folder)
		remove_folder(folder);
	end_like(status);
}
