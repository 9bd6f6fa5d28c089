// Finding out what this machine offers, without writing to any device.
#ifndef VFIO_CONFORM_PROBE_H
#define VFIO_CONFORM_PROBE_H

#include <stddef.h>

enum { MOST_PROBED = 64 };

// Prints a configuration of the groups of those numbers, or without any of all groups with devices bound to vfio-pci, on
// standard output, and what is missing on standard error. Gives an exit code: 2 if a group that was asked for cannot be probed.
int probe(const char *const *groups, size_t count);

#endif
