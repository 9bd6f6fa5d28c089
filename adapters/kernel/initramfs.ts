import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../spec/uapi/package-root.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import { heeded, moduleParameters } from './boot-parameters.ts';
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

/** How the guest is to do what it does. */
export interface GuestOptions {
  /** Seconds after which it gives up a program. */
  programSeconds: number;
  /** Boot parameters; modules are given theirs when they are loaded. */
  parameters?: readonly string[];
  /** Modules that this machine does without; boot parameters may speak of them nevertheless. */
  leftOut?: readonly string[];
  /** In the end it hands over what the kernel counted. */
  coverage?: boolean;
}

/** What the guest's first process does, line by line; guest/init.c says what the lines mean. */
export function plan(
  modules: readonly string[],
  groups: readonly GroupDevices[],
  { programSeconds, parameters = [], leftOut = [], coverage = false }: GuestOptions,
): string {
  const lines = [
    ...(coverage ? [`need ${countsFolder}`] : []),
    ...modules.map((name) => ['insert', `/modules/${name}.ko`, ...moduleParameters(parameters, name)].join(' ')),
    ...heeded(parameters, leftOut).map((file) => `need ${file}`),
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
  options: Omit<GuestOptions, 'leftOut'>,
): Buffer {
  const leftOut = machine.environment.machine.type1Module === false ? ['vfio_iommu_type1'] : [];
  const used = modules.filter(({ name }) => !leftOut.includes(name));
  const lines = plan(
    used.map(({ name }) => name),
    Object.values(machine.groups),
    { ...options, leftOut },
  );
  const config = { environment: machine.environment, devices: machine.groups };
  return cpio([
    { path: 'dev' },
    { path: 'init', content: programs.init, executable: true },
    { path: 'vfio-conformd', content: programs.daemon, executable: true },
    { path: 'config.json', content: Buffer.from(JSON.stringify(config)) },
    { path: 'plan', content: Buffer.from(lines) },
    ...used.map(({ name, content }) => ({ path: `modules/${name}.ko`, content })),
  ]);
}
