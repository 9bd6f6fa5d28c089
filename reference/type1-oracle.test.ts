import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  access,
  layOut,
  map,
  memory,
  number,
  openContainer,
  openGroup,
  setContainer,
  setIommu,
  unmap,
  unmapAll,
  type Value,
} from '../conformance/programs/build.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import type { Op, Outcome, Program } from '../spec/uapi/vocabulary.ts';
import { compileContract } from './interpreter/contract.ts';
import { modelEnvironment, runOnModel } from './model-target.ts';

const data = loadContract();
const contract = compileContract(data, parameterSetting(data, 'type1-6.12'));
const slot = { devices: 1, viable: true };
const environment = modelEnvironment({ machine: {}, slots: [slot] });

const P = 4096n;
const END = 1n << 64n;
const RAM_PAGES = 4;

interface MapRequest {
  kind: 'map';
  flags: number;
  iova: bigint;
  size: bigint;
  /** Byte of the memory `ram` that the request starts at. */
  from: bigint;
}
interface UnmapRequest {
  kind: 'unmap';
  flags: number;
  iova: bigint;
  size: bigint;
}
type Request = MapRequest | UnmapRequest;

/** Result of a request: 0, or an errno; for UNMAP the size reported too. */
type Answer = { errno: string } | { size?: bigint };

/** The type1 backend, written from what kernels were seen to do, as plainly as possible. */
class NaiveBackend {
  mappings: { first: bigint; size: bigint; marked: boolean }[] = [];
  private readonly v2: boolean;

  constructor(v2: boolean) {
    this.v2 = v2;
  }

  map({ flags, iova, size, from }: MapRequest): Answer {
    const vaddrOnly = flags === 4;
    if (flags > 7 || flags === 0 || (flags & 4 && !vaddrOnly)) return { errno: 'EINVAL' };
    if (size === 0n || size % P || iova % P || from % P) return { errno: 'EINVAL' };
    // No memory of a process lies in the first 64 KiB, so that a virtual range of nearly 2^64 bytes wraps.
    if (iova + size > END || 0x10000n + from + size > END) return { errno: 'EINVAL' };
    // A range that ends at 2^64 escapes the search for overlaps: its end is computed as 0.
    const met =
      iova + size === END
        ? undefined
        : this.mappings.find((one) => iova < one.first + one.size && one.first < iova + size);
    if (vaddrOnly) {
      if (!met) return { errno: 'ENOENT' };
      if (!met.marked || met.first !== iova || met.size !== size) return { errno: 'EINVAL' };
      met.marked = false;
      return {};
    }
    if (met) return { errno: 'EEXIST' };
    const last = iova + size - 1n;
    if (last >= 1n << 39n || (iova <= 0xfeefffffn && last >= 0xfee00000n)) return { errno: 'EINVAL' };
    if (from + size > BigInt(RAM_PAGES) * P) return { errno: 'EFAULT' };
    this.mappings.push({ first: iova, size, marked: false });
    return {};
  }

  unmap({ flags, iova, size }: UnmapRequest): Answer {
    if (flags > 7 || flags & 1) return { errno: 'EINVAL' };
    const all = (flags & 2) !== 0;
    if (iova % P) return { errno: 'EINVAL' };
    if (all ? iova !== 0n || size !== 0n : size === 0n || size % P || iova + size > END) return { errno: 'EINVAL' };
    const holds = (address: bigint) =>
      this.mappings.find(({ first, size }) => first <= address && address < first + size);
    const firstCut = !all && (holds(iova)?.first ?? iova) !== iova;
    const end = holds(iova + size - 1n);
    const lastCut = !all && end !== undefined && end.first + end.size !== iova + size;
    if (this.v2 && (firstCut || lastCut)) return { errno: 'EINVAL' };
    const none = !all && (iova + size === END || firstCut);
    const hit = none ? [] : this.mappings.filter(({ first }) => all || (iova <= first && first < iova + size));
    if (flags & 4) {
      if (hit.some(({ marked }) => marked)) return { errno: 'EINVAL' };
      for (const one of hit) one.marked = true;
    } else this.mappings = this.mappings.filter((one) => !hit.includes(one));
    return { size: hit.reduce((sum, one) => sum + one.size, 0n) };
  }
}

// A small grid of pages, and the edges of the address space: the reserved window, the aperture, 2^64.
const iova = fc.oneof(
  { weight: 12, arbitrary: fc.bigInt({ min: 0n, max: 9n }).map((page) => page * P) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      0xfedff000n,
      0xfee00000n,
      0xfeeff000n,
      0xfef00000n,
      (1n << 39n) - P,
      1n << 39n,
      END - P,
      END - 2n * P,
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom(1n, P + 8n, END - 1n) },
);
const size = fc.oneof(
  { weight: 12, arbitrary: fc.bigInt({ min: 1n, max: 4n }).map((pages) => pages * P) },
  { weight: 1, arbitrary: fc.constantFrom(0n, 1n, P - 1n, P + 1n, 8n * P, END - P, END - 4n * P) },
);
const request: fc.Arbitrary<Request> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('map' as const),
      flags: fc.oneof(
        { weight: 8, arbitrary: fc.constantFrom(1, 2, 3) },
        { weight: 3, arbitrary: fc.constant(4) },
        { weight: 1, arbitrary: fc.constantFrom(0, 5, 8) },
      ),
      iova,
      size,
      from: fc.oneof(
        { weight: 9, arbitrary: fc.constant(0n) },
        { weight: 2, arbitrary: fc.constantFrom(P, 2n * P, 8n, 4n * P) },
      ),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('unmap' as const),
      flags: fc.oneof(
        { weight: 8, arbitrary: fc.constant(0) },
        { weight: 4, arbitrary: fc.constant(4) },
        { weight: 1, arbitrary: fc.constantFrom(2, 6, 8, 3, 5) },
      ),
      iova,
      size,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Request>(
      { kind: 'unmap', flags: 2, iova: 0n, size: 0n },
      { kind: 'unmap', flags: 6, iova: 0n, size: 0n },
    ),
  },
);

function toOp(request: Request): Op {
  const { kind, flags, iova, size } = request;
  const struct = kind === 'map' ? 'vfio_iommu_type1_dma_map' : 'vfio_iommu_type1_dma_unmap';
  const values: Record<string, Value> = { argsz: kind === 'map' ? 32 : 24, flags, iova, size };
  if (kind === 'map') values.vaddr = { ref: 'ram', add: request.from };
  return {
    op: 'ioctl',
    fd: 'c',
    number: number(kind === 'map' ? 'VFIO_IOMMU_MAP_DMA' : 'VFIO_IOMMU_UNMAP_DMA'),
    argument: { memory: 'arg', at: 0, ...layOut(struct, values) },
  };
}

/** The bytes of an argument as an outcome left them. */
function bytesAfter(op: Op, outcome: Outcome): Buffer {
  const { bytes, relocations } = (op as Extract<Op, { op: 'ioctl' }>).argument as {
    bytes: string;
    relocations?: unknown[];
  };
  const after = Buffer.from(bytes, 'hex');
  for (const change of outcome.changed ?? []) {
    expect(change.memory).toBe('arg');
    after.write(change.bytes, change.at, 'hex');
  }
  if (relocations?.length) expect(outcome.changed).toBeUndefined();
  return after;
}

const setUp = (type: string): Op[] => [
  memory('arg', 1),
  memory('ram', RAM_PAGES),
  openContainer('c'),
  openGroup('g', 'g'),
  setContainer('g', 'c'),
  setIommu('c', type),
];
const program = (ops: Op[]): Program => ({ id: 'oracle', topology: { slots: { g: slot } }, ops });

/** What the model answers to requests on a fresh container. */
function answers(type: string, requests: Request[]): Answer[] {
  const before = setUp(type);
  const ops = requests.map(toOp);
  const { end, outcomes } = runOnModel(contract, environment, program([...before, ...ops]));
  expect(end).toBe('completed');
  return requests.map(({ kind }, i) => {
    const outcome = outcomes[before.length + i]!;
    const after = bytesAfter(ops[i]!, outcome);
    if (outcome.errno) {
      // An error writes nothing back.
      expect(outcome.changed).toBeUndefined();
      return { errno: outcome.errno };
    }
    expect(outcome.value).toBe(0);
    return kind === 'map' ? {} : { size: after.readBigUInt64LE(16) };
  });
}

const plain = (flags: number, first: number, pages: number): UnmapRequest => ({
  kind: 'unmap',
  flags,
  iova: BigInt(first) * P,
  size: BigInt(pages) * P,
});
/** Shows page by page what is mapped, then how much in all. */
const probes: Request[] = [
  ...Array.from(
    { length: 14 },
    (_, page): Request => ({ kind: 'map', flags: 1, iova: BigInt(page) * P, size: P, from: 0n }),
  ),
  plain(2, 0, 0),
];

describe.each([
  ['v1', 'VFIO_TYPE1_IOMMU'],
  ['v2', 'VFIO_TYPE1v2_IOMMU'],
])('a %s container', (version, type) => {
  test('maps and unmaps as a naive list of mappings does, whatever is asked in whatever order', () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(fc.array(request, { minLength: 3, maxLength: 30, size: 'max' }), (requests) => {
        const all = [...requests, ...probes];
        const naive = new NaiveBackend(version === 'v2');
        const expected = all.map((one) => (one.kind === 'map' ? naive.map(one) : naive.unmap(one)));
        expect(answers(type, all)).toEqual(expected);
        expected.slice(0, requests.length).forEach((answer, i) => {
          const key = `${requests[i]!.kind} ${'errno' in answer ? answer.errno : answer.size ? 'some' : 'none'}`;
          seen.set(key, (seen.get(key) ?? 0) + 1);
        });
      }),
      { numRuns: 300 },
    );
    // Every kind of answer came up.
    expect([...seen.keys()].sort()).toEqual([
      'map EEXIST',
      'map EFAULT',
      'map EINVAL',
      'map ENOENT',
      'map none',
      'unmap EINVAL',
      'unmap none',
      'unmap some',
    ]);
  });
});

/** Pages 1-2, 3 and 6-7 are mapped. */
const three: Op[] = [
  map('c', 0x1000, 'ram', 0, 2),
  map('c', 0x3000, 'ram', 0, 1, access.read),
  map('c', 0x6000, 'ram', 0x2000, 2, access.write),
];

/** Sizes in pages, or errnos, that UNMAPs report once the three mappings are there. */
function unmapped(type: string, ops: Op[]): (number | string)[] {
  const before = [...setUp(type), ...three];
  const all = [...before, ...ops];
  const { outcomes } = runOnModel(contract, environment, program(all));
  return outcomes
    .slice(before.length)
    .map((outcome, i) => outcome.errno ?? Number(bytesAfter(ops[i]!, outcome).readBigUInt64LE(16) / P));
}

describe('UNMAP on three mappings', () => {
  const v1 = 'VFIO_TYPE1_IOMMU';
  const v2 = 'VFIO_TYPE1v2_IOMMU';
  test.each<[title: string, type: string, ops: Op[], reported: (number | string)[]]>([
    ['v2: a gap between mappings is no obstacle', v2, [unmap('c', 0x1000, 7), unmapAll('c')], [5, 0]],
    ['v2: a mapping cut at its start stays, and all others', v2, [unmap('c', 0x2000, 6), unmapAll('c')], ['EINVAL', 5]],
    ['v2: a mapping cut at its end stays, and all others', v2, [unmap('c', 0x1000, 6), unmapAll('c')], ['EINVAL', 5]],
    ['v2: a range that holds no mapping reports 0', v2, [unmap('c', 0x4000, 2), unmapAll('c')], [0, 5]],
    [
      'v1: a range that starts inside a mapping removes nothing, not even what it covers',
      v1,
      [unmap('c', 0x2000, 6), unmapAll('c')],
      [0, 5],
    ],
    ['v1: a range that ends inside a mapping removes it whole', v1, [unmap('c', 0x4000, 3), unmapAll('c')], [2, 3]],
    ['v1: one page of two takes both', v1, [unmap('c', 0x1000, 1), unmapAll('c')], [2, 3]],
    ['neighbours are not merged', v2, [unmap('c', 0x3000, 1), unmap('c', 0x1000, 2), unmapAll('c')], [1, 2, 2]],
  ])('%s', (_, type, ops, reported) => {
    expect(unmapped(type, ops)).toEqual(reported);
  });
});
