// What programs may reach when somebody else than the daemon's parent may send them: VFIO, and nothing beside it.
#ifndef VFIO_CONFORM_CONFINED_H
#define VFIO_CONFORM_CONFINED_H

#include <stdbool.h>
#include <stddef.h>

#include "program.h"

// From now on, in this process and in those that it forks.
void confine(void);

// Whether the program, as it is written, keeps to that. Otherwise the message says why not. True if nothing is confined.
bool confined_program(const struct program *program, char *message, size_t room);

// Whether what is at a path, or behind a descriptor, may be opened: what it is counts, not how it is spelled. A path at which nothing
// is may be tried.
bool confined_path(const char *path);
bool confined_file(int fd);

#endif
