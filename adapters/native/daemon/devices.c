#define _GNU_SOURCE
#include "devices.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sysfs.h"

enum { PATH = 512, DEPTH = 8, TRIES = 20, PAUSE_NANOSECONDS = 50000000 };

// Whether a folder's name is a PCI address: domain:bus:slot.function.
static bool is_address(const char *name)
{
	unsigned int domain, bus, slot, function;
	int end = 0;

	return strlen(name) < sizeof(((struct device *)0)->name) &&
	       sscanf(name, "%x:%x:%x.%x%n", &domain, &bus, &slot, &function, &end) == 4 && !name[end];
}

// Looks below a folder, nearest first, for the device whose slot and function are `last`.
static bool find_below(const char *folder, const char *last, int depth, char *name, size_t room)
{
	struct dirent *entry;
	bool found = false;
	DIR *entries;

	for (int deeper = 0; deeper < 2 && !found && depth; deeper++) {
		entries = opendir(folder);
		if (!entries)
			return false;
		while (!found && (entry = readdir(entries))) {
			char below[PATH];

			if (!is_address(entry->d_name))
				continue;
			if (!deeper) {
				found = !strcmp(strrchr(entry->d_name, ':') + 1, last);
				if (found)
					snprintf(name, room, "%.31s", entry->d_name);
			} else if ((size_t)snprintf(below, sizeof(below), "%s/%s", folder, entry->d_name) < sizeof(below)) {
				found = find_below(below, last, depth - 1, name, room);
			}
		}
		closedir(entries);
	}
	return found;
}

bool device_find(struct device *device, const char *path)
{
	const char *slash = strchr(path, '/');
	const int first = slash ? (int)(slash - path) : (int)strlen(path);
	char folder[PATH];
	DIR *entries;

	if ((size_t)snprintf(folder, sizeof(folder), "%s/bus/pci/devices/%.*s", sysfs_root, first, path) >= sizeof(folder))
		return false;
	snprintf(device->name, sizeof(device->name), "%.*s", first, path);
	while (slash) {
		const char *step = slash + 1;
		char last[16];

		slash = strchr(step, '/');
		snprintf(last, sizeof(last), "%.*s", slash ? (int)(slash - step) : (int)strlen(step), step);
		if (!find_below(folder, last, DEPTH, device->name, sizeof(device->name)))
			return false;
		// Every device is listed at the top too, wherever it is.
		snprintf(folder, sizeof(folder), "%s/bus/pci/devices/%s", sysfs_root, device->name);
	}
	entries = opendir(folder);
	if (!entries)
		return false;
	closedir(entries);
	sysfs_driver(device, device->driver, sizeof(device->driver));
	return true;
}

static void restore(const struct device *device)
{
	// What another process holds open may take a moment to be closed.
	for (int i = 0; i < TRIES; i++) {
		char driver[64];

		sysfs_driver(device, driver, sizeof(driver));
		if (!strcmp(driver, device->driver))
			return;
		if (i)
			nanosleep(&(struct timespec){ .tv_nsec = PAUSE_NANOSECONDS }, NULL);
		if (*driver)
			sysfs_unbind(device);
		if (!strcmp(device->driver, "vfio-pci"))
			sysfs_bind_vfio(device);
		else if (*device->driver)
			sysfs_bind_host(device);
	}
}

void slot_restore(const struct slot *slot)
{
	for (size_t i = 0; i < slot->device_count; i++)
		restore(&slot->devices[i]);
	if (slot->host_driver_device)
		restore(slot->host_driver_device);
}
