import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { emulatedEnvironment, spelledOut } from '../../../spec/uapi/emulated-machine.ts';
import type { Environment, Slot } from '../../../spec/uapi/vocabulary.ts';
import { helperProgram } from './addon.ts';
import type { HostGroup } from './host.ts';
import { hostRoots } from './host.ts';

/** What the daemon takes as its configuration. */
export interface DaemonConfig {
  environment: Environment;
  /** PCI addresses of the devices of each slot. */
  devices: Record<string, { devices: string[] }>;
}

/** The environment of those groups: probed by the daemon, or, where it has no probe, what sysfs tells with an edu device. */
export async function probedEnvironment(groups: readonly HostGroup[]): Promise<DaemonConfig> {
  const words = ['--probe', ...groups.flatMap(({ group }) => ['--group', String(group)])];
  try {
    const { stdout } = await promisify(execFile)(helperProgram, words, { maxBuffer: 16 * 1024 * 1024 });
    return JSON.parse(stdout) as DaemonConfig;
  } catch {
    return describedBySysfs(groups);
  }
}

async function describedBySysfs(groups: readonly HostGroup[]): Promise<DaemonConfig> {
  const slots: Record<string, Slot> = {};
  const devices: DaemonConfig['devices'] = {};
  for (const [index, { devices: all }] of groups.entries()) {
    const usable = all.filter(({ driver }) => driver === 'vfio-pci');
    const resettable = usable.length === 1 && usable[0]!.isResettable;
    slots[`s${index}`] = {
      devices: usable.length,
      viable: true,
      dma: true,
      iommu: 0,
      ...(resettable && { resettable }),
    };
    devices[`s${index}`] = { devices: usable.map(({ address }) => address) };
  }
  const environment = emulatedEnvironment(spelledOut({}), slots);
  const reserved = await reservedRanges(groups[0]);
  return { environment: { ...environment, ...(reserved.length > 0 && { reserved }) }, devices };
}

/** Ranges that the kernel reserves and does not map one to one for the device, which type1 refuses. */
async function reservedRanges(group: HostGroup | undefined): Promise<Environment['reserved']> {
  if (!group) return [];
  const file = join(hostRoots.sys, 'kernel/iommu_groups', String(group.group), 'reserved_regions');
  const lines = (await readFile(file, 'utf8').catch(() => '')).trim().split('\n');
  return lines.flatMap((line) => {
    const [first, last, kind] = line.split(' ');
    if (!last || kind === 'direct-relaxable') return [];
    const short = (text: string) => `0x${BigInt(text).toString(16)}`;
    return [{ first: short(first!), last: short(last) }];
  });
}
