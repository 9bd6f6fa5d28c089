import type { DeviceTlb } from '../nested/device-tlb.ts';
import type { FlushRange } from '../nested/translation-cache.ts';
import type { NestedTranslation } from '../nested/translation-unit.ts';
import { Granularity, Information, type InvalidateData } from '../pasids/guest-structs.ts';
import { PASID_COUNT } from '../pasids/pasid-allocator.ts';
import { type Errno, ProgramEnd } from '../result.ts';
import type { Revision } from './driver-revisions.ts';
import { isAligned, lastByte, pagesAround, pagesOf } from './flush-range.ts';

/** Kinds of cache, by their bits. */
const Cache = { IOTLB: 0, DEVICE: 1, PASID: 2 } as const;
const CACHES = 3;

/** Flushes kind after kind of cache. One that fails leaves those after it. */
export function flush(
  revision: Revision,
  nested: NestedTranslation,
  tlb: DeviceTlb | undefined,
  data: InvalidateData,
): Errno | undefined {
  for (let cache = 0; cache < CACHES; cache++) {
    // argument
    if ((data.cache & (1 << cache)) === 0) continue;
    if (data.granularity >= Granularity.COUNT) {
      if (revision.faultsBeyondTable) throw new ProgramEnd('crashed', 'The granularity is outside of the table.');
      return revision.otherGranularity;
    }
    if ((revision.granularities[cache]! & (1 << data.granularity)) === 0) return revision.otherGranularity;
    const isForAll = data.granularity === Granularity.DOMAIN && revision.withoutPasid === 'refused';
    const hasPasid = data.granularity !== Granularity.DOMAIN && (data.flags & Information.PASID) !== 0;
    if (!hasPasid && !isForAll) {
      if (revision.withoutPasid === 'ends') return undefined;
      if (revision.withoutPasid === 'refused') return 'EINVAL';
    }
    const hasAddress = data.granularity === Granularity.ADDRESS;
    if (cache === Cache.IOTLB && hasAddress && revision.refusesMisaligned && !isAlignedToSize(data)) return 'ERANGE';
    const pasid = hasPasid ? data.pasid : 0n;
    // No request of a device has a greater one.
    if (pasid >= PASID_COUNT) continue;

    // effect
    const subject = isForAll ? {} : { pasid: Number(pasid) };
    if (cache === Cache.PASID) nested.flushPasidCache(subject.pasid);
    else {
      const leaf = hasAddress && (data.flags & Information.LEAF) !== 0;
      for (const range of hasAddress ? rangesOf(data) : [{}]) {
        if (cache === Cache.IOTLB) nested.flushIotlb({ ...subject, ...range, leaf });
        // A flush of the IOTLB is always followed by one of the device.
        tlb?.flush({ ...subject, ...range });
      }
    }
  }

  // result
  return undefined;
}

/** Bytes of a request for addresses, in 64 bits. */
function bytesOf({ granuleSize, granules }: InvalidateData): bigint {
  return BigInt.asUintN(64, granuleSize * granules);
}

/** Of a single page nobody looks at the bits within. */
function isAlignedToSize(data: InvalidateData): boolean {
  const pages = pagesOf(bytesOf(data));
  return pages === 1n || isAligned(data.address, pages);
}

/** What is flushed of addresses: as much as one request of the hardware can say, for the first byte and for the last. */
function rangesOf(data: InvalidateData): FlushRange[] {
  const bytes = bytesOf(data);
  const pages = pagesOf(bytes);
  const first = pagesAround(data.address, pages);
  const last = pagesAround(lastByte(data.address, bytes), pages);
  return first.first === last.first ? [first] : [first, last];
}
