// The kernel's log.
#ifndef VFIO_CONFORM_LOG_H
#define VFIO_CONFORM_LOG_H

#include "text.h"

// Opens it at its end; -1 if this process may not read it.
int log_open(void);

// Adds what came since as `,"log":[...]`, or nothing if nothing came.
void log_add(int log, struct text *text);

#endif
