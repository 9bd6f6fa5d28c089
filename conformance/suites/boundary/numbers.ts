import type { Kind } from '../../../reference/interpreter/contract.ts';
import { uapi } from '../../../spec/uapi/uapi.ts';

/** Bits of the generic request encoding. */
const DIRECTIONS = { write: 0x40000000, read: 0x80000000, both: 0xc0000000 };
const SIZE_SHIFT = 16;
/** What isatty() asks. */
const TERMINAL_QUERY = 0x5401;

/** Requests that a kind of descriptor does not know: free numbers, numbers of other kinds, and known ones in disguise. */
export function unknownNumbers(kind: Kind): { label: string; number: number }[] {
  const { type, base } = uapi.requests;
  const mine = new Set(
    Object.values(uapi.ioctls)
      .filter(({ fd }) => fd === kind)
      .map(({ number }) => number),
  );
  const candidates: { label: string; number: number }[] = [];
  for (let n = 0; n <= 30; n++) candidates.push({ label: `base_plus_${n}`, number: (type << 8) + base + n });
  for (const number of [(type << 8) + base - 1, (type << 8) + 0xff, type << 8, 0, 0xffffffff, TERMINAL_QUERY]) {
    candidates.push({ label: `number_${number.toString(16)}`, number });
  }
  for (const number of mine) {
    for (const [name, bits] of Object.entries(DIRECTIONS)) {
      candidates.push({ label: `${name}_${number.toString(16)}`, number: (number | bits | (4 << SIZE_SHIFT)) >>> 0 });
    }
    candidates.push({ label: `sized_${number.toString(16)}`, number: number | (4 << SIZE_SHIFT) });
  }
  return candidates.filter(({ number }) => !mine.has(number));
}
