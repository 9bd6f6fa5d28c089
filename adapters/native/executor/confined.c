#define _GNU_SOURCE
#include "confined.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static bool confining;

enum { VFIO_TYPE = ';', TYPE_SHIFT = 8 };

void confine(void)
{
	confining = true;
}

// Nodes of VFIO by what they are: a name may lead anywhere.
static bool is_vfio(dev_t node)
{
	static const char *const folders[] = { "/dev/vfio", "/dev/vfio/devices" };
	bool found = false;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && !found; i++) {
		DIR *folder = opendir(folders[i]);
		struct dirent *entry;
		struct stat status;

		while (folder && !found && (entry = readdir(folder)))
			found = !fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) && S_ISCHR(status.st_mode) &&
				status.st_rdev == node;
		if (folder)
			closedir(folder);
	}
	return found;
}

static bool may_be_opened(const struct stat *status)
{
	const dev_t null = makedev(1, 3), zero = makedev(1, 5);

	if (!S_ISCHR(status->st_mode))
		return false;
	return status->st_rdev == null || status->st_rdev == zero || is_vfio(status->st_rdev);
}

bool confined_file(int fd)
{
	struct stat status;

	return !confining || (!fstat(fd, &status) && may_be_opened(&status));
}

bool confined_path(const char *path)
{
	bool may;
	int fd;

	if (!confining)
		return true;
	// Nothing happens to what is opened so.
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return true;
	may = confined_file(fd);
	close(fd);
	return may;
}

// Whether a module is one of VFIO's, whose parameters a program may set.
static bool is_vfio_module(const char *name)
{
	return !strncmp(name, "vfio", 4);
}

static const char *wrong_with(const struct op *op)
{
	switch (op->kind) {
	case OP_OPEN:
		return op->choice == WHAT_PATH && !confined_path(op->path) ? "the path leads to something else than a node of VFIO"
									   : NULL;
	case OP_IOCTL:
		// The kernel takes the lower 32 bits.
		return ((uint32_t)op->number >> TYPE_SHIFT) == VFIO_TYPE ? NULL : "the number is not one of VFIO's";
	case OP_SET_PARAMETER:
		return is_vfio_module(op->module) ? NULL : "the module is not one of VFIO's";
	default:
		return NULL;
	}
}

bool confined_program(const struct program *program, char *message, size_t room)
{
	if (!confining)
		return true;
	for (size_t i = 0; i < program->op_count; i++) {
		const char *wrong = wrong_with(&program->ops[i]);

		if (wrong) {
			snprintf(message, room, "op %zu (%s): refused on a socket without --unsafe: %s", i,
				 op_names[program->ops[i].kind], wrong);
			return false;
		}
	}
	for (size_t i = 0; i < program->parameter_count; i++)
		if (!is_vfio_module(program->parameters[i].module)) {
			snprintf(message, room, "changes: refused on a socket without --unsafe: the module %.60s is not one of VFIO's",
				 program->parameters[i].module);
			return false;
		}
	return true;
}
