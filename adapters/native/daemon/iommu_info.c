#define _GNU_SOURCE
#include "iommu_info.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

static void read_capability(struct iommu_info *info, const struct vfio_info_cap_header *header)
{
	if (header->id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE) {
		const struct vfio_iommu_type1_info_cap_iova_range *ranges = (const void *)header;

		for (uint32_t i = 0; i < ranges->nr_iovas && i < MOST_RANGES; i++)
			info->ranges[info->range_count++] =
				(struct iova_range){ ranges->iova_ranges[i].start, ranges->iova_ranges[i].end };
	} else if (header->id == VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL) {
		info->mappings = ((const struct vfio_iommu_type1_info_dma_avail *)(const void *)header)->avail;
	}
}

bool iommu_info_read(struct iommu_info *info, int container, char *message, size_t room)
{
	struct vfio_iommu_type1_info brief = { .argsz = sizeof(brief) }, *whole = NULL;

	*info = (struct iommu_info){ .mappings = 65535 };
	info->snoop_control = ioctl(container, VFIO_CHECK_EXTENSION, VFIO_DMA_CC_IOMMU) == 1;
	if (!ioctl(container, VFIO_IOMMU_GET_INFO, &brief))
		whole = calloc(1, brief.argsz);
	if (whole) {
		whole->argsz = brief.argsz;
		if (ioctl(container, VFIO_IOMMU_GET_INFO, whole))
			whole->flags = 0;
	}
	if (!whole || !(whole->flags & VFIO_IOMMU_INFO_PGSIZES) || !(whole->flags & VFIO_IOMMU_INFO_CAPS)) {
		snprintf(message, room, "VFIO_IOMMU_GET_INFO does not tell what the IOMMU translates; Linux 5.4 and later do");
		free(whole);
		return false;
	}
	info->page_sizes = whole->iova_pgsizes;
	for (uint32_t at = whole->cap_offset; at && at <= brief.argsz - sizeof(struct vfio_info_cap_header);) {
		const struct vfio_info_cap_header *header = (const void *)((const char *)whole + at);

		read_capability(info, header);
		at = header->next > at ? header->next : 0;
	}
	free(whole);
	if (!info->range_count)
		snprintf(message, room, "VFIO_IOMMU_GET_INFO does not tell which addresses can be mapped; Linux 5.4 and later do");
	return info->range_count > 0;
}
