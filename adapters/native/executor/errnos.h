// Names of errnos.
#ifndef VFIO_CONFORM_ERRNOS_H
#define VFIO_CONFORM_ERRNOS_H

// The symbolic name, or NULL for a number that has no public one.
const char *errno_name(int number);

#endif
