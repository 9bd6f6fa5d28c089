// Descriptors that the executor itself keeps in a process of a program.
#ifndef VFIO_CONFORM_DESCRIPTOR_H
#define VFIO_CONFORM_DESCRIPTOR_H

#include <stdbool.h>

// Whether the process may have so many descriptors that one of the executor's own is out of the way.
bool descriptor_fits_aside(void);

// Moves a descriptor out of the way of those that the program makes, which get the lowest free numbers, and of limits
// that it sets later. Gives its new number, close-on-exec; -1 and errno, and the old one closed, if there is no room.
int descriptor_aside(int fd);

#endif
