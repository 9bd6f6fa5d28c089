// What this executor can perform, on this kernel. Reading a program asks none of it.
#ifndef VFIO_CONFORM_SUPPORT_H
#define VFIO_CONFORM_SUPPORT_H

#include "program.h"

// Whether ops of a kind can be performed at all.
bool op_supported(enum op_kind kind);

// Whether every op can be performed; if not, the message says what cannot.
bool program_supported(const struct program *program, char *message, size_t room);

#endif
