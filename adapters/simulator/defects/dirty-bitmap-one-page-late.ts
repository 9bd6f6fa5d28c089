import type { Process } from '../files/file-table.ts';
import type { SimulatorDefect } from './defect.ts';

/** The place of the first bit is one too many. */
export const dirtyBitmapOnePageLate: SimulatorDefect = {
  name: 'dirty_bitmap_one_page_late',
  sentence: 'The dirty bitmap has the bits of each mapping one page late.',
  handler: 'VFIO_IOMMU_DIRTY_PAGES',
  kind: 'accounting',
  needs: { base_kernel: ['6.12', '6.1'] },
  change: ({ DirtyBitmap }) => ({
    DirtyBitmap: class extends DirtyBitmap {
      override report(process: Process, address: number, pagesBefore: number) {
        return super.report(process, address, pagesBefore + 1);
      }
    },
  }),
};
