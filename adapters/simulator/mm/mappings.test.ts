import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProgramResult, Session } from '../../../spec/uapi/adapter.ts';
import type { Op } from '../../../spec/uapi/vocabulary.ts';
import { map, PAGE, ready, start, unmap, unmapAll } from '../test-programs.ts';

const page = fc.integer({ min: 0, max: 24 });
const count = fc.integer({ min: 1, max: 4 });
const request = fc.record({ what: fc.constantFrom('map', 'unmap'), page, count });
const requests = fc.array(request, { maxLength: 40 });
type Request = typeof request extends fc.Arbitrary<infer T> ? T : never;

const toOp = ({ what, page: first, count: pages }: Request): Op =>
  (what === 'map' ? map : unmap)({ iova: first * PAGE, size: pages * PAGE });

async function eachRun(type: number, check: (list: Request[], result: ProgramResult, setup: number) => void) {
  const session: Session = await start();
  const setup = ready(type);
  fc.assert(
    fc.property(requests, (list) => {
      const ops = [...setup, ...list.map(toOp), unmapAll()];
      const topology = { slots: { g0: { devices: 1, viable: true } } };
      check(list, session.run({ id: 'test', topology, ops }, { g0: 's0' }) as ProgramResult, setup.length);
    }),
    { numRuns: 300 },
  );
}

describe.each([1, 3])('any sequence of MAP_DMA and UNMAP_DMA with type %i', (type) => {
  it('takes out as much as it has put in', async () => {
    await eachRun(type, (list, { outcomes }, setup) => {
      let mapped = 0;
      let unmapped = 0;
      outcomes.slice(setup).forEach(({ errno, saved }, i) => {
        if (errno !== undefined) return;
        if (list[i]?.what === 'map') mapped += list[i].count * PAGE;
        else unmapped += Number(saved!.size);
      });
      expect(unmapped).toBe(mapped);
    });
  });

  it('never lets two mappings overlap, and refuses nothing else', async () => {
    await eachRun(type, (list, { outcomes }, setup) => {
      const taken = new Map<number, number>();
      list.forEach(({ what, page: first, count: pages }, i) => {
        const outcome = outcomes[setup + i]!;
        const range = Array.from({ length: pages }, (_, k) => first + k);
        const free = range.every((place) => !taken.has(place));
        if (what === 'map') {
          expect(outcome.errno).toBe(free ? undefined : 'EEXIST');
          if (free) for (const place of range) taken.set(place, i);
          return;
        }
        const hit = new Set(range.map((place) => taken.get(place)).filter((id) => id !== undefined));
        const before = [...taken].filter(([, id]) => hit.has(id));
        if (outcome.errno === undefined && Number(outcome.saved!.size) > 0) {
          expect(Number(outcome.saved!.size)).toBe(before.length * PAGE);
          for (const [place] of before) taken.delete(place);
        } else if (type === 3) {
          const cut = before.some(([place]) => place < first || place >= first + pages);
          expect(outcome.errno).toBe(cut ? 'EINVAL' : undefined);
        } else expect(before.every(([place]) => place >= first) ? before.length : 0).toBe(0);
      });
    });
  });
});
