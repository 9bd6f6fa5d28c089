// Finding the devices of slots, and giving them back the drivers that they had.
#ifndef VFIO_CONFORM_DEVICES_H
#define VFIO_CONFORM_DEVICES_H

#include <stdbool.h>
#include <stddef.h>

#include "slot.h"

// Finds a device by its path: "0000:00:05.0", or "0000:00:04.0/01.0" for slot 01, function 0 below a bridge, whatever
// number its bus has. Notes the driver that it has now. False if it is not there.
bool device_find(struct device *device, const char *path);

// Gives every device of the slot the driver that it had when it was found.
void slot_restore(const struct slot *slot);

#endif
