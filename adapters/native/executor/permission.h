// What programs may not do to the devices of this machine.
//
// Values at a boundary can wedge a real device. Whoever offers one says what is forbidden: a program is looked at before it
// runs, and each op again when its descriptor is known.
#ifndef VFIO_CONFORM_PERMISSION_H
#define VFIO_CONFORM_PERMISSION_H

#include <stdbool.h>
#include <stddef.h>

#include "process.h"
#include "program.h"

// Forbids `config-writes`, `bar-access`, `reset` or `driver-binding`. False for any other word.
bool permission_forbid(const char *what);

// Whether the program, as it is written, keeps to what is not forbidden. Otherwise the message says why not.
bool permission_program(const struct program *program, char *message, size_t room);

// Why a process may not perform an op now; NULL if it may.
const char *permission_refusal(const struct process *process, const struct op *op);

#endif
