#define _GNU_SOURCE
#include "probed_group.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sysfs.h"

enum { PATH = 512 };

void group_say(const struct probed_group *group, const char *message)
{
	fprintf(stderr, "vfio-conformd: group %s: %s\n", group->number, message);
}

static int by_number(const void *one, const void *other)
{
	const long a = strtol(((const struct probed_group *)one)->number, NULL, 10);
	const long b = strtol(((const struct probed_group *)other)->number, NULL, 10);

	return (a > b) - (a < b);
}

static int by_name(const void *one, const void *other)
{
	return strcmp(((const struct member *)one)->name, ((const struct member *)other)->name);
}

static bool sysfs_path(char *path, const char *pattern, const char *one)
{
	char rest[PATH];

	snprintf(rest, sizeof(rest), pattern, one);
	return (size_t)snprintf(path, PATH, "%s%s", sysfs_root, rest) < PATH;
}

// The first bytes of config space, which anybody may read; zeros if there are none.
static void read_config(const char *name, const char *pattern, unsigned char *bytes, size_t size, off_t at)
{
	char path[PATH];
	int fd = sysfs_path(path, pattern, name) ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	memset(bytes, 0, size);
	if (fd < 0)
		return;
	if (pread(fd, bytes, size, at) != (ssize_t)size)
		memset(bytes, 0, size);
	close(fd);
}

static void read_iommu(struct probed_group *group, const char *name)
{
	char path[PATH], target[PATH] = "";
	const char *last;

	if (sysfs_path(path, "/bus/pci/devices/%s/iommu", name) && readlink(path, target, sizeof(target) - 1) > 0) {
		last = strrchr(target, '/');
		snprintf(group->iommu, sizeof(group->iommu), "%.63s", last ? last + 1 : target);
	}
}

// Sorts a device of the group to those that programs may have, or to those that keep them from it. A bridge does neither.
static void add_member(struct probed_group *group, const char *name)
{
	enum { CLASS = 10, BRIDGE = 0x06 };
	struct device device = { 0 };
	struct member member = { 0 };
	unsigned char class[2];
	char driver[64];

	snprintf(member.name, sizeof(member.name), "%.63s", name);
	snprintf(device.name, sizeof(device.name), "%.31s", name);
	sysfs_driver(&device, driver, sizeof(driver));
	read_config(name, "/bus/pci/devices/%s/config", member.id, sizeof(member.id), 0);
	read_config(name, "/bus/pci/devices/%s/config", class, sizeof(class), CLASS);
	if (!*driver || class[1] == BRIDGE)
		return;
	if (!strcmp(driver, "vfio-pci")) {
		if (group->device_count < MOST_DEVICES)
			group->devices[group->device_count++] = member;
		read_iommu(group, name);
	} else if (strstr(driver, "vfio")) {
		group->other_driver = true;
	} else if (!group->host_driver_count++) {
		group->host_driver_device = member;
	}
}

static bool list_group(struct probed_group *group)
{
	char path[PATH];
	struct dirent *entry;
	DIR *entries = sysfs_path(path, "/kernel/iommu_groups/%s/devices", group->number) ? opendir(path) : NULL;

	if (!entries)
		return false;
	while ((entry = readdir(entries)))
		if (*entry->d_name != '.')
			add_member(group, entry->d_name);
	closedir(entries);
	qsort(group->devices, group->device_count, sizeof(*group->devices), by_name);
	return true;
}

static int open_device(int fd, const struct member *device)
{
	return ioctl(fd, VFIO_GROUP_GET_DEVICE_FD, device->name);
}

// Reads the models of the group's devices. Those that are of another model than the first are not the slot's.
static bool read_models(struct probed_group *group, int fd, char *message)
{
	size_t kept = 0;

	for (size_t i = 0; i < group->device_count; i++) {
		struct device_model model = { 0 };
		int device = open_device(fd, &group->devices[i]);
		char why[MOST_MESSAGE];

		if (device < 0) {
			snprintf(message, MOST_MESSAGE, "device %s cannot be opened: %s", group->devices[i].name, strerror(errno));
			return false;
		}
		if (!device_model_read(&model, device, why, sizeof(why))) {
			snprintf(message, MOST_MESSAGE, "device %s: %.200s", group->devices[i].name, why);
			close(device);
			return false;
		}
		close(device);
		if (!i) {
			group->model = model;
		} else if (model.json.length != group->model.json.length ||
			   memcmp(model.json.data, group->model.json.data, model.json.length)) {
			snprintf(message, MOST_MESSAGE, "device %s is of another kind than %s and is left out", group->devices[i].name,
				 group->devices[0].name);
			group_say(group, message);
			continue;
		}
		group->devices[kept++] = group->devices[i];
	}
	group->device_count = kept;
	return true;
}

static const char *why_not_open(int error)
{
	switch (error) {
	case EBUSY:
		return "it is in use";
	case EACCES:
	case EPERM:
		return "this user may not open it; run as root, or give it its node in /dev/vfio";
	case ENOENT:
		return "it has no node in /dev/vfio; mount devtmpfs there";
	default:
		return strerror(error);
	}
}

// Makes the group part of a container with a backend, and asks both. What is opened is closed again by the caller.
static bool ask(struct probed_group *group, int fd, int container, char *message)
{
	if (ioctl(fd, VFIO_GROUP_SET_CONTAINER, &container)) {
		snprintf(message, MOST_MESSAGE, "it cannot be put into a container: %s", strerror(errno));
		return false;
	}
	if (ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU)) {
		snprintf(message, MOST_MESSAGE, "its container gets no type1 backend: %s%s", strerror(errno),
			 errno == EPERM ? "; the IOMMU does not isolate interrupts" : "; load it: modprobe vfio_iommu_type1");
		return false;
	}
	return iommu_info_read(&group->info, container, message, MOST_MESSAGE) && read_models(group, fd, message);
}

static bool ask_group(struct probed_group *group, char *message)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	int fd, container;
	char path[64];
	bool good;

	snprintf(path, sizeof(path), "/dev/vfio/%s", group->number);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		snprintf(message, MOST_MESSAGE, "%s", why_not_open(errno));
		return false;
	}
	if (ioctl(fd, VFIO_GROUP_GET_STATUS, &status) || !(status.flags & VFIO_GROUP_FLAGS_VIABLE)) {
		close(fd);
		if (group->host_driver_count == 1)
			return true;
		snprintf(message, MOST_MESSAGE, "it is not viable, and not because of one device of a host driver; unbind the others");
		return false;
	}
	container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (container < 0) {
		snprintf(message, MOST_MESSAGE, "/dev/vfio/vfio: %s", strerror(errno));
		close(fd);
		return false;
	}
	group->host_driver_count = 0;
	good = ask(group, fd, container, message);
	close(fd);
	close(container);
	return good;
}

bool group_probe(struct probed_group *group, char *message)
{
	if (strspn(group->number, "0123456789") != strlen(group->number) || !list_group(group)) {
		snprintf(message, MOST_MESSAGE, "this machine has none of that number");
		return false;
	}
	if (!group->device_count) {
		snprintf(message, MOST_MESSAGE, "no device of it is bound to vfio-pci%s",
			 group->other_driver ? ", but to another vfio driver" : "; bind one, as docs/running-machine.md says");
		return false;
	}
	return ask_group(group, message);
}

size_t groups_bound_to_vfio(struct probed_group *list, size_t most)
{
	char path[PATH];
	struct dirent *entry;
	size_t count = 0;
	DIR *entries = sysfs_path(path, "/kernel/iommu_groups%s", "") ? opendir(path) : NULL;

	while (entries && count < most && (entry = readdir(entries))) {
		if (*entry->d_name == '.')
			continue;
		list[count] = (struct probed_group){ 0 };
		snprintf(list[count].number, sizeof(list[count].number), "%.15s", entry->d_name);
		count += list_group(&list[count]) && list[count].device_count;
	}
	if (entries)
		closedir(entries);
	qsort(list, count, sizeof(*list), by_number);
	return count;
}
