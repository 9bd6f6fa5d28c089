import { everyStep } from '../../../spec/contract/steps.ts';
import type { Step } from '../../../spec/contract/types.ts';
import { type Field, uapi } from '../../../spec/uapi/uapi.ts';
import { code, table } from '../markdown.ts';
import type { Site } from '../site.ts';

/** What a field is for, in words. */
const meanings: Record<Field['holds'], string> = {
  argsz: 'size of the argument, as the caller sees it',
  flags: 'flags',
  fd: 'a file descriptor',
  address: 'an address of the process',
  iova: 'an I/O virtual address',
  size: 'a size in bytes',
  page_size: 'a page size in bytes',
  bitmap_size: 'the size of the bitmap in bytes',
  bitmap: 'the address of a bitmap',
  region: 'the index of a region',
  interrupt: 'the index of a kind of interrupt',
  feature: 'the number of a feature, and flags',
  vector: 'a vector, or a number of them',
  version: 'the version of the data',
  format: 'the format of the page table',
  bits: 'flags',
  guest_address: 'an address of the guest',
  pasid: 'a PASID',
  address_width: 'the width of addresses in bits',
  zero: 'padding',
  granularity: 'how much is meant',
  page_count: 'a number of pages',
  data_argsz: 'size of the data, as the caller sees it',
  ignored: 'no value of it alone is refused',
};

/** Sets of named values in what the kernel writes, by struct and field. */
const writtenValues: Record<string, Record<string, string>> = {
  vfio_iommu_type1_info: { flags: 'iommu_info_flags' },
  vfio_group_status: { flags: 'group_flags' },
  vfio_device_info: { flags: 'device_flags' },
  vfio_region_info: { flags: 'region_flags' },
  vfio_iommu_type1_info_cap_nesting: { nesting_capabilities: 'nesting_capabilities', stage1_formats: 'table_format' },
};

/** The version of every capability of GET_INFO that there is so far. */
const CAPABILITY_VERSION = 1;

/** Sets of named values that a field can hold beside its flags. */
const valuesOf: Partial<Record<Field['holds'], string[]>> = {
  version: ['bind_version', 'cache_invalidate_version'],
  format: ['table_format'],
  granularity: ['granularity'],
  interrupt: ['irq_index'],
  feature: ['device_feature'],
};

/**
 * The fields of a struct by their bytes, with their other names in unions, and the members that Linux has appended; in brackets, what a
 * C program calls a field that has another name there.
 */
export function layoutTable(site: Site, struct: string): string {
  const { fields, alternatives = {}, appended = [] } = uapi.structs[struct]!;
  const written = writtenEnd(site, struct);
  const row = (field: Field, more: string) => [
    String(field.at),
    String(field.width),
    [code(field.name), inC(field), field.extended ? '(only with the flag)' : '', more].filter(Boolean).join(' '),
    field.holds === 'ignored' && field.member !== null && field.at < written
      ? 'written by the kernel'
      : meanings[field.holds],
    namesOf(struct, field),
  ];
  const rows = fields.flatMap((field) => {
    const others = Object.keys(alternatives).filter((name) => alternatives[name] === field.name);
    return [
      row(field, ''),
      ...others.map((name) => row({ ...field, name, member: undefined }, `(in the place of ${code(field.name)})`)),
    ];
  });
  const behind = appended.map((field) => row(field, '(appended later)'));
  return table(['byte', 'bytes', 'field', 'holds', 'names'], [...rows, ...behind]);
}

/** The end of the bytes that the kernel writes: of an argument those of its handlers' writes, of what it returns all. */
function writtenEnd({ data }: Site, struct: string): number {
  const users = Object.entries(uapi.ioctls).filter(([, one]) => one.struct === struct || one.argszFirst === struct);
  if (users.length === 0) return Number.POSITIVE_INFINITY;
  const names = users.map(([name]) => name);
  const ends = (steps: readonly Step[]): number[] =>
    [...everyStep(steps)].flatMap((step) => {
      if (step.kind !== 'write') return [];
      const { from, length, up_to } = step;
      return from === undefined || length === undefined ? [] : [up_to ?? from + length];
    });
  const handlers = data.handlers.filter(({ ioctl }) => ioctl !== undefined && names.includes(ioctl));
  return Math.max(0, ...handlers.flatMap(({ steps }) => ends(steps)));
}

/** The path to a field in C, where it is not found under its name. */
function inC({ member }: Field): string {
  if (member === undefined) return '';
  return member === null ? '(a hole)' : `(${code(member)})`;
}

/** Sizes of a struct in words, and what it is in C if it is none there. */
export function sizeText(struct: string): string {
  const { size, extended, extendedBy, plain } = uapi.structs[struct]!;
  const more = extended === undefined ? '' : `; with ${code(extendedBy!)}, ${extended}`;
  const inLinux = plain === undefined ? '' : ` In C it is a plain ${code(plain)}; the name is this project's.`;
  return `${size} bytes${more}.${inLinux}`;
}

function namesOf(struct: string, { name: field, holds, flags }: Field): string {
  const sets = (valuesOf[holds] ?? []).filter(
    (set) => !set.endsWith('_version') || struct.includes(set.replace('_version', '')),
  );
  const named = [
    ...(flags === undefined ? [] : Object.entries(uapi.flags[flags]!)),
    ...(holds === 'feature' ? Object.entries(uapi.flags.device_feature_flags!) : []),
  ].map(([name, bit]) => `${code(name)} 0x${bit.toString(16)}`);
  const { capability } = uapi.structs[struct]!;
  if (capability !== undefined && field === 'version') return String(CAPABILITY_VERSION);
  if (capability !== undefined && field === 'id') return `${code(capability)} ${capabilityId(capability)}`;
  const written = writtenValues[struct]?.[field];
  for (const [name, value] of Object.entries(
    written === undefined ? {} : (uapi.flags[written] ?? uapi.values[written]!),
  ))
    named.push(`${code(name)} ${uapi.flags[written!] ? '0x' : ''}${value.toString(16)}`);
  const values = sets
    .flatMap((set) => Object.entries(uapi.values[set]!))
    .map(([name, value]) => `${code(name)} ${value}`);
  return [...named, ...values].join('<br>');
}

const capabilityId = (name: string): number =>
  ({ ...uapi.values.iommu_info_capability, ...uapi.values.nesting_capability })[name]!;
