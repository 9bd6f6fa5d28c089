import type { Errno } from '../result.ts';
import type { SimulatorDefect } from './defect.ts';

/** A failure ends the loop over one domain only, and the next result replaces it (finding L1). */
export const lastDomainErrorWins: SimulatorDefect = {
  name: 'last_domain_error_wins',
  sentence: 'BIND goes domain by domain, and returns what the last one gave, whatever those before it returned.',
  handler: 'VFIO_IOMMU_BIND',
  kind: 'fan_out',
  needs: { nesting_series: ['repaired'], singleton_scope: ['none'] },
  change: ({ repairedBindLocked }) => ({
    *repairedBindLocked(backend, process, data) {
      let errno: Errno | undefined;
      const domains = backend.domains.splice(0);
      for (const domain of domains) {
        backend.domains.splice(0, 1, domain);
        errno = yield* repairedBindLocked(backend, process, data);
      }
      backend.domains.splice(0, 1, ...domains);
      return domains.length > 0 ? errno : yield* repairedBindLocked(backend, process, data);
    },
  }),
};
