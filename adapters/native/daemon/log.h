// The kernel's log.
#ifndef VFIO_CONFORM_LOG_H
#define VFIO_CONFORM_LOG_H

#include "text.h"

// Opens it; -1 if this process may not read it.
int log_open(void);

// Passes over what is there.
void log_skip(int log);

// Adds what came since as `,"log":[...]`, or nothing if nothing came.
void log_add(int log, struct text *text);

#endif
