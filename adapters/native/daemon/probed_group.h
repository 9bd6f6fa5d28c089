// A group of this machine as it shows itself: in sysfs, and, if all of its devices are for user space, through VFIO.
#ifndef VFIO_CONFORM_PROBED_GROUP_H
#define VFIO_CONFORM_PROBED_GROUP_H

#include <stdbool.h>
#include <stddef.h>

#include "device_model.h"
#include "iommu_info.h"

enum { MOST_NAME_BYTES = 64, MOST_DEVICES = 64, MOST_MESSAGE = 300 };

// A device of a group that a vfio driver has, or the host.
struct member {
	char name[MOST_NAME_BYTES]; // its PCI address
	unsigned char id[4];
};

struct probed_group {
	char number[16];
	struct member devices[MOST_DEVICES]; // bound to vfio-pci, by address
	size_t device_count;
	struct member host_driver_device; // the first that a driver of the host has
	size_t host_driver_count;
	bool other_driver;
	char iommu[MOST_NAME_BYTES];
	struct iommu_info info;
	struct device_model model; // empty for a group that is not viable
};

// Opens the group of that number, asks it and its devices, and closes it again. False, and a message of MOST_MESSAGE bytes, if
// it is not there, not bound to vfio-pci, in use, or cannot be described.
bool group_probe(struct probed_group *group, char *message);

// Puts the groups that have a device bound to vfio-pci into a list, by number; gives how many there are. None is opened.
size_t groups_bound_to_vfio(struct probed_group *list, size_t most);

// Tells what concerns a group on standard error.
void group_say(const struct probed_group *group, const char *message);

#endif
