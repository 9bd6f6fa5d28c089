import type { Errno } from '../result.ts';
import type { Type1State } from '../type1/type1-state.ts';
import { allCanNest, hasSecondMember } from './container-devices.ts';

const PASID_REQUESTS = 1;
const FORMAT_VTD = 1;

/**
 * The content of the capability of GET_INFO about guest tables: what can be requested, and the format of the
 * tables. Undefined where there is none; as posted, a container without a format makes GET_INFO fail.
 */
export function nestingCapability(backend: Type1State): number[] | Errno | undefined {
  const { bind, nesting_series, base_kernel } = backend.parameters;
  if (bind === 'absent' || base_kernel !== '2020') return undefined;
  if (nesting_series === 'as_posted') {
    if (backend.domains.length === 0 || backend.pasids.driver === undefined) return 'EINVAL';
    return [backend.nesting ? PASID_REQUESTS : 0, FORMAT_VTD];
  }
  const canBind = backend.nesting && !hasSecondMember(backend) && allCanNest(backend);
  return canBind ? [PASID_REQUESTS, FORMAT_VTD] : undefined;
}
