import { PAGE } from '../../../reference/memory/user-memory.ts';
import type { Op, Program } from '../../../spec/uapi/vocabulary.ts';
import { number, openDevice } from '../../programs/build.ts';
import { badPointers } from './pointers.ts';
import { type Make, probeOp } from './probe.ts';
import type { Situation } from './situation.ts';

const hex = (text: string) => Buffer.from(text, 'latin1').toString('hex');

/** Names at the end of memory: what comes after their last byte cannot be read. */
const atTheEnd: [string, string][] = [
  ['empty', '\0'],
  ['no_device', 'no device\0'],
  ['space', ' \0'],
  ['without_end', 'no end'],
  ['nothing', ''],
  ['longest', `${'a'.repeat(PAGE - 1)}\0`],
  ['too_long', 'a'.repeat(PAGE)],
];

/** How a name may be spelled, mostly a device's own. */
const spellings: [string, string][] = [
  ['exact', '{name}'],
  ['cut', '{cut}'],
  ['space_before', ' {name}'],
  ['space_after', '{name} '],
  ['spaces_after', '{name}   '],
  ['letter_after', '{name}x'],
  ['newline_after', '{name}\n'],
  ['word_after', '{name} word'],
  ['empty_token', '{name} vf_token='],
  ['malformed_token', '{name} vf_token=1234'],
  ['token', '{name} vf_token=01234567-89ab-cdef-0123-456789abcdef'],
  ['too_long', `{name}${' '.repeat(PAGE)}`],
  ['empty', ''],
  ['no_device', 'no device'],
  ['longest_no_device', 'a'.repeat(PAGE - 1)],
  ['longest_no_device_in_two_bytes_each', `a${'\u00e9'.repeat(PAGE / 2 - 1)}`],
  ['too_long_no_device', 'a'.repeat(PAGE)],
  ['too_long_no_device_in_two_bytes_each', '\u00e9'.repeat(PAGE / 2)],
];

/** GET_DEVICE_FD in a situation of a group: by names in memory, and by the names of the slot's devices. */
export function* nameProbes(situation: Situation, handler: string, make: Make): Iterable<Program> {
  for (const [label, text] of atTheEnd)
    yield make(label, [], { memory: 'arg', at: PAGE - text.length, bytes: hex(text) });
  for (const [label, value] of badPointers) yield make(`pointer_${label}`, [], { value });
  const slots = Object.keys(situation.slots);
  for (const [label, spelling] of spellings) {
    const op: Op = { op: 'open', what: 'device', group: situation.fd, slot: slots.at(-1)!, as: 'd', spelling };
    yield probeOp(situation, handler, `spelled_${label}`, [], op);
  }
  for (const slot of slots)
    yield probeOp(situation, handler, `device_of_${slot}`, [], openDevice(situation.fd, slot, 'd'));
  const none: Op = { op: 'rlimit', resource: 'nofile', value: 0 };
  yield probeOp(situation, handler, 'no_descriptor_left', [none], openDevice(situation.fd, slots.at(-1)!, 'd'));
  yield probeOp(situation, handler, 'no_descriptor_left_no_device', [none], {
    op: 'ioctl',
    fd: situation.fd,
    number: number(handler),
    argument: { memory: 'arg', at: 0, bytes: hex('no device\0') },
  });
}
