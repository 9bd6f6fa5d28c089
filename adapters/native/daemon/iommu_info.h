// What the IOMMU of a container translates, as VFIO tells it.
#ifndef VFIO_CONFORM_IOMMU_INFO_H
#define VFIO_CONFORM_IOMMU_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MOST_RANGES = 256 };

struct iova_range {
	uint64_t first;
	uint64_t last;
};

struct iommu_info {
	uint64_t page_sizes; // one bit each
	uint32_t mappings;   // that may be made
	bool snoop_control;
	size_t range_count;
	struct iova_range ranges[MOST_RANGES]; // that can be mapped, ascending
};

// Reads it from a container with a type1 backend. False, and a message, if the kernel does not tell.
bool iommu_info_read(struct iommu_info *info, int container, char *message, size_t room);

#endif
