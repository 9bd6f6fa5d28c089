import type { OpenDeviceCall } from '../../call/families.ts';
import { groupOf, opOf } from '../../call/operands.ts';
import { MalformedProgram } from '../../interpreter/malformed-program.ts';
import { configSpace } from '../../state/config-space.ts';
import { hasFreeDescriptor } from '../../state/descriptors.ts';
import { membersOf } from '../../state/state.ts';
import type { Conditions, Effects } from '../rule-functions.ts';

/** Bytes of a name that the kernel looks at, the final NUL included. */
const LONGEST_NAME = 4096;
/** No device's name is longer. */
const LONGEST_DEVICE_NAME = 64;
/** What a device's name looks like, and may go on after. */
const PCI_ADDRESS = /^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]/;
/** A name like any other. */
const SOME_ADDRESS = '0000:00:00.0';

/** The device that was opened. */
const opened = ({ opening: { created } }: OpenDeviceCall) => (created?.kind === 'device' ? created.device : undefined);

/** Whether this is the first open of a device that has a capability. */
function startsWith(call: OpenDeviceCall, name: 'pasid' | 'pageRequest'): boolean {
  const device = opened(call);
  return device?.opens === 1 && device.shows(name);
}

/** The bytes of a name in user memory before its NUL; what cannot be read ends it too. */
function readName(call: OpenDeviceCall): { bytes: Uint8Array; ended: boolean } {
  const { memory } = call.process;
  const length = memory.accessible(call.argument.value, LONGEST_NAME, 'read');
  const bytes = new Uint8Array(length);
  memory.read(call.argument.value, bytes, 0, length);
  const end = bytes.indexOf(0);
  return end < 0 ? { bytes, ended: false } : { bytes: bytes.subarray(0, end), ended: true };
}

/** How the name of a device is spelled. */
const spelledOf = (call: OpenDeviceCall) => opOf(call, 'open').spelling ?? '{name}';

/** Length of a text in UTF-8, as a program hands it to the kernel. */
function bytesOf(text: string): number {
  let length = 0;
  for (const character of text) {
    const point = character.codePointAt(0)!;
    length += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return length;
}

/** What is before and after a device's whole name. */
function spelling(call: OpenDeviceCall): { before: string; exact: boolean; after: string } {
  const text = spelledOf(call);
  const at = text.indexOf('{name}');
  return at < 0
    ? { before: text, exact: false, after: '' }
    : { before: text.slice(0, at), exact: true, after: text.slice(at + 6) };
}

export const conditions = {
  get_device_fd_name_not_readable: (call) => {
    const { bytes, ended } = readName(call);
    // The end is looked for first; what has one is then copied, and that copy may be let fail.
    return ended ? call.copyFails() : bytes.length < LONGEST_NAME;
  },
  get_device_fd_name_too_long: (call) => {
    if (call.op.op === 'ioctl') return !readName(call).ended;
    const text = spelledOf(call);
    const written = text.replace(/\{(name|cut)\}/, '');
    const length = bytesOf(written);
    if (length >= LONGEST_NAME || written === text) return length >= LONGEST_NAME;
    if (length + LONGEST_DEVICE_NAME < LONGEST_NAME) return false;
    throw new MalformedProgram('whether the spelling is too long depends on the name of the device');
  },
  get_device_fd_name_of_pci_address: (call) => {
    if (call.op.op === 'ioctl') return PCI_ADDRESS.test(String.fromCharCode(...readName(call).bytes.subarray(0, 20)));
    const text = spelledOf(call);
    if (text.startsWith('{name}')) return false;
    return PCI_ADDRESS.test(text.replace('{name}', SOME_ADDRESS).replace('{cut}', SOME_ADDRESS.slice(0, -1)));
  },
  open_device_group_orphaned: (call) => groupOf(call).orphaned,
  open_device_not_in_group: (call) => {
    const { slot: name, device = 0 } = opOf(call, 'open');
    const slot = call.world.slots.get(name!)!;
    return groupOf(call).slot !== slot || !slot.devices[device]?.bound;
  },
  open_device_name_differs: (call) => {
    const { before, exact, after } = spelling(call);
    return before !== '' || !exact || (after !== '' && !after.startsWith(' '));
  },
  open_device_option_unknown: (call) => /[^ ]/.test(spelling(call).after),
  open_device_no_free_descriptor: ({ process }) => !hasFreeDescriptor(process),
  open_device_without_backend: (call) => groupOf(call).container?.backend === undefined,
  open_device_hides_pasid: (call) => startsWith(call, 'pasid'),
  open_device_hides_pasid_outside_singleton_group: (call) =>
    startsWith(call, 'pasid') && membersOf(groupOf(call)).length > 1,
  open_device_hides_pasid_outside_singleton_container: (call) =>
    startsWith(call, 'pasid') && [...groupOf(call).container!.groups].flatMap(membersOf).length > 1,
  open_device_hides_pri: (call) => startsWith(call, 'pageRequest'),
} satisfies Conditions<OpenDeviceCall>;

export const effects = {
  open_device_opens: (call) => {
    const group = groupOf(call);
    const device = group.slot.devices[opOf(call, 'open').device ?? 0]!;
    if (device.opens++ === 0) device.start(configSpace(device.model));
    group.devicesOpen++;
    call.opening.created = { kind: 'device', device, group };
  },
  open_device_hides_pasid: (call) => opened(call)?.hide('pasid'),
  open_device_hides_pasid_outside_singleton_group: (call) => opened(call)?.hide('pasid'),
  open_device_hides_pasid_outside_singleton_container: (call) => opened(call)?.hide('pasid'),
  open_device_hides_pri: (call) => opened(call)?.hide('pageRequest'),
  open_device_closes_on_exec: (call) => {
    call.opening.closeOnExec = true;
  },
} satisfies Effects<OpenDeviceCall>;
