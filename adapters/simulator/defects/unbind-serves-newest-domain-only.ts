import type { SimulatorDefect } from './defect.ts';

/** The loop over domains is left after the first. */
export const unbindServesNewestDomainOnly: SimulatorDefect = {
  name: 'unbind_serves_newest_domain_only',
  sentence: 'UNBIND ends the bindings of the devices behind the IOMMU that joined last only.',
  handler: 'VFIO_IOMMU_BIND',
  kind: 'fan_out',
  needs: { nesting_series: ['repaired'], singleton_scope: ['none'] },
  change: ({ repairedUnbind }) => ({
    repairedUnbind(backend, data) {
      const others = backend.domains.splice(1);
      repairedUnbind(backend, data);
      backend.domains.push(...others);
    },
  }),
};
