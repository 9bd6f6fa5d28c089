import { toBigInt } from '../../../spec/uapi/integer.ts';
import { type Field, uapi } from '../../../spec/uapi/uapi.ts';
import { distinct, type Edge, type EdgeContext } from './edge.ts';

const PAGE = 4096n;
const TOP = 1n << 64n;
/** PASIDs have 20 bits. */
const PASID_END = 1n << 20n;

const named =
  (field: Field, telling: readonly bigint[] = []) =>
  ([label, value]: [string, bigint]): Edge => ({
    label: `${field.name}_${label}`,
    value,
    telling: telling.includes(value),
  });

/** Values that are told by their digits. */
function numbers(field: Field, values: readonly bigint[], telling: readonly bigint[] = []): Edge[] {
  const fitting = values.filter((value) => value < 1n << BigInt(field.width * 8));
  return distinct(fitting.map((value) => named(field, telling)([value.toString(16), value])));
}

const ones = (field: Field): bigint => (1n << BigInt(field.width * 8)) - 1n;
const topBit = (field: Field): bigint => 1n << BigInt(field.width * 8 - 1);

/** The one version that there is, others, and numbers that are negative in an int. */
export const versions = (field: Field): Edge[] =>
  numbers(field, [1n, 0n, 2n, 3n, topBit(field) - 1n, topBit(field), ones(field)], [0n, 2n]);

/** The one format that there is, and others. */
export const formats = (field: Field): Edge[] => numbers(field, [1n, 0n, 2n, topBit(field), ones(field)], [2n]);

/** Each known bit alone, all of few together in every way, unknown ones alone and with an ordinary value. */
export function bits(field: Field): Edge[] {
  const known = Object.values(uapi.flags[field.flags!]!).map(BigInt);
  const all = known.reduce((sum, flag) => sum | flag, 0n);
  const example = BigInt(field.example ?? 0);
  const few = known.length <= 3;
  const values = [example, 0n, ...known, all];
  if (few) for (let value = 1n; value < all; value++) if ((value & ~all) === 0n) values.push(value);
  for (const unknown of [all + 1n, topBit(field), 1n << 31n, 1n << 32n]) values.push(unknown, unknown | example);
  values.push(ones(field));
  const telling = [topBit(field) | example, ...(few ? values.filter((value) => value <= all) : [known[0]!, all])];
  return numbers(field, values, telling);
}

/** Addresses of a guest: of its tables, or of its own. */
export function guestAddresses(field: Field, { environment, mappings }: EdgeContext): Edge[] {
  const end = toBigInt(environment.apertureLast) + 1n;
  const edges: [string, bigint][] = [
    ['zero', 0n],
    ['misaligned', 0x10008n],
    ['unmapped', 0x7f000000n],
    ['last_page', end - PAGE],
    ['last_byte', end - 1n],
    ['end', end],
    ['half', 1n << 63n],
    ['top_page', TOP - PAGE],
    ['top', TOP - 1n],
  ];
  for (const { iova } of mappings.slice(0, 1)) edges.push(['mapped', iova]);
  return distinct(edges.map(named(field, [0x10008n, end, TOP - 1n])));
}

/** PASIDs that are allocated, those at the edges of what a PASID can be, and numbers that are cut to one. */
export function pasids(field: Field, { saved }: EdgeContext): Edge[] {
  const given = saved.flatMap((ref): Edge[] => [
    { label: `${field.name}_${ref}`, value: { ref }, telling: true },
    ...(field.width === 8 ? [{ label: `${field.name}_${ref}_and_high_bit`, value: { ref, add: 1n << 32n } }] : []),
  ]);
  const values = [0n, 1n, PASID_END / 2n, PASID_END - 1n, PASID_END, 1n << 31n, 0xffff_ffffn, 1n << 32n, ones(field)];
  return [...given, ...numbers(field, values, [0n, PASID_END / 2n, PASID_END])];
}

/** Widths of guest addresses of four and five levels, and of nothing. */
export const addressWidths = (field: Field): Edge[] =>
  ['48', '57', '0', '39', '47', '49', '56', '58', '64', '4294967295'].map((text) => ({
    label: `${field.name}_${text}`,
    value: Number(text),
    telling: text === '57' || text === '39',
  }));

/** Bytes that must be zero. */
export const zeros = (field: Field): Edge[] => numbers(field, [0n, 1n, topBit(field), ones(field)], [1n]);

/** How much of a cache is meant, and numbers that mean nothing. */
export const granularities = (field: Field): Edge[] => {
  const known = Object.values(uapi.values.granularity!).map(BigInt);
  const next = BigInt(known.length);
  return numbers(field, [...known, next, topBit(field), ones(field)], [...known, next]);
};

/** Numbers of pages, up to those whose bytes are 2^64 and more. */
export const pageCounts = (field: Field): Edge[] =>
  numbers(field, [1n, 0n, 2n, 3n, 512n, (1n << 52n) - 1n, 1n << 52n, 1n << 63n, TOP - 1n], [0n, 3n, 1n << 52n]);

/** Sizes of the data of a request, around those of its parts. */
export function dataSizes(struct: string, field: Field): Edge[] {
  const { size, fields } = uapi.structs[struct]!;
  const whole = BigInt(size - field.at);
  const parts = fields.filter(({ at }) => at > field.at).map(({ at }) => BigInt(at - field.at));
  const edges = [...parts, whole].flatMap((part) => [part - 1n, part, part + 1n]);
  return numbers(field, [whole, ...edges, 0n, 1n << 31n, ones(field)], [0n, whole - 1n]);
}
