import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../spec/uapi/package-root.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import { coveragePortName } from './coverage-handover.ts';
import { cpio } from './cpio.ts';
import type { GroupDevices, MachineLayout } from './machine.ts';
import type { Module } from './modules.ts';
import { portName } from './qemu.ts';

/** The two programs of the guest, static executables. */
export interface Programs {
  init: Buffer;
  daemon: Buffer;
}

/** Where the build puts the guest's programs. */
export const builtPrograms = join(packageRoot, 'dist/native');

/** Reads the guest's programs. Throws a Problem when they are not built. */
export async function readGuestPrograms(folder: string): Promise<Programs> {
  const read = (name: string): Promise<Buffer> =>
    readFile(join(folder, name)).catch(() => {
      throw new Problem(
        `${join(folder, name)} is not there; it is made with a C compiler: run \`apt-get install gcc libc6-dev\` and \`npm run build\`.`,
      );
    });
  return { init: await read('guest-init'), daemon: await read('vfio-conformd') };
}

/** Where a kernel that counts what it executes keeps its counts. */
const countsFolder = '/sys/kernel/debug/gcov';

/**
 * What the guest's first process does, line by line; guest/init.c says what the
 * lines mean. With `coverage` it hands over in the end what the kernel counted.
 */
export function plan(
  modules: readonly string[],
  groups: readonly GroupDevices[],
  programSeconds: number,
  coverage = false,
): string {
  const lines = [
    ...(coverage ? [`need ${countsFolder}`] : []),
    ...modules.map((name) => `insert /modules/${name}.ko`),
    ...groups.flatMap(({ devices }) => devices.map((device) => `bind vfio-pci ${device}`)),
    `serve ${portName} /vfio-conformd --config /config.json --timeout ${programSeconds}`,
    ...(coverage ? [`hand-over ${coveragePortName} ${countsFolder}`] : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** The guest's file system. */
export function initramfs(
  machine: MachineLayout,
  modules: Module[],
  programs: Programs,
  programSeconds: number,
  coverage = false,
): Buffer {
  const { type1Module } = machine.environment.machine;
  const used = modules.filter(({ name }) => type1Module !== false || name !== 'vfio_iommu_type1');
  const names = used.map(({ name }) => name);
  const config = { environment: machine.environment, devices: machine.groups };
  return cpio([
    { path: 'dev' },
    { path: 'init', content: programs.init, executable: true },
    { path: 'vfio-conformd', content: programs.daemon, executable: true },
    { path: 'config.json', content: Buffer.from(JSON.stringify(config)) },
    { path: 'plan', content: Buffer.from(plan(names, Object.values(machine.groups), programSeconds, coverage)) },
    ...used.map(({ name, content }) => ({ path: `modules/${name}.ko`, content })),
  ]);
}
