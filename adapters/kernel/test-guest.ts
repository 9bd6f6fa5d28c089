import type { Need } from '../../spec/uapi/adapter.ts';
import { spelledOut } from '../../spec/uapi/emulated-machine.ts';
import { boot } from './boot.ts';
import { cpio } from './cpio.ts';
import { builtPrograms, readGuestPrograms } from './initramfs.ts';
import { layout, type MachineLayout } from './machine.ts';
import { portName } from './qemu.ts';
import { settings } from './settings.ts';
import { packagedKernel } from './source.ts';

/** What a guest without anything of the adapter's does, and with which files. */
export interface PlainGuest {
  version: string;
  need: Need;
  /** Words of the command whose output is wanted. The daemon is /vfio-conformd. */
  command: string[];
  /** A file of the guest's that is the command's standard input; by default the port is. */
  input?: string;
  files?: Record<string, string>;
}

/** Boots a kernel with an initramfs that has the daemon and its modules only; gives what a command there wrote, and the machine. */
export async function inPlainGuest(guest: PlainGuest): Promise<{ output: string; machine: MachineLayout }> {
  const { kernel } = await packagedKernel(guest.version, undefined, () => {});
  const { init, daemon } = await readGuestPrograms(builtPrograms);
  const machine = layout(guest.need);
  const words = guest.input === undefined ? ['serve', portName] : ['feed', guest.input, portName];
  const plan = [
    ...kernel.modules.map(({ name }) => `insert /modules/${name}.ko`),
    ...Object.values(machine.groups).flatMap(({ devices }) => devices.map((device) => `bind vfio-pci ${device}`)),
    [...words, ...guest.command].join(' '),
  ];
  const initramfs = cpio([
    { path: 'dev' },
    { path: 'init', content: init, executable: true },
    { path: 'vfio-conformd', content: daemon, executable: true },
    { path: 'plan', content: Buffer.from(`${plan.join('\n')}\n`) },
    ...kernel.modules.map(({ name, content }) => ({ path: `modules/${name}.ko`, content })),
    ...Object.entries(guest.files ?? {}).map(([path, content]) => ({ path, content: Buffer.from(content) })),
  ]);
  const { memoryMiB, cpus } = settings({});
  const link = await boot({
    ...{ memoryMiB, cpus, parameters: [], accelerator: 'tcg', groups: machine.options },
    ...{ machine: spelledOut(guest.need.machine), kernel: kernel.image, initramfs },
  });
  let output = '';
  try {
    for await (const piece of link.input.setEncoding('utf8')) output += piece;
    if (output === '') throw new Error(`the guest wrote nothing: ${link.tail().join('\n')}`);
    return { output, machine };
  } finally {
    await link.end();
  }
}
