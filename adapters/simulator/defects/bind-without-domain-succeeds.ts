import type { SimulatorDefect } from './defect.ts';

/** A loop over no domain ends with 0, as that of CACHE_INVALIDATE does (finding C2). */
export const bindWithoutDomainSucceeds: SimulatorDefect = {
  name: 'bind_without_domain_succeeds',
  sentence: 'BIND in a container whose groups are all without an IOMMU answers 0 in place of EINVAL.',
  handler: 'VFIO_IOMMU_BIND',
  kind: 'missing_check',
  needs: { nesting_series: ['as_posted'] },
  change: ({ postedBindLocked }) => ({
    *postedBindLocked(backend, process, source, binds) {
      return backend.domains.length === 0 ? undefined : yield* postedBindLocked(backend, process, source, binds);
    },
  }),
};
