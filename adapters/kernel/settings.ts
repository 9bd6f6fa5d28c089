import { Problem } from '../../spec/uapi/problem.ts';
import type { Accelerator } from './qemu.ts';

/** How a kernel is run, whichever it is. */
export interface Settings {
  /** Software emulation (default), the processor's virtualisation, or that where a guest really starts with it. */
  accel: Accelerator | 'auto';
  memoryMiB: number;
  cpus: number;
  /** Seconds that a boot may take. */
  bootSeconds: number;
  /** Seconds after which the guest gives up a program. */
  programSeconds: number;
}

const accelerations: readonly string[] = ['tcg', 'kvm', 'auto'] satisfies Settings['accel'][];

/** What the caller gave, else what the environment variables VFIO_CONFORM_* say, else the default. */
export function settings(given: Partial<Settings>, variables: NodeJS.ProcessEnv = process.env): Settings {
  return {
    accel: given.accel ?? acceleration(variables.VFIO_CONFORM_ACCEL),
    memoryMiB: given.memoryMiB ?? positive('VFIO_CONFORM_MEMORY', variables, 512),
    cpus: given.cpus ?? positive('VFIO_CONFORM_CPUS', variables, 1),
    bootSeconds: given.bootSeconds ?? positive('VFIO_CONFORM_BOOT_SECONDS', variables, 90),
    programSeconds: given.programSeconds ?? positive('VFIO_CONFORM_PROGRAM_SECONDS', variables, 30),
  };
}

function acceleration(text: string | undefined): Settings['accel'] {
  if (text === undefined || text === '') return 'tcg';
  if (accelerations.includes(text)) return text as Settings['accel'];
  throw new Problem(`VFIO_CONFORM_ACCEL is "${text}"; set it to one of ${accelerations.join(', ')}.`);
}

function positive(name: string, variables: NodeJS.ProcessEnv, otherwise: number): number {
  const text = variables[name];
  if (text === undefined || text === '') return otherwise;
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new Problem(`${name} is "${text}"; set it to a whole number above 0.`);
}
