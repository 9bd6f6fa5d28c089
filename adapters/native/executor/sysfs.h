// The kernel's settings for devices and modules.
#ifndef VFIO_CONFORM_SYSFS_H
#define VFIO_CONFORM_SYSFS_H

#include <stdbool.h>
#include <stddef.h>

#include "slot.h"

// Where sysfs is. Only tests change it.
extern const char *sysfs_root;

// Reads a small file, newline included, and terminates it. False, and an empty text, if it cannot be read.
bool sysfs_read(const char *path, char *text, size_t room);

// These give 0 or an errno.
int sysfs_write(const char *path, const char *text);
int sysfs_parameter_path(char *path, size_t room, const char *module, const char *parameter);
int sysfs_group_path(char *path, size_t room, const struct device *device);
int sysfs_unbind(const struct device *device);
int sysfs_bind_vfio(const struct device *device);
int sysfs_bind_host(const struct device *device); // to the driver it had at the start

// Name of the driver that a device has now; empty for none.
void sysfs_driver(const struct device *device, char *driver, size_t room);

#endif
