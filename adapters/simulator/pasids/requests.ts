import type { Process } from '../files/file-table.ts';
import type { Result } from '../result.ts';
import type { Steps } from '../steps.ts';
import type { WithParts } from '../type1/type1-state.ts';
import { Request } from '../vfio/requests.ts';
import { type PostedBindParts, postedBind } from './posted/posted-bind.ts';
import { postedInvalidate } from './posted/posted-invalidate.ts';
import { postedPasidRequest } from './posted/posted-pasid-request.ts';
import { type RepairedBindParts, repairedBind } from './repaired/repaired-bind.ts';
import { type RepairedInvalidateParts, repairedInvalidate } from './repaired/repaired-invalidate.ts';
import { type RepairedPasidRequestParts, repairedPasidRequest } from './repaired/repaired-pasid-request.ts';

/** What the requests call through the backend's table. */
export interface PasidRequestParts
  extends PostedBindParts,
    RepairedBindParts,
    RepairedInvalidateParts,
    RepairedPasidRequestParts {}

/** Performs a request of the 2020 nesting series; undefined for one that is not there. */
export function performPasidRequest(
  backend: WithParts<PasidRequestParts>,
  process: Process,
  request: number,
  argument: number,
): Steps<Result> | undefined {
  const { nesting_series, bind, pasid_request, cache_invalidate } = backend.parameters;
  const isPosted = nesting_series === 'as_posted';
  switch (request) {
    case Request.IOMMU_PASID_REQUEST:
      if (pasid_request === 'absent') return undefined;
      return (isPosted ? postedPasidRequest : repairedPasidRequest)(backend, process, argument);
    case Request.IOMMU_BIND:
      if (bind === 'absent') return undefined;
      return (isPosted ? postedBind : repairedBind)(backend, process, argument);
    case Request.IOMMU_CACHE_INVALIDATE:
      if (cache_invalidate === 'absent') return undefined;
      return (isPosted ? postedInvalidate : repairedInvalidate)(backend, process, argument);
    default:
      return undefined;
  }
}
