// What this machine offers: the environment that a configuration file describes, and the devices of its slots.
#ifndef VFIO_CONFORM_CONFIG_H
#define VFIO_CONFORM_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "slot.h"
#include "text.h"

struct config {
	struct text environment; // as JSON
	struct slot *slots;
	size_t slot_count;
};

// Reads the file; without one, describes a machine without slots. False, and a message, if it is malformed.
bool config_read(struct config *config, const char *file, char *message, size_t room);

// The slot of that name; NULL if there is none, or a device of it is missing, which the message names.
const struct slot *config_slot(const struct config *config, const char *name, char *message, size_t room);

#endif
