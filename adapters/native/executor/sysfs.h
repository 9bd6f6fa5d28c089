// The kernel's settings for devices and modules.
#ifndef VFIO_CONFORM_SYSFS_H
#define VFIO_CONFORM_SYSFS_H

#include <stddef.h>

#include "slot.h"

// Where sysfs is. Only tests change it.
extern const char *sysfs_root;

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
