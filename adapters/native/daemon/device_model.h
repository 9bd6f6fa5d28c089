// What a device is in detail, read through its vfio file, as the environment's device models say it.
#ifndef VFIO_CONFORM_DEVICE_MODEL_H
#define VFIO_CONFORM_DEVICE_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

struct device_model {
	struct text json;
	bool resettable; // on its own
};

// Whether it is QEMU's `edu`, which can be told to transfer memory and keeps what is written to its registers.
bool is_edu(const unsigned char id[4]);

// Reads the model of an open device. Nothing is written to it. False, and a message, if it does not answer.
bool device_model_read(struct device_model *model, int fd, char *message, size_t room);

#endif
