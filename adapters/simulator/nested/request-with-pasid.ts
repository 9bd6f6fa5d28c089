import type { TransferFault } from '../../../spec/uapi/vocabulary.ts';
import type { PasidFunction } from './pasid-function.ts';
import { allows, type Hardware, type Translation } from './translation.ts';
import type { NestedTranslation } from './translation-unit.ts';

/** One page of a request with a PASID: the device asks its own translations, then the IOMMU. */
export function translateWithPasid(
  hardware: Hardware,
  { table, tlb }: PasidFunction,
  nested: NestedTranslation,
  request: { pasid: number; page: number; write: boolean },
): Translation | TransferFault {
  const { pasid, page, write } = request;
  const { caching } = hardware;
  const kept = tlb?.get(pasid, page);
  if (kept !== undefined && allows(kept, write) && caching.uses()) return kept;
  const found = nested.translate(hardware, table, pasid, page, write);
  if (typeof found !== 'string' && tlb !== undefined && caching.keeps()) tlb.set(pasid, page, found);
  return found;
}
