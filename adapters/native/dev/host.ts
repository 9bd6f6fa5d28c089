import { constants } from 'node:fs';
import { access, open, readdir, readFile, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Problem } from '../../../spec/uapi/problem.ts';

/** A PCI function of a group. */
export interface HostDevice {
  /** Its address, such as 0000:00:05.0. */
  address: string;
  /** Vendor and device id, such as 1234:11e8. */
  id: string;
  /** The driver that has it now; undefined for none. */
  driver?: string;
  /** Bridges take part in no DMA of their own, and stay with their driver. */
  isBridge: boolean;
  isResettable: boolean;
}

/** An IOMMU group of this machine. */
export interface HostGroup {
  group: number;
  devices: HostDevice[];
  /** What stands against its use, each with the command that helps; empty if nothing does. */
  missing: string[];
}

/** Where the kernel shows its devices; others in tests. */
export interface HostRoots {
  sys: string;
  dev: string;
}

export const hostRoots: HostRoots = { sys: '/sys', dev: '/dev' };

/** What this machine lacks for any group at all, each with the command that helps. */
export async function missingOfHost({ sys, dev }: HostRoots = hostRoots): Promise<string[]> {
  const groups = await readdir(join(sys, 'kernel/iommu_groups')).catch(() => []);
  const missing: string[] = [];
  if (groups.length === 0)
    missing.push(
      'an IOMMU: switch it on in the firmware, and boot with intel_iommu=on or amd_iommu=on on the command line of the kernel',
    );
  const container = join(dev, 'vfio/vfio');
  if (!(await exists(container))) missing.push(`${container}; load the drivers with: modprobe vfio-pci`);
  else if (!(await mayUse(container)))
    missing.push(`permission for ${container}; give it with: chmod 666 ${container}`);
  const limit = await lockLimit();
  if (limit !== undefined && limit < 64 * 1024 * 1024)
    missing.push(`room to lock memory (${limit} bytes may be locked); raise it with: ulimit -l 65536`);
  return missing;
}

/** The groups of this machine, and what stands against their use. */
export async function hostGroups(roots: HostRoots = hostRoots): Promise<HostGroup[]> {
  const names = await readdir(join(roots.sys, 'kernel/iommu_groups')).catch(() => []);
  const groups = names.map(Number).filter(Number.isSafeInteger);
  return Promise.all(groups.sort((one, other) => one - other).map((group) => readGroup(roots, group)));
}

async function readGroup(roots: HostRoots, group: number): Promise<HostGroup> {
  const addresses = await readdir(join(roots.sys, 'kernel/iommu_groups', String(group), 'devices')).catch(() => []);
  const devices = await Promise.all(addresses.sort().map((address) => readDevice(roots, address)));
  const functions = devices.filter(({ isBridge }) => !isBridge);
  const others = functions.filter(({ driver }) => driver !== undefined && driver !== 'vfio-pci');
  const missing = others.map(
    ({ address, driver }) =>
      `${address} has the driver ${driver}; bind it with: driverctl set-override ${address} vfio-pci`,
  );
  if (functions.length === 0) missing.push('it has bridges only');
  else if (others.length === 0 && !functions.some(({ driver }) => driver === 'vfio-pci'))
    missing.push(`no device has a driver; bind it with: driverctl set-override ${functions[0]!.address} vfio-pci`);
  const node = join(roots.dev, 'vfio', String(group));
  if (missing.length === 0) {
    if (!(await exists(node))) missing.push(`${node}; load the drivers with: modprobe vfio-pci`);
    else if (!(await mayUse(node))) missing.push(`permission for ${node}; give it with: chown $USER ${node}`);
  }
  return { group, devices, missing };
}

async function readDevice({ sys }: HostRoots, address: string): Promise<HostDevice> {
  const folder = join(sys, 'bus/pci/devices', address);
  const text = (name: string) => readFile(join(folder, name), 'utf8').then((read) => read.trim().replace(/^0x/, ''));
  const [vendor, device, kind] = await Promise.all(
    ['vendor', 'device', 'class'].map((name) => text(name).catch(() => '')),
  );
  const driver = await readlink(join(folder, 'driver')).then(basename, () => undefined);
  return {
    address,
    id: `${vendor}:${device}`,
    ...(driver !== undefined && { driver }),
    isBridge: kind!.startsWith('0604'),
    isResettable: await exists(join(folder, 'reset')),
  };
}

/** The groups of those numbers, ready to be used. Throws a Problem with what stands against it. */
export async function usableGroups(wanted: readonly number[], roots: HostRoots = hostRoots): Promise<HostGroup[]> {
  const [lacking] = await missingOfHost(roots);
  if (lacking !== undefined) throw new Problem(`--target dev: this machine lacks ${lacking}.`);
  const there = await hostGroups(roots);
  if (wanted.length === 0) {
    const groups = there.map(({ group, devices }) => `${group} (${devices.map(({ address }) => address).join(', ')})`);
    throw new Problem(`--target dev: name a group with --group N; there are ${groups.join(', ')}.`);
  }
  return Promise.all(
    wanted.map(async (number) => {
      const group = there.find((one) => one.group === number);
      if (!group) {
        const known = there.map((one) => one.group).join(', ');
        throw new Problem(
          `--group ${number}: there is no such IOMMU group; there are ${known}; vfio-conform targets shows them.`,
        );
      }
      const [against] = group.missing;
      if (against !== undefined) throw new Problem(`--group ${number}: ${against}.`);
      await openOnce(number, join(roots.dev, 'vfio', String(number)));
      return group;
    }),
  );
}

/** The kernel lets one process at a time have a group. */
async function openOnce(group: number, node: string): Promise<void> {
  try {
    await (await open(node, 'r+')).close();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EBUSY')
      throw new Problem(`--group ${group}: ${node} is in use; find who has it with: fuser -v ${node}`);
    if (code === 'EACCES' || code === 'EPERM')
      throw new Problem(`--group ${group}: no permission for ${node}; give it with: chown $USER ${node}`);
    throw new Problem(
      `--group ${group}: ${node} cannot be opened: ${message}; vfio-conform targets shows this machine's groups.`,
    );
  }
}

/** Bytes that this process may lock; undefined without bound, as for those with CAP_IPC_LOCK. */
async function lockLimit(): Promise<number | undefined> {
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(
    await readFile('/proc/self/status', 'utf8').catch(() => ''),
  )?.[1];
  // CAP_IPC_LOCK is bit 14.
  if (capabilities !== undefined && (BigInt(`0x${capabilities}`) >> 14n) & 1n) return undefined;
  const limit = /^Max locked memory\s+(\d+)/m.exec(await readFile('/proc/self/limits', 'utf8').catch(() => ''))?.[1];
  return limit === undefined ? undefined : Number(limit);
}

const exists = (path: string): Promise<boolean> => access(path).then(...yesOrNo);
const mayUse = (path: string): Promise<boolean> => access(path, constants.R_OK | constants.W_OK).then(...yesOrNo);
const yesOrNo = [() => true, () => false] as const;
