import type { SimulatorDefect } from './defect.ts';

/** vaddr_invalid_count is not decremented. */
export const newVaddrLeavesInvalidCount: SimulatorDefect = {
  name: 'new_vaddr_leaves_invalid_count',
  sentence:
    'A MAP_DMA that replaces the virtual address of a mapping still counts it as invalid, so that no group can join any more.',
  handler: 'VFIO_IOMMU_MAP_DMA',
  kind: 'accounting',
  needs: { base_kernel: ['6.12', '6.1'] },
  change: ({ updateVaddr }) => ({
    updateVaddr(backend, ...rest) {
      const errno = updateVaddr(backend, ...rest);
      if (errno === undefined) backend.invalidCount++;
      return errno;
    },
  }),
};
