import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { missingAddon } from '../adapters/native/dev/addon.ts';
import { type HostGroup, hostGroups, missingOfHost } from '../adapters/native/dev/host.ts';
import { packageRoot } from '../spec/uapi/package-root.ts';
import { visibleJson } from '../spec/uapi/visible.ts';

interface TargetLine {
  target: string;
  about: string;
  /** What this machine lacks, each with a remedy; absent for what needs nothing. */
  missing?: string[];
  /** Of `dev`: the IOMMU groups of this machine, each with what stands against its use. */
  groups?: HostGroup[];
}

/** `vfio-conform targets`: lists the targets and what is missing for them here, or pins a kernel. Throws a Problem. */
export async function targetsCommand(options: { json?: boolean; lock?: string }): Promise<void> {
  if (options.lock !== undefined) {
    const { lockKernel } = await import('../adapters/kernel/source.ts');
    const { from, target } = await lockKernel(options.lock);
    if (options.json) process.stdout.write(`${JSON.stringify({ target, ...from })}\n`);
    else process.stdout.write(`${target} is ${from.name} ${from.version}, SHA-256 ${from.sha256}.\n`);
    return;
  }
  const kernel = [
    onPath('qemu-system-x86_64') ? '' : 'QEMU; install it with: apt-get install qemu-system-x86',
    onPath('xz') ? '' : 'xz; install it with: apt-get install xz-utils',
    existsSync(join(packageRoot, 'dist/native/vfio-conformd'))
      ? ''
      : 'the C daemon; install a compiler with: apt-get install gcc libc6-dev, then run: npm run build',
  ].filter((one) => one !== '');
  const addon = missingAddon();
  const dev = [...(addon === undefined ? [] : [addon]), ...(await missingOfHost())];
  const targets: TargetLine[] = [
    { target: 'sim', about: 'the simulator, with the parameters of the profile; sim:PARAM=VALUE,... sets it alone' },
    { target: 'model', about: 'the contract itself as an implementation' },
    {
      target: 'dev',
      about: "groups of this machine's own /dev/vfio, each named by --group N",
      ...(dev.length > 0 && { missing: dev }),
      groups: await hostGroups(),
    },
    { target: 'kernel', about: 'the newest packaged kernel, booted in QEMU', missing: kernel },
    { target: 'kernel:6.1', about: 'Linux 6.1 of Debian 12, booted in QEMU', missing: kernel },
    { target: 'kernel:6.12', about: 'Linux 6.12 of Debian 12, booted in QEMU', missing: kernel },
    {
      target: 'kernel:6.12.117-1',
      about: 'a package that kernels.lock.yaml names; --lock VERSION adds one',
      missing: kernel,
    },
    { target: 'kernel:PATH', about: 'a bzImage of your own, with --modules DIR where it has modules', missing: kernel },
    {
      target: 'exec:COMMAND',
      about: 'a program that speaks the adapter protocol on standard input and output (docs/protocol.md)',
    },
  ];
  if (options.json) process.stdout.write(`${visibleJson({ targets })}\n`);
  else
    for (const { target, about, missing = [], groups = [] } of targets) {
      const lines = [about, ...missing.map((one) => `missing here: ${one}`), ...groups.flatMap(groupLines)];
      process.stdout.write(`${target.padEnd(18)}${lines.join(`\n${' '.repeat(18)}`)}\n`);
    }
}

/** A group as `group 7: 0000:00:05.0 8086:10d3 vfio-pci`, a line for each device and each thing that it lacks. */
function groupLines({ group, devices, missing }: HostGroup): string[] {
  const names = devices.map(({ address, id, driver }) => `${address} ${id} ${driver ?? 'without a driver'}`);
  return [`group ${group}: ${names.join(', ')}`, ...missing.map((one) => `  missing here: ${one}`)];
}

function onPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
}
