import type { SimulatorDefect } from './defect.ts';

/** Bytes of the argument in front of the capabilities. */
const STRUCT_BYTES = 24;

/** vfio_info_cap_shift is not called. */
export const getInfoNextCountsFromChain: SimulatorDefect = {
  name: 'get_info_next_counts_from_chain',
  sentence:
    'In the capabilities of GET_INFO the place of the next one counts from the first, not from the beginning of the argument.',
  handler: 'VFIO_IOMMU_GET_INFO',
  kind: 'capability',
  change: ({ chained }) => ({
    chained(capabilities) {
      const chain = chained(capabilities);
      let at = 0;
      for (const { content } of capabilities) {
        if (chain[at + 1] !== 0) chain[at + 1]! -= STRUCT_BYTES;
        at += 2 + content.length;
      }
      return chain;
    },
  }),
};
