import { type Field, uapi } from '../../spec/uapi/uapi.ts';
import { code, table } from './markdown.ts';

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

/** Sets of named values that a field can hold beside its flags. */
const valuesOf: Partial<Record<Field['holds'], string[]>> = {
  version: ['bind_version', 'cache_invalidate_version'],
  format: ['table_format'],
  granularity: ['granularity'],
  interrupt: ['irq_index'],
  feature: ['device_feature'],
};

/** The fields of a struct by their bytes; in brackets, what a C program calls a field that has another name there. */
export function layoutTable(struct: string): string {
  const { fields } = uapi.structs[struct]!;
  return table(
    ['byte', 'bytes', 'field', 'holds', 'names'],
    fields.map((field) => [
      String(field.at),
      String(field.width),
      [code(field.name), inC(field), field.extended ? '(only with the flag)' : ''].filter(Boolean).join(' '),
      meanings[field.holds],
      namesOf(struct, field),
    ]),
  );
}

/** The path to a field in C, where it is not found under its name. */
function inC({ member }: Field): string {
  if (member === undefined) return '';
  return member === null ? '(a hole)' : `(${code(member)})`;
}

/** Sizes of a struct in words. */
export function sizeText(struct: string): string {
  const { size, extended, extendedBy } = uapi.structs[struct]!;
  return extended === undefined ? `${size} bytes.` : `${size} bytes; with ${code(extendedBy!)}, ${extended}.`;
}

function namesOf(struct: string, { holds, flags }: Field): string {
  const sets = (valuesOf[holds] ?? []).filter(
    (set) => !set.endsWith('_version') || struct.includes(set.replace('_version', '')),
  );
  const named = [
    ...(flags === undefined ? [] : Object.entries(uapi.flags[flags]!)),
    ...(holds === 'feature' ? Object.entries(uapi.flags.device_feature_flags!) : []),
  ].map(([name, bit]) => `${code(name)} 0x${bit.toString(16)}`);
  const values = sets
    .flatMap((set) => Object.entries(uapi.values[set]!))
    .map(([name, value]) => `${code(name)} ${value}`);
  return [...named, ...values].join('<br>');
}
