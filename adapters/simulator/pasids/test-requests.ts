import type { DmaOp, Machine, Op, Outcome, Slot } from '../../../spec/uapi/vocabulary.ts';
import {
  call,
  le,
  mmap,
  number,
  openContainer,
  openDevice,
  openGroup,
  outcomesOf,
  type Stage,
  setCommand,
  setContainer,
  setIommu,
} from '../test-programs.ts';

/** What the tests of the requests for guest tables are written with. */

export const NESTING_TYPE = 6;
export const ALLOC = 1;
export const FREE = 2;
export const BIND = 1;
export const UNBIND = 2;

export const ONE: Slot = { devices: 1, viable: true };
/** A group behind an IOMMU of its own. */
export const behind = (iommu: number): Slot => ({ ...ONE, iommu });

const PRESENT = {
  base_kernel: '2020',
  bind: 'present',
  pasid_request: 'present',
  cache_invalidate: 'present',
};
/** What the series of March 2020 did, on the driver of those days. */
const POSTED = {
  ...PRESENT,
  nesting_series: 'as_posted',
  driver: 'v10',
  free_of_bound: 'survives',
  unmap_flushes_nested: 'no',
  singleton_scope: 'none',
  second_member_at_attach: 'never',
  pasid_exposure: 'always',
};
const MACHINE: Machine = { nesting: 'five_levels' };

/** A machine that nests, with the requests as they were posted. */
export const posted = (parameters: Record<string, string> = {}, slots = [ONE], machine = MACHINE): Stage => ({
  slots,
  machine,
  parameters: { ...POSTED, ...parameters },
});

/** A machine that nests, with the recommended requests. */
export const repaired = (parameters: Record<string, string> = {}, slots = [ONE], machine = MACHINE): Stage => ({
  slots,
  machine,
  parameters: { ...PRESENT, ...parameters },
});

/** Memory `args` and `m`, a container of a type with the first groups of the machine, the last of which is attached last. */
export function container(groups = 1, type = NESTING_TYPE): Op[] {
  const names = Array.from({ length: groups }, (_, i) => `g${i}`);
  return [
    mmap('args', 1),
    mmap('m', 4),
    openContainer(),
    ...names.flatMap((name, i) => [openGroup(name), setContainer(name), ...(i === 0 ? [setIommu(type)] : [])]),
  ];
}

/** Another group joins. */
export const join = (group: string): Op[] => [openGroup(group), setContainer(group)];

/** A device is open as `d`, and may transfer. */
export const using = (group = 'g0', device = 0): Op[] => [
  openDevice('d', group, { slot: group, device }),
  ...setCommand(0x0107),
];

interface Range {
  argsz?: number;
  flags?: number;
  min?: number;
  max?: number;
}

/** PASID_REQUEST, by itself ALLOC in [1, 1000]. */
export function pasidRequest({ argsz = 20, flags = ALLOC, min = 1, max = 1000 }: Range = {}, more: object = {}): Op {
  const bytes = [argsz, flags, min, max, 0xffff_ffff].map((field) => le(field, 4)).join('');
  return call('c', number.VFIO_IOMMU_PASID_REQUEST!, bytes, undefined, more);
}
/** ALLOC of one number. */
export const alloc = (pasid = 1, more: object = {}): Op => pasidRequest({ min: pasid, max: pasid }, more);
export const free = (pasid = 1, more: object = {}): Op => pasidRequest({ flags: FREE, min: pasid }, more);

/** The fields of a BIND. */
export interface BindFields {
  argsz?: number;
  flags?: number;
  dataArgsz?: number;
  version?: number;
  format?: number;
  dataFlags?: number;
  gpgd?: number | bigint;
  hpasid?: number | bigint;
  gpasid?: number;
  width?: number;
  padding?: number;
  vtdFlags?: number;
}

/** The bytes of a BIND of PASID 1. */
export function bindBytes(fields: BindFields = {}): string {
  const { argsz = 80, flags = BIND, version = 1, format = 1, dataFlags = 0, gpgd = 0x1_0000, hpasid = 1 } = fields;
  const { gpasid = 0, width = 48, padding = 0, vtdFlags = 0 } = fields;
  const data = [dataFlags, gpgd, hpasid, gpasid].map((field) => le(field, 8)).join('');
  const tail = le(vtdFlags, 8) + le(0, 8);
  const head = [argsz, flags, version, format].map((field) => le(field, 4)).join('');
  return head + data + le(width, 4) + '00'.repeat(11) + le(padding, 1) + tail;
}

/** The same as Linux 5.10 lays it out. */
export function bindBytesArgszFirst(fields: BindFields = {}): string {
  const { argsz = 80, flags = BIND, dataArgsz = 72, version = 1, format = 1, dataFlags = 0 } = fields;
  const { gpgd = 0x1_0000, hpasid = 1, gpasid = 0, width = 48, padding = 0, vtdFlags = 0 } = fields;
  const data = [dataFlags, gpgd, hpasid, gpasid].map((field) => le(field, 8)).join('');
  const head = [argsz, flags, dataArgsz, version, format, width].map((field) => le(field, 4)).join('');
  return head + data + '00'.repeat(7) + le(padding, 1) + le(vtdFlags, 8) + le(0, 8);
}

export const bind = (fields: BindFields = {}, more: object = {}): Op =>
  call('c', number.VFIO_IOMMU_BIND!, bindBytes(fields), undefined, more);
export const unbind = (hpasid: number | bigint = 1, fields: BindFields = {}): Op =>
  bind({ flags: UNBIND, hpasid, ...fields });
export const bindArgszFirst = (fields: BindFields = {}): Op =>
  call('c', number.VFIO_IOMMU_BIND!, bindBytesArgszFirst(fields));

/** The fields of a CACHE_INVALIDATE. */
export interface InvalidateFields {
  argsz?: number;
  flags?: number;
  dataArgsz?: number;
  version?: number;
  cache?: number;
  granularity?: number;
  padding?: number;
  infoFlags?: number;
  pasid?: number | bigint;
  addr?: number | bigint;
  granuleSize?: number | bigint;
  granules?: number | bigint;
}

/** CACHE_INVALIDATE, by itself of the IOTLB for PASID 1. */
export function invalidate(fields: InvalidateFields = {}, more: object = {}): Op {
  const { argsz = 56, flags = 0, version = 1, cache = 1, granularity = 1, padding = 0 } = fields;
  const head = le(argsz, 4) + le(flags, 4) + le(version, 4) + le(cache, 1) + le(granularity, 1) + le(padding, 2);
  return call('c', number.VFIO_IOMMU_CACHE_INVALIDATE!, head + information(fields), undefined, more);
}

/** The same as Linux 5.10 lays it out. */
export function invalidateArgszFirst(fields: InvalidateFields = {}): Op {
  const { argsz = 64, flags = 0, dataArgsz = 56, version = 1, cache = 1, granularity = 1, padding = 0 } = fields;
  const head = [argsz, flags, dataArgsz, version].map((field) => le(field, 4)).join('');
  const kind = le(cache, 1) + le(granularity, 1) + le(padding, 6);
  return call('c', number.VFIO_IOMMU_CACHE_INVALIDATE!, head + kind + information(fields));
}

function information({
  infoFlags = 1,
  pasid = 1,
  addr = 0,
  granuleSize = 4096,
  granules = 1,
}: InvalidateFields): string {
  return le(infoFlags, 4) + le(0, 4) + [pasid, addr, granuleSize, granules].map((field) => le(field, 8)).join('');
}

/** A fault of the IOMMU driver in the next op. */
export const inject = (nth: number, errno?: string): Op => ({ op: 'inject', fault: 'driver', nth, errno });

const transfer = (pasid: number): DmaOp => ({
  op: 'dma',
  device: 'd',
  direction: 'from-memory',
  iova: 0,
  length: 4,
  pasid,
});

/** After some ops, which may fail: for each [group, device] whether its PASID table has an entry, as a transfer shows. */
export async function boundOn(
  ops: Op[],
  devices: [group: string, device: number][],
  stage: Stage,
  pasid = 1,
): Promise<boolean[]> {
  const looks = devices.flatMap(([group, device]) => [...using(group, device), transfer(pasid)]);
  const outcomes = await outcomesOf([], [...ops, ...looks], stage);
  const faults = outcomes.slice(ops.length).filter((_, i) => i % 4 === 3);
  return faults.map(({ errno, fault }: Outcome) => {
    if (errno !== undefined) throw new Error(`The transfer: ${errno}`);
    return fault !== 'pasid_not_bound';
  });
}
