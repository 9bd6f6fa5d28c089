import { toBigInt } from '../../spec/uapi/integer.ts';
import { uapi } from '../../spec/uapi/uapi.ts';
import type { Call } from '../call/call.ts';
import type { Segment } from '../call/dma-transfer.ts';
import type { DmaCall, MapCall } from '../call/families.ts';
import { containerOf, openDeviceOf } from '../call/operands.ts';
import { configBytes, writeAccesses } from '../memory/region-access.ts';
import { PAGE, permits } from '../memory/user-memory.ts';
import type { Group } from '../state/state.ts';

const PAGE_BIG = BigInt(PAGE);
const END = 1n << 64n;
const WRITE = uapi.flags.dma_map_flags!.VFIO_DMA_MAP_FLAG_WRITE!;

/** Pages are faulted in so many at a time, before any of them is charged. */
const BATCH = 512n * PAGE_BIG;

/** Pinning for writing gives each page of a batch to the process, up to the first that is not accessible, even if the request fails later. */
function faultIn({ process, map }: MapCall, from: bigint, left: bigint): void {
  if ((map.flags & WRITE) === 0) return;
  for (let done = 0n; done < left && done < BATCH; done += PAGE_BIG) {
    const found = process.memory.find(from + done);
    const page = found && permits(found.region, found.index, 'write') ? found.region.pages[found.index] : undefined;
    if (!page) return;
    page.untouched = false;
  }
}

/** The parts of a transfer that lie in one page each, ascending. */
function* parts(call: DmaCall): Iterable<Segment> {
  const { iova: first, length, at = 0 } = call.dma.op;
  // The device loses the high bits of an address.
  let iova = BigInt.asUintN(call.world.environment.dmaAddressBits, toBigInt(first));
  for (let done = 0; done < length; ) {
    const part = Math.min(length - done, PAGE - Number(iova % PAGE_BIG));
    yield { iova, length: part, buffer: at + done, mapping: undefined };
    done += part;
    iova += BigInt(part);
  }
}

/** What an `each` step goes over; every turn sets the call up for its steps. */
export const iterations: Record<
  'pages' | 'segments' | 'pasid_segments' | 'mappings' | 'accesses' | 'config_bytes' | 'caches',
  (call: Call) => Iterable<void>
> = {
  /** The virtual pages of a MAP_DMA, ascending. */
  *pages(call) {
    const { vaddr, size } = call.map;
    call.map.pinned = [];
    for (let offset = 0n; offset < size; offset += PAGE_BIG) {
      if (offset % BATCH === 0n) faultIn(call, vaddr + offset, size - offset);
      call.map.page = call.process.memory.find(vaddr + offset);
      yield;
    }
  },
  /** The mappings in the range of a request, ascending; what they are does not change meanwhile. */
  *mappings(call) {
    const { backend } = containerOf(call);
    // The end of a range that ends at 2^64 is computed as 0.
    if (call.range.iova + call.range.size === END) return;
    for (const mapping of backend!.mappings.overlapping(call.range.iova, call.range.size)) {
      call.range.mapping = mapping;
      yield;
    }
  },
  /** The kinds of caches that CACHE_INVALIDATE names, ascending; bits beyond the known ones do not count. */
  *caches(call) {
    const { cache } = call.cache.data;
    for (const type of Object.values(uapi.flags.cache_types!)) {
      if ((cache & type) === 0) continue;
      call.cache.type = type;
      yield;
    }
  },
  /** The accesses that a pwrite to a region is cut into, ascending. */
  accesses: writeAccesses,
  /** The bytes of config space that an access writes, ascending. */
  config_bytes: configBytes,
  /** The parts of a transfer without a PASID that lie in one page each, ascending. */
  *segments(call) {
    const group: Group = openDeviceOf(call).group;
    const backend = group.container?.backend;
    for (const segment of call.dma.op.pasid === undefined ? parts(call) : []) {
      call.dma.segment = { ...segment, mapping: backend?.mappings.at(segment.iova) };
      yield;
    }
  },
  /** The same of a transfer with a PASID; an address of it is none that the container maps. */
  *pasid_segments(call) {
    for (const segment of call.dma.op.pasid === undefined ? [] : parts(call)) {
      call.dma.segment = segment;
      yield;
    }
  },
};
