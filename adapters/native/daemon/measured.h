// What the running kernel knows better than the configuration file.
#ifndef VFIO_CONFORM_MEASURED_H
#define VFIO_CONFORM_MEASURED_H

#include <stdbool.h>

#include "arena.h"
#include "json.h"

// Corrects an environment: the limit of mappings that the type1 module has, and that the module is there although the
// machine was to have none. What the arena holds lives as long as the environment.
void measured_correct(struct json *environment, struct arena *arena);

// Whether programs of this daemon start with CAP_IPC_LOCK: their locked memory is not limited.
bool measured_memlock_exempt(void);

#endif
