import type { Call } from './call.ts';
import { driven } from './effects.ts';
import type { Group, OpenDevice } from './state.ts';
import { mappingAt } from './type1-mappings.ts';
import { PAGE } from './user-memory.ts';

const PAGE_BIG = BigInt(PAGE);

/** What an `each` step goes over; every turn sets the call up for its steps. */
export const iterations: Record<'pages' | 'segments', (call: Call) => Iterable<void>> = {
  /** The virtual pages of a MAP_DMA, ascending. */
  *pages(call) {
    const { vaddr, size } = call.map;
    for (let offset = 0n; offset < size; offset += PAGE_BIG) {
      call.page = call.process.memory.find(vaddr + offset);
      yield;
    }
  },
  /** The parts of a transfer that lie in one page each, ascending. */
  *segments(call) {
    const { length, at = 0 } = call.transfer;
    const group: Group = (call.object as OpenDevice).group;
    const backend = group.container?.backend;
    let iova = driven(call);
    for (let done = 0; done < length; ) {
      const part = Math.min(length - done, PAGE - Number(iova % PAGE_BIG));
      call.segment = { iova, length: part, buffer: at + done, mapping: backend && mappingAt(backend, iova) };
      yield;
      done += part;
      iova += BigInt(part);
    }
  },
};
