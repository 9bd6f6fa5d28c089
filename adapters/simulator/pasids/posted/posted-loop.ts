import type { IommuDevice } from '../../iommu/iommu-group.ts';
import type { Errno } from '../../result.ts';
import type { Steps } from '../../steps.ts';
import type { Type1State } from '../../type1/type1-state.ts';
import type { VtdDriver } from '../../vtd/vtd-driver.ts';
import { callDriver } from '../driver-call.ts';
import type { DataSource } from './posted-data.ts';

/**
 * Calls a hook for the devices of a container, domain by domain, up to the first of a domain that refuses. The next domain
 * is visited all the same, and what comes out is what the last one gave.
 */
export function* callForEachDevice<T extends object>(
  { domains, pasids: { driver } }: Type1State,
  source: DataSource<T>,
  hook: (driver: VtdDriver, device: IommuDevice, data: T) => Errno | undefined | Steps<Errno | undefined>,
): Steps<Errno | undefined> {
  let errno: Errno | undefined;
  for (const { groups } of domains) {
    for (const { devices } of groups) {
      for (const device of devices) {
        errno = yield* callFor(device);
        if (errno !== undefined) break;
      }
      if (errno !== undefined) break;
    }
  }
  return errno;

  function* callFor(device: IommuDevice): Steps<Errno | undefined> {
    // state
    if (driver === undefined) return 'ENODEV';

    // copies
    const data = yield* source();
    if (typeof data === 'string') return data;

    // effect
    return yield* callDriver(() => hook(driver, device, data));
  }
}
