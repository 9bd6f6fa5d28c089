// What a slot of a program stands for on this machine.
#ifndef VFIO_CONFORM_SLOT_H
#define VFIO_CONFORM_SLOT_H

#include <stddef.h>

struct device {
	const char *path; // as configured
	char name[32];   // below /sys/bus/pci/devices
	char driver[64]; // when the executor started; empty for none
};

struct slot {
	const char *name; // in the environment
	struct device *devices;
	size_t device_count;
	struct device *host_driver_device; // NULL if every device of the group is for user space
};

#endif
