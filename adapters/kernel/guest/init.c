/*
 * The first process of the guest. It does what the plan file says, line by
 * line, and powers the machine off when the program that it serves has ended.
 *
 *   insert FILE PARAMETER..   load a kernel module with parameters
 *   bind DRIVER DEVICE        hand a PCI device to a driver; DEVICE is an
 *                             address, or BRIDGE/SLOT.FUNCTION for a device
 *                             on the bus behind a bridge
 *   need FILE                 go no further on a kernel without that file
 *   serve PORT PROGRAM ARG..  run the program with the virtio port of that
 *                             name as its standard input and output
 *   feed FILE PORT PROGRAM ARG..
 *                             run it with the file as its standard input and
 *                             the port as its standard output
 *   hand-over PORT FOLDER     send the host what the kernel counted: every
 *                             .gcda file below the folder
 *
 * Whatever the plan, allocations may be made to fail where the kernel can do
 * that: /proc/self/fail-nth then counts slabs and pages of every kind.
 *
 * Whatever goes wrong is one line on the console that starts with
 * `vfio-conform-init:`; the adapter shows it to the user.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

#define PLAN "/plan"
#define PCI "/sys/bus/pci/"
#define PORTS "/sys/class/virtio-ports"
#define DEBUG "/sys/kernel/debug"
#define LINE 4096
#define WORDS 256
#define STEP_MS 5

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
	char line[512];
	va_list list;
	int used;

	va_start(list, format);
	used = vsnprintf(line, sizeof(line), format, list);
	va_end(list);
	if (used > 0)
		dprintf(STDERR_FILENO, "vfio-conform-init: %s\n", line);
}

static void power_off(void) __attribute__((noreturn));

static void power_off(void)
{
	/* The console is a slow serial line: let it have everything first. */
	fsync(STDERR_FILENO);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

void fail(const char *format, ...)
{
	char line[512];
	va_list list;

	va_start(list, format);
	vsnprintf(line, sizeof(line), format, list);
	va_end(list);
	say("%s", line);
	power_off();
}

static void nap(void)
{
	struct timespec time = { .tv_nsec = STEP_MS * 1000000L };

	nanosleep(&time, NULL);
}

static void mount_or_fail(const char *type, const char *where)
{
	mkdir(where, 0755);
	/* EBUSY: the kernel has mounted devtmpfs already. */
	if (mount(type, where, type, 0, NULL) && errno != EBUSY)
		fail("cannot mount %s on %s: %s", type, where, strerror(errno));
}

/* Writes a line to a file of sysfs; returns 0 or an errno. */
static int store(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int code = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		code = errno;
	close(fd);
	return code;
}

/*
 * Lets /proc/self/fail-nth reach every allocation that a driver makes: by
 * default those that may sleep and those of single pages are spared. What
 * user memory is made of stays spared, as only drivers are of interest. A
 * failure asked for is no news: it is not logged.
 */
static void let_allocations_fail(void)
{
	static const char *const settings[][2] = {
		{ DEBUG "/failslab/ignore-gfp-wait", "N" },
		{ DEBUG "/failslab/verbose", "0" },
		{ DEBUG "/fail_page_alloc/ignore-gfp-wait", "N" },
		{ DEBUG "/fail_page_alloc/min-order", "0" },
		{ DEBUG "/fail_page_alloc/verbose", "0" },
	};

	/* Without debugfs, or these files, the kernel cannot do it. */
	if (mount("debugfs", DEBUG, "debugfs", 0, NULL))
		return;
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		int code = store(settings[i][0], settings[i][1]);

		if (code && code != ENOENT)
			fail("cannot set %s: %s", settings[i][0],
			     strerror(code));
	}
}

static void insert(const char *file, char **parameters)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	char text[LINE] = "";

	if (fd < 0)
		fail("cannot read module %s: %s", file, strerror(errno));
	for (; *parameters; parameters++) {
		strcat(text, *parameters);
		strcat(text, " ");
	}
	if (syscall(SYS_finit_module, fd, text, 0) && errno != EEXIST)
		fail("cannot load module %s: %s", file, strerror(errno));
	close(fd);
}

/* Address of the device SLOT.FUNCTION on whatever bus is behind the bridge. */
static bool child_of(const char *bridge, const char *child, char *address,
		     size_t size)
{
	char folder[PATH_MAX];
	struct dirent *entry;
	size_t want = strlen(child);
	bool found = false;
	DIR *dir;

	snprintf(folder, sizeof(folder), PCI "devices/%s", bridge);
	dir = opendir(folder);
	while (dir && !found && (entry = readdir(dir))) {
		size_t have = strlen(entry->d_name);

		/* 0000:01:02.0 is what is looked for, as 02.0. */
		if (have != strlen("0000:00:") + want ||
		    entry->d_name[have - want - 1] != ':' ||
		    strcmp(entry->d_name + have - want, child))
			continue;
		snprintf(address, size, "%s", entry->d_name);
		found = true;
	}
	if (dir)
		closedir(dir);
	return found;
}

static bool bound_to(const char *address, const char *driver)
{
	char link[PATH_MAX], target[PATH_MAX];
	const char *name;
	ssize_t used;

	snprintf(link, sizeof(link), PCI "devices/%s/driver", address);
	used = readlink(link, target, sizeof(target) - 1);
	if (used < 0)
		return false;
	target[used] = 0;
	name = strrchr(target, '/');
	return !strcmp(name ? name + 1 : target, driver);
}

static void bind_device(const char *driver, const char *device)
{
	char path[PATH_MAX], address[NAME_MAX + 1];
	const char *slash = strchr(device, '/');
	int code;

	if (slash) {
		char bridge[64];

		snprintf(bridge, sizeof(bridge), "%.*s", (int)(slash - device),
			 device);
		if (!child_of(bridge, slash + 1, address, sizeof(address)))
			fail("there is no device %s behind bridge %s",
			     slash + 1, bridge);
	} else {
		snprintf(address, sizeof(address), "%s", device);
	}
	snprintf(path, sizeof(path), PCI "devices/%s/driver_override", address);
	code = store(path, driver);
	if (code)
		fail("cannot choose driver %s for device %s: %s", driver,
		     address, strerror(code));
	snprintf(path, sizeof(path), PCI "devices/%s/driver/unbind", address);
	code = store(path, address);
	if (code && code != ENOENT)
		fail("cannot unbind device %s: %s", address, strerror(code));
	code = store(PCI "drivers_probe", address);
	if (code)
		fail("cannot bind device %s to %s: %s", address, driver,
		     strerror(code));
	if (!bound_to(address, driver))
		fail("driver %s did not take device %s; is it in this kernel?",
		     driver, address);
}

/* Finds the device node of the virtio port with that name. */
static bool find_port(const char *name, char *node, size_t size)
{
	struct dirent *entry;
	bool found = false;
	DIR *dir = opendir(PORTS);

	while (dir && !found && (entry = readdir(dir))) {
		char path[PATH_MAX], text[128] = "";
		int fd;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), PORTS "/%s/name", entry->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (read(fd, text, sizeof(text) - 1) > 0) {
			text[strcspn(text, "\n")] = 0;
			if (!strcmp(text, name)) {
				snprintf(node, size, "/dev/%s", entry->d_name);
				found = true;
			}
		}
		close(fd);
	}
	if (dir)
		closedir(dir);
	return found;
}

int open_port(const char *name)
{
	char node[PATH_MAX];
	int waited = 0, fd;

	while (!find_port(name, node, sizeof(node))) {
		if (waited >= WAIT_MS)
			fail("virtio port %s did not appear; are virtio_pci and virtio_console in this kernel?",
			     name);
		nap();
		waited += STEP_MS;
	}
	fd = open(node, O_RDWR);
	if (fd < 0)
		fail("cannot open %s: %s", node, strerror(errno));
	for (;;) {
		struct pollfd poller = { .fd = fd, .events = POLLOUT };

		if (poll(&poller, 1, 0) >= 0 && !(poller.revents & POLLHUP))
			return fd;
		if (waited >= WAIT_MS)
			fail("the host did not open virtio port %s", name);
		nap();
		waited += STEP_MS;
	}
}

/* Without a file, the port is the program's standard input, too. */
static void serve(const char *file, const char *port, char **words)
{
	int fd = open_port(port), status = 0;
	int input = file ? open(file, O_RDONLY | O_CLOEXEC) : fd;
	pid_t child;

	if (input < 0)
		fail("cannot read %s: %s", file, strerror(errno));
	child = fork();

	if (child < 0)
		fail("cannot fork: %s", strerror(errno));
	if (!child) {
		dup2(input, STDIN_FILENO);
		dup2(fd, STDOUT_FILENO);
		if (fd > STDERR_FILENO)
			close(fd);
		setsid();
		execv(words[0], words);
		say("cannot run %s: %s", words[0], strerror(errno));
		_exit(127);
	}
	close(fd);
	/* Orphans of the program become children of this process: reap them. */
	for (;;) {
		pid_t gone = wait(&status);

		if (gone == child)
			break;
		if (gone < 0 && errno == ECHILD)
			fail("lost track of %s", words[0]);
	}
	if (WIFSIGNALED(status))
		fail("%s was killed by signal %d (%s)", words[0],
		     WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status))
		fail("%s ended with status %d", words[0], WEXITSTATUS(status));
}

static void need(const char *file)
{
	if (access(file, F_OK))
		fail("this kernel has no %s", file);
}

static void follow(char *line)
{
	char *words[WORDS + 1] = { 0 }, *rest = NULL;
	int count = 0;

	for (char *word = strtok_r(line, " \n", &rest); word;
	     word = strtok_r(NULL, " \n", &rest)) {
		if (count == WORDS)
			fail("a line of the plan has more than %d words",
			     WORDS);
		words[count++] = word;
	}
	if (!count)
		return;
	if (!strcmp(words[0], "insert") && count >= 2)
		insert(words[1], words + 2);
	else if (!strcmp(words[0], "bind") && count == 3)
		bind_device(words[1], words[2]);
	else if (!strcmp(words[0], "need") && count == 2)
		need(words[1]);
	else if (!strcmp(words[0], "serve") && count >= 3)
		serve(NULL, words[1], words + 2);
	else if (!strcmp(words[0], "feed") && count >= 4)
		serve(words[1], words[2], words + 3);
	else if (!strcmp(words[0], "hand-over") && count == 3)
		hand_over(words[1], words[2]);
	else
		fail("the plan has a line that starts with %s and makes no sense",
		     words[0]);
}

int main(void)
{
	char line[LINE];
	FILE *plan;

	/* Without a console in the initramfs the first process has no files. */
	mount_or_fail("devtmpfs", "/dev");
	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
		if (fcntl(i, F_GETFD) < 0)
			open("/dev/console", O_RDWR);
	mount_or_fail("proc", "/proc");
	mount_or_fail("sysfs", "/sys");
	mount_or_fail("tmpfs", "/tmp");
	chmod("/tmp", 01777);
	let_allocations_fail();
	plan = fopen(PLAN, "re");
	if (!plan)
		fail("cannot read " PLAN ": %s", strerror(errno));
	while (fgets(line, sizeof(line), plan))
		follow(line);
	fclose(plan);
	power_off();
}
