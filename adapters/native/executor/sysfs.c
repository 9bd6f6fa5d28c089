#define _GNU_SOURCE
#include "sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH = 512 };

const char *sysfs_root = "/sys";

int sysfs_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int error = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		error = errno;
	close(fd);
	return error;
}

bool sysfs_read(const char *path, char *text, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, room - 1);

	if (fd >= 0)
		close(fd);
	text[length < 0 ? 0 : length] = 0;
	return length >= 0;
}

// A path below sysfs made of a pattern with one or two names.
static int below(char *path, size_t room, const char *pattern, const char *one, const char *two)
{
	char rest[PATH];
	int length;

	snprintf(rest, sizeof(rest), pattern, one, two);
	length = snprintf(path, room, "%s%s", sysfs_root, rest);
	return length < 0 || (size_t)length >= room ? ENAMETOOLONG : 0;
}

int sysfs_parameter_path(char *path, size_t room, const char *module, const char *parameter)
{
	return below(path, room, "/module/%s/parameters/%s", module, parameter);
}

// Last part of what a symbolic link points to.
static int link_name(const char *path, char *name, size_t room)
{
	char target[PATH];
	ssize_t length = readlink(path, target, sizeof(target) - 1);
	const char *last;

	if (length < 0)
		return errno;
	target[length] = 0;
	last = strrchr(target, '/');
	snprintf(name, room, "%s", last ? last + 1 : target);
	return 0;
}

int sysfs_group_path(char *path, size_t room, const struct device *device)
{
	char link[PATH], group[64];
	int error = below(link, sizeof(link), "/bus/pci/devices/%s/iommu_group", device->name, "");

	if (!error)
		error = link_name(link, group, sizeof(group));
	if (!error)
		snprintf(path, room, "/dev/vfio/%s", group);
	return error;
}

void sysfs_driver(const struct device *device, char *driver, size_t room)
{
	char link[PATH];

	if (below(link, sizeof(link), "/bus/pci/devices/%s/driver", device->name, "") || link_name(link, driver, room))
		*driver = 0;
}

static int write_at(const char *pattern, const char *one, const char *two, const char *text)
{
	char path[PATH];
	int error = below(path, sizeof(path), pattern, one, two);

	return error ? error : sysfs_write(path, text);
}

int sysfs_unbind(const struct device *device)
{
	int error = write_at("/bus/pci/devices/%s/driver/unbind", device->name, "", device->name);

	return error == ENOENT ? ENODEV : error;
}

int sysfs_bind_vfio(const struct device *device)
{
	int error = write_at("/bus/pci/devices/%s/driver_override", device->name, "", "vfio-pci");

	return error ? error : write_at("/bus/pci/drivers/%s/bind", "vfio-pci", "", device->name);
}

int sysfs_bind_host(const struct device *device)
{
	int error;

	if (!*device->driver || !strcmp(device->driver, "vfio-pci"))
		return ENODEV;
	error = write_at("/bus/pci/devices/%s/driver_override", device->name, "", "\n");
	return error ? error : write_at("/bus/pci/drivers/%s/bind", device->driver, "", device->name);
}
