import { toBigInt } from '../../../spec/uapi/integer.ts';
import type { Op } from '../../../spec/uapi/vocabulary.ts';
import { memory } from '../../programs/build.ts';
import type { Edge, EdgeContext } from './edge.ts';

const PAGE = 4096n;
const TOP = 1n << 64n;

/** Descriptors of every kind, closed ones, and numbers that are none. */
export function descriptors(): Edge[] {
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
export function addresses(): Edge[] {
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

/** Where a dirty bitmap may be said to be: memory of the process, its end, and addresses that are nobody's. */
export function bitmaps({ environment }: EdgeContext): Edge[] {
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
