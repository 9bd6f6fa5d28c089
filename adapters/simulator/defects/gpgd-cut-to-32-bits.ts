import type { PasidEntry } from '../nested/pasid-table.ts';
import type { SimulatorDefect } from './defect.ts';

/** The address goes through an unsigned int on its way to the PASID table. */
export const gpgdCutTo32Bits: SimulatorDefect = {
  name: 'gpgd_cut_to_32_bits',
  sentence: 'BIND enters the low 32 bits of gpgd only, so that a table above 4 GiB is walked where it is not.',
  handler: 'VFIO_IOMMU_BIND',
  kind: 'width',
  needs: { bind: ['present'] },
  change: ({ PasidTable }) => ({
    PasidTable: class extends PasidTable {
      override set(pasid: number, { root, levels }: PasidEntry): void {
        super.set(pasid, { root: BigInt.asUintN(32, root), levels });
      }
    },
  }),
};
