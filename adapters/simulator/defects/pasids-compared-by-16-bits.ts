import type { PasidEntry } from '../nested/pasid-table.ts';
import type { SimulatorDefect } from './defect.ts';

/** The index into the PASID table is an unsigned short. */
export const pasidsComparedBy16Bits: SimulatorDefect = {
  name: 'pasids_compared_by_16_bits',
  sentence: 'PASIDs whose low 16 bits are the same share an entry of the PASID table.',
  handler: 'VFIO_IOMMU_BIND',
  kind: 'width',
  needs: { bind: ['present'] },
  change: ({ PasidTable }) => ({
    PasidTable: class extends PasidTable {
      override get(pasid: number) {
        return super.get(pasid & 0xffff);
      }

      override set(pasid: number, entry: PasidEntry): void {
        super.set(pasid & 0xffff, entry);
      }

      override clear(pasid: number): void {
        super.clear(pasid & 0xffff);
      }
    },
  }),
};
