import type { SimulatorDefect } from './defect.ts';

/** The driver of March 2020 keeps the guest PASID in an int, and so does not recognise one beyond 32 bits. */
export const gpasidKeptIn64Bits: SimulatorDefect = {
  name: 'gpasid_kept_in_64_bits',
  sentence: 'The driver keeps all bits of a guest PASID, and refuses a second BIND of one beyond 32 bits as the same.',
  handler: 'VFIO_IOMMU_BIND',
  kind: 'width',
  needs: { driver: ['v10'] },
  change: ({ VtdDriver }) => ({
    VtdDriver: class extends VtdDriver {
      protected override keptGuestPasid(gpasid: bigint): bigint {
        return gpasid;
      }
    },
  }),
};
