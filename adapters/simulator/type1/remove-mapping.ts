import { DRIVER_CALL, type Steps } from '../steps.ts';
import type { Dma } from './dma-list.ts';
import { unpin } from './pinning.ts';
import type { Type1State } from './type1-state.ts';

/** What those call who end mappings. */
export interface RemoveParts {
  readonly removeMapping: typeof removeMapping;
}

/** Ends a mapping: translations first, then the pins, then the charge. */
export function* removeMapping(backend: Type1State, dma: Dma): Steps<void> {
  yield DRIVER_CALL;
  const [first, ...others] = backend.domains;
  for (const { domain } of others) {
    for (let i = 0; i < dma.count; i++) domain.unmap(dma.iova + i);
  }
  if (first !== undefined) unpin(dma, (i) => first.domain.unmap(dma.iova + i));
  backend.dmas.remove(dma);
  if (dma.vaddrInvalid) backend.invalidCount--;
  backend.available++;
}
