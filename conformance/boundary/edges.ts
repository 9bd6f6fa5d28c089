import type { Mapping } from '../../reference/state.ts';
import { toBigInt } from '../../spec/uapi/integer.ts';
import { type Field, type Ioctl, uapi } from '../../spec/uapi/uapi.ts';
import type { Environment, Op } from '../../spec/uapi/vocabulary.ts';
import type { Value } from '../build.ts';
import { memory } from '../build.ts';

/** A value at an edge of a field, with a label that names it within its field. */
export interface Edge {
  label: string;
  value: Value;
  /** Of its field one of the few that stand for all in pairs with other fields. */
  telling?: boolean;
  /** Ops that the value needs before it. */
  before?: Op[];
}

/** What decides where the edges of a field are. */
export interface Surroundings {
  environment: Environment;
  /** What is mapped in the situation. */
  mappings: readonly Mapping[];
}

const PAGE = 4096n;
const TOP = 1n << 64n;

/** The values at the edges of a field, the ordinary one first. */
export function edgesOf(struct: string, field: Field, surroundings: Surroundings): Edge[] {
  switch (field.holds) {
    case 'argsz':
      return argsz(struct);
    case 'flags':
      return flags(field);
    case 'fd':
      return descriptors();
    case 'address':
      return addresses();
    case 'iova':
      return iovas(surroundings);
    case 'size':
      return sizes(surroundings);
    case 'page_size':
      return pageSizes();
    case 'bitmap_size':
      return bitmapSizes();
    case 'bitmap':
      return bitmaps(surroundings);
    case 'region':
      return indexes('region', uapi.device.regionCount);
    case 'feature':
      return features();
    case 'interrupt':
      return indexes('interrupt', uapi.device.interruptCount);
    case 'vector':
      return vectors(field.name);
    case 'ignored':
      return [
        { label: `${field.name}_zero`, value: 0 },
        { label: `${field.name}_one`, value: 1 },
      ];
  }
}

function argsz(struct: string): Edge[] {
  const { size, extended, argszEdges = [] } = uapi.structs[struct]!;
  const around = [...[size, extended ?? size].flatMap((edge) => [edge, edge - 1, edge + 1]), ...argszEdges];
  const telling = [0, size - 1, extended ?? size + 1];
  return distinct(
    [...around, 0, 1, 4096, 0x7fffffff, 0x80000000, 0xffffffff].map((value) => ({
      label: `argsz_${value}`,
      value,
      telling: telling.includes(value),
    })),
  );
}

/** The ordinary flags; each bit alone; each pair of known bits; each unknown bit with the ordinary flags; all bits. */
function flags(field: Field): Edge[] {
  const known = Object.values(uapi.flags[field.flags!]!);
  const example = field.example ?? 0;
  const all = known.reduce((sum, flag) => sum | flag, 0);
  const values = [example, 0];
  for (let bit = 0; bit < 32; bit++) {
    const flag = 2 ** bit;
    values.push(flag);
    if ((all & flag) === 0) values.push((example | flag) >>> 0);
  }
  for (const a of known) for (const b of known) if (a < b) values.push(a | b);
  values.push(all, 0xffffffff);
  const unknown = 0x80000000;
  return distinct(
    values.map((value) => ({
      label: `flags_${value.toString(16)}`,
      value,
      telling: value <= all || value === unknown,
    })),
  );
}

function descriptors(): Edge[] {
  const open = (access?: 'path'): Op => ({
    op: 'open',
    what: 'path',
    path: '/dev/null',
    as: 'foreign',
    ...(access && { access }),
  });
  return [
    { label: 'container', value: { ref: 'c' } },
    { label: 'group_itself', value: { ref: 'g' } },
    { label: 'device_node', value: { ref: 'foreign' }, before: [open()] },
    { label: 'path_only', value: { ref: 'foreign' }, before: [open('path')] },
    {
      label: 'container_path_only',
      value: { ref: 'foreign' },
      before: [{ op: 'open', what: 'container', access: 'path', as: 'foreign' }],
    },
    { label: 'closed', value: { ref: 'foreign' }, before: [open(), { op: 'close', fd: 'foreign' }] },
    { label: 'duplicate', value: { ref: 'again' }, before: [{ op: 'dup', fd: 'c', as: 'again' }] },
    { label: 'standard_input', value: 0 },
    { label: 'minus_1', value: 0xffffffff, telling: true },
    { label: 'int_max', value: 0x7fffffff },
    { label: 'int_min', value: 0x80000000 },
  ];
}

/** Pages of every protection, the end of a memory, and addresses that are nobody's. */
function addresses(): Edge[] {
  const page = (label: string, op: Op): Edge => ({ label, value: { ref: label }, before: [op] });
  const numbers: [string, bigint][] = [
    ['null', 0n],
    ['one', 1n],
    ['first_page', PAGE],
    ['user_end', 0x7fff_ffff_f000n],
    ['not_canonical', 0x8000_0000_0000n],
    ['kernel_half', 0xffff_8000_0000_0000n],
    ['last_page', TOP - PAGE],
    ['top', TOP - 1n],
  ];
  return [
    { label: 'memory', value: { ref: 'buf' } },
    { label: 'misaligned_1', value: { ref: 'buf', add: 1 }, telling: true },
    { label: 'misaligned_2048', value: { ref: 'buf', add: 2048 } },
    { label: 'misaligned_4095', value: { ref: 'buf', add: 4095 } },
    { label: 'last_page_of_memory', value: { ref: 'buf', add: 3 * 4096 } },
    { label: 'end_of_memory', value: { ref: 'buf', add: 4 * 4096 }, telling: true },
    { label: 'before_memory', value: { ref: 'buf', add: -4096n } },
    { ...page('readable', memory('readable', 4, { protection: 'read' })), telling: true },
    { ...page('writable', memory('writable', 4, { protection: 'write' })), telling: true },
    { ...page('inaccessible', memory('inaccessible', 4, { protection: 'none' })), telling: true },
    page('shared', memory('shared', 4, { backing: 'shared' })),
    page('memory_file', memory('memory_file', 4, { backing: 'memfd' })),
    page('file', memory('file', 4, { backing: 'file' })),
    ...numbers.map(([label, value]) => ({ label, value, telling: label === 'last_page' })),
  ];
}

function iovas({ environment, mappings }: Surroundings): Edge[] {
  const edges: [string, bigint][] = [
    ['free', 0x40000n],
    ['zero', 0n],
    ['one', 1n],
    ['page_less_1', PAGE - 1n],
    ['page', PAGE],
    ['misaligned', 0x40800n],
    ['half', 1n << 63n],
    ['last_page', TOP - PAGE],
    ['top', TOP - 1n],
  ];
  const last = toBigInt(environment.apertureLast);
  edges.push(['aperture_last_page', last + 1n - PAGE], ['aperture_end', last + 1n]);
  environment.reserved.forEach((range, i) => {
    const [first, end] = [toBigInt(range.first), toBigInt(range.last) + 1n];
    edges.push(
      [`reserved_${i}_before`, first - PAGE],
      [`reserved_${i}_first`, first],
      [`reserved_${i}_last`, end - PAGE],
      [`reserved_${i}_after`, end],
    );
  });
  mappings.forEach(({ iova, size }, i) => {
    edges.push(
      [`mapping_${i}_before`, iova - PAGE],
      [`mapping_${i}_first`, iova],
      [`mapping_${i}_last`, iova + size - PAGE],
      [`mapping_${i}_after`, iova + size],
    );
  });
  const telling = new Set([
    'one',
    'last_page',
    'aperture_end',
    'reserved_0_first',
    'mapping_0_first',
    'mapping_0_last',
    'mapping_1_first',
  ]);
  return distinct(edges.map(([label, value]) => ({ label: `iova_${label}`, value, telling: telling.has(label) })));
}

function sizes({ environment, mappings }: Surroundings): Edge[] {
  const edges: [string, bigint][] = [
    ['page', PAGE],
    ['zero', 0n],
    ['one', 1n],
    ['page_less_1', PAGE - 1n],
    ['page_and_1', PAGE + 1n],
    ['two_pages', 2n * PAGE],
    ['memory', 4n * PAGE],
    ['memory_and_page', 5n * PAGE],
    ['gigabyte', 1n << 30n],
    ['half', 1n << 63n],
    ['aperture', toBigInt(environment.apertureLast) + 1n],
    ['last_page', TOP - PAGE],
    ['top', TOP - 1n],
  ];
  const first = mappings[0];
  const last = mappings.at(-1);
  if (first && last) {
    edges.push(['all_mappings', last.iova + last.size - first.iova], ['beyond_mappings', last.iova + last.size]);
    // Ranges that end at exactly 2^64, from the first byte of a mapping and from inside it.
    edges.push(['top_from_mapping', TOP - first.iova], ['top_from_inside', TOP - (first.iova + first.size - PAGE)]);
  }
  const telling = new Set(['zero', 'one', 'two_pages', 'memory_and_page', 'half', 'last_page']);
  return distinct(edges.map(([label, value]) => ({ label: `size_${label}`, value, telling: telling.has(label) })));
}

/** Values of an ioctl that takes its argument by value: the named ones, their neighbours, and the same with high bits. */
export function valueEdges({ values }: Ioctl): { label: string; value: bigint }[] {
  const named = values ? Object.values(uapi.values[values]!) : [];
  const edges = named.map((value) => BigInt(value));
  edges.push(
    0n,
    99n,
    ...named.map((value) => BigInt(value) + 1n),
    (1n << 31n) + 1n,
    (1n << 32n) + 1n,
    (1n << 32n) + 3n,
    TOP - 1n,
  );
  return [...new Set(edges)].map((value) => ({ label: `value_${value.toString(16)}`, value }));
}

/** Sizes of a page that a dirty bitmap counts. */
function pageSizes(): Edge[] {
  const values = [PAGE, 0n, 1n, PAGE / 2n, PAGE + 1n, 2n * PAGE, 1n << 21n, 1n << 30n, 1n << 63n, TOP - 1n];
  const telling = [0n, 1n, 2n * PAGE];
  return values.map((value) => ({ label: `pgsize_${value.toString(16)}`, value, telling: telling.includes(value) }));
}

/** Bytes of a dirty bitmap: 8 hold 64 pages, and 2^28 are the most. */
function bitmapSizes(): Edge[] {
  const most = 1n << 28n;
  const values = [8n, 0n, 1n, 7n, 9n, 16n, PAGE, most, most + 1n, 1n << 63n, TOP - 1n];
  const telling = [0n, 7n, most + 1n];
  return values.map((value) => ({ label: `bitmap_${value.toString(16)}`, value, telling: telling.includes(value) }));
}

/** Where a dirty bitmap may be said to be: memory of the process, its end, and addresses that are nobody's. */
function bitmaps({ environment }: Surroundings): Edge[] {
  const end = toBigInt(environment.userAddressEnd);
  const numbers: [string, bigint][] = [
    ['null', 0n],
    ['one', 1n],
    ['user_end_less_8', end - 8n],
    ['user_end_less_7', end - 7n],
    ['user_end', end],
    ['kernel_half', 0xffff_8000_0000_0000n],
    ['top', TOP - 1n],
  ];
  return [
    { label: 'data_bitmap', value: { ref: 'bitmap' } },
    { label: 'data_misaligned', value: { ref: 'bitmap', add: 1 } },
    { label: 'data_last_word', value: { ref: 'bitmap', add: 4096 - 8 } },
    { label: 'data_last_7_bytes', value: { ref: 'bitmap', add: 4096 - 7 }, telling: true },
    { label: 'data_end', value: { ref: 'bitmap', add: 4096 } },
    {
      label: 'data_readable',
      value: { ref: 'readable' },
      before: [memory('readable', 1, { protection: 'read' })],
      telling: true,
    },
    ...numbers.map(([label, value]) => ({ label: `data_${label}`, value, telling: label === 'kernel_half' })),
  ];
}

/** Numbers of features with each way of asking for them; low power is left alone, as a device may not come back from it. */
function features(): Edge[] {
  const lowPower = Object.entries(uapi.values.device_feature!).filter(([name]) => name.includes('LOW_POWER'));
  const known = Object.values(uapi.values.device_feature!).filter(
    (one) => !lowPower.some(([, value]) => value === one),
  );
  const ways = Object.values(uapi.flags.device_feature_flags!);
  const [get, set, probe] = ways as [number, number, number];
  const all = [...known, Math.max(...known) + 1, 0xffff];
  const values = all.flatMap((one) => [0, ...ways, get | set, get | set | probe].map((way) => one | way));
  for (let bit = 19; bit < 32; bit++) values.push((2 ** bit + 1) >>> 0, (2 ** bit + probe) >>> 0);
  const telling = [get | set, 2 ** 31 + 1, known[1]!];
  return values.map((value) => ({ label: `feature_${value.toString(16)}`, value, telling: telling.includes(value) }));
}

function indexes(label: string, count: number): Edge[] {
  const values = [...Array(count + 2).keys(), 0x7fffffff, 0x80000000, 0xffffffff];
  return values.map((value) => ({ label: `${label}_${value}`, value, telling: value === count }));
}

/** First and number of interrupts of an index: a device has one, or none. */
function vectors(label: string): Edge[] {
  const values = [0, 1, 2, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
  return values.map((value) => ({ label: `${label}_${value}`, value, telling: value < 2 || value === 0xffffffff }));
}

function distinct(edges: Edge[]): Edge[] {
  const seen = new Set<string>();
  return edges.filter(({ value }) => {
    const key = typeof value === 'object' ? JSON.stringify(value) : BigInt(value).toString();
    return !seen.has(key) && seen.add(key);
  });
}
