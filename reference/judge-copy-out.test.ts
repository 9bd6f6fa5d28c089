import { describe, expect, test } from 'vitest';
import { memory } from '../conformance/programs/build.ts';
import type { Op, Outcome } from '../spec/uapi/vocabulary.ts';
import { environment } from './interpreter/test-compiled.ts';
import { judge } from './judge.ts';

import { blamed, contract, judgeLast, mapped, trace } from './test-judging.ts';

describe('a copy-out that fails after a part', () => {
  // The argument of an UNMAP of everything crosses from a writable page to one that can only be read.
  const at = 0x1000 - 20;
  const block = '180000000200000000000000000000000000000000000000';
  const crossing: Op[] = [
    ...mapped,
    memory('edge', 2),
    { op: 'poke', memory: 'edge', at, bytes: block },
    { op: 'protect', memory: 'edge', at: 0x1000, length: 0x1000, protection: 'read' },
    { op: 'ioctl', fd: 'c', number: 0x3b72, argument: { memory: 'edge', at } },
  ];
  const partly = (changed: Outcome['changed']): Outcome => ({ errno: 'EFAULT', changed });
  const peek: Op = { op: 'peek', memory: 'edge', at, length: 4 };

  test('may have changed the bytes that it could write, or not', () => {
    expect(judgeLast(crossing, { errno: 'EFAULT' }).kind).toBe('conforms');
    expect(judgeLast(crossing, partly([{ memory: 'edge', at, bytes: 'aabb' }])).kind).toBe('conforms');
    expect(judgeLast(crossing, partly([{ memory: 'edge', at: at + 16, bytes: '00200000' }])).kind).toBe('conforms');
    expect(
      judgeLast(
        crossing,
        partly([
          { memory: 'edge', at, bytes: 'aa' },
          { memory: 'edge', at: at + 19, bytes: 'bb' },
        ]),
      ).kind,
    ).toBe('conforms');
  });

  test.each<[title: string, changed: Outcome['changed']]>([
    ['the byte before them', [{ memory: 'edge', at: at - 1, bytes: '00' }]],
    ['the byte after them', [{ memory: 'edge', at: 0x1000, bytes: '00' }]],
    ['one run that goes on after them', [{ memory: 'edge', at: 0x1000 - 1, bytes: '0000' }]],
    ['another memory', [{ memory: 'ram', at, bytes: '00' }]],
  ])('must not change %s', (_, changed) => {
    expect(judgeLast(crossing, partly(changed)).kind).toBe('violates');
  });

  test('still fails with EFAULT', () => {
    expect(blamed(crossing, { value: 0 })).toBe('unmap_dma_writes_argument');
  });

  test('leaves what the trace says it left', () => {
    const given = trace([...crossing, peek]);
    const left = (changed: Outcome['changed'], bytes: string) =>
      judge(contract, environment, {
        ...given,
        outcomes: [...given.outcomes.slice(0, -2), partly(changed), { value: 0, bytes }],
      }).kind;
    const stored = [{ memory: 'edge', at: at + 1, bytes: 'aabb' }];
    expect(left(undefined, '18000000')).toBe('conforms');
    expect(left(stored, '18aabb00')).toBe('conforms');
    expect(left(stored, '18000000')).toBe('violates');
    expect(left(undefined, '18aabb00')).toBe('violates');
  });

  test('leaves it for later ioctls, and for the state that a failure shows', () => {
    // The part that was stored made the request one of an unknown flag.
    const again = [
      ...crossing,
      { op: 'protect', memory: 'edge', at: 0x1000, length: 0x1000, protection: 'read-write' },
      crossing.at(-1)!,
    ] as Op[];
    const given = trace(again);
    const outcomes = [...given.outcomes];
    outcomes[crossing.length - 1] = partly([{ memory: 'edge', at: at + 4, bytes: '80' }]);
    outcomes[again.length - 1] = { errno: 'EINVAL' };
    expect(judge(contract, environment, { ...given, outcomes }).kind).toBe('conforms');
    outcomes[crossing.length - 1] = { errno: 'EFAULT' };
    expect(judge(contract, environment, { ...given, outcomes }).kind).toBe('violates');
  });
});
