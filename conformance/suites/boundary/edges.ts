import { type Field, type Ioctl, uapi } from '../../../spec/uapi/uapi.ts';
import { distinct, type Edge, type EdgeContext } from './edge.ts';
import { addresses, bitmaps, descriptors } from './pointer-edges.ts';
import { bitmapSizes, iovas, pageSizes, sizes } from './range-edges.ts';
import {
  addressWidths,
  bits,
  dataSizes,
  formats,
  granularities,
  guestAddresses,
  pageCounts,
  pasids,
  versions,
  zeros,
} from './request-edges.ts';

/** The values at the edges of a field, the ordinary one first. */
export function edgesOf(struct: string, field: Field, context: EdgeContext): Edge[] {
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
      return iovas(context);
    case 'size':
      return sizes(context);
    case 'page_size':
      return pageSizes();
    case 'bitmap_size':
      return bitmapSizes();
    case 'bitmap':
      return bitmaps(context);
    case 'region':
      return indexes('region', uapi.device.regionCount);
    case 'feature':
      return features();
    case 'interrupt':
      return indexes('interrupt', uapi.device.interruptCount);
    case 'vector':
      return vectors(field.name);
    case 'version':
      return versions(field);
    case 'format':
      return formats(field);
    case 'bits':
      return bits(field);
    case 'guest_address':
      return guestAddresses(field, context);
    case 'pasid':
      return pasids(field, context);
    case 'address_width':
      return addressWidths(field);
    case 'zero':
      return zeros(field);
    case 'granularity':
      return granularities(field);
    case 'page_count':
      return pageCounts(field);
    case 'data_argsz':
      return dataSizes(struct, field);
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
    (1n << 64n) - 1n,
  );
  return [...new Set(edges)].map((value) => ({ label: `value_${value.toString(16)}`, value }));
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
