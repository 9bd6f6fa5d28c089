import { accessSync, constants } from 'node:fs';
import type { Adapter, Need, Session, SessionHooks } from '../../spec/uapi/adapter.ts';
import { spelledOut } from '../../spec/uapi/emulated-machine.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import { RemoteSession } from '../remote/session.ts';
import { boot } from './boot.ts';
import { allowsUnsafeInterrupts, parseBoot } from './boot-parameters.ts';
import type { Kernel } from './cache.ts';
import { withFaults } from './console.ts';
import type { CoverageCollector } from './coverage.ts';
import { builtPrograms, initramfs, type Programs, readGuestPrograms } from './initramfs.ts';
import { layout } from './machine.ts';
import type { KernelPackage } from './package.ts';
import type { Accelerator } from './qemu.ts';
import { type Settings, settings } from './settings.ts';
import { newestVersion, ownKernel, packagedKernel } from './source.ts';

/** Which kernel, and how to run it. */
export interface KernelSpec extends Partial<Settings> {
  /** A packaged kernel: the newest of a release, such as 6.1, or one that is pinned, such as 6.1.192-3; default: the newest. */
  version?: string;
  /** The file of its package, so that apt is not asked. */
  package?: string;
  /** A kernel of the user's own, in place of a version. */
  image?: string;
  /** With image: folder that holds its modules; default: everything is built in. */
  modules?: string;
  /** Seconds for which the guest may say nothing while programs are under way; more than it allows a program. */
  stallSeconds?: number;
  /** Further parameters of the kernel and of its modules, as on a kernel's command line. */
  boot?: string;
  /** Takes what each machine's kernel counted of what it executed. */
  coverage?: CoverageCollector;
  /** Folder with guest-init and vfio-conformd, in place of what the build made. */
  programs?: string;
  /** Hears sentences for people: a download, a fallback. */
  note?(line: string): void;
}

/** Programs sent ahead keep the guest busy. */
const window = 8;
/** A guest that virtualises is up in a second or two; one that hangs is to cost little. */
const trialSeconds = 20;
/** How much longer than the guest the adapter waits for a program. */
const marginSeconds = 20;

/** Whether this process has seen a guest start with the processor's virtualisation. */
let virtualisation: boolean | undefined;

/** The target `kernel`, which can say what it boots. */
export interface KernelAdapter extends Adapter {
  /** The package of its kernel, which is fetched if need be; undefined for one of the user's own. Throws a Problem. */
  package(): Promise<KernelPackage | undefined>;
}

/** What is booted, and with what in it. */
interface Bootable {
  kernel: Kernel;
  programs: Programs;
  /** Boot parameters, one by one. */
  parameters: string[];
  from?: KernelPackage;
}

/** The target `kernel`: a Linux kernel in an emulated machine that is made for the need. */
export function kernelAdapter(spec: KernelSpec = {}): KernelAdapter {
  const named = spec.image ?? spec.version;
  const target = named === undefined ? 'kernel' : `kernel:${named}`;
  let prepared: Promise<Bootable> | undefined;
  const bootable = (): Promise<Bootable> => {
    prepared ??= prepare(target, spec);
    return prepared;
  };
  return {
    target,
    offers: ({ machine }) => {
      const { nesting, interruptRemapping } = spelledOut(machine);
      // The emulated IOMMU translates in one stage; and what lacks remapping is to be refused for it.
      return nesting === 'none' && (interruptRemapping || !allowsUnsafeInterrupts(parseBoot(spec.boot ?? '')));
    },
    package: async () => (await bootable()).from,
    start: async (need, hooks = {}) => start(target, spec, await bootable(), need, hooks),
  };
}

async function prepare(target: string, spec: KernelSpec): Promise<Bootable> {
  const { image, modules, version = newestVersion, note = () => {} } = spec;
  if (modules !== undefined && image === undefined)
    throw new Problem(`${target}: --modules goes with a kernel of your own; name it with kernel:PATH.`);
  if (spec.package !== undefined && image !== undefined)
    throw new Problem(
      `${target}: --kernel-package is for kernel and kernel:VERSION; leave out one of the two kernels.`,
    );
  const parameters = parseBoot(spec.boot ?? '');
  // What is missing on this host is to be known before a download.
  const programs = await readGuestPrograms(spec.programs ?? builtPrograms);
  if (image !== undefined) return { programs, parameters, kernel: await ownKernel(image, modules) };
  return { programs, parameters, ...(await packagedKernel(version, spec.package, note)) };
}

async function start(
  target: string,
  spec: KernelSpec,
  bootable: Bootable,
  need: Need,
  hooks: SessionHooks,
): Promise<Session> {
  const { note = () => {} } = spec;
  const { kernel, programs, parameters } = bootable;
  const { accel, bootSeconds, programSeconds, ...hardware } = settings(spec);
  const { stallSeconds = programSeconds + marginSeconds } = spec;
  if (stallSeconds <= programSeconds)
    throw new Problem(
      `--stall ${stallSeconds}: the guest allows a program ${programSeconds} s, so give more, or set VFIO_CONFORM_PROGRAM_SECONDS.`,
    );
  const plan = layout(need);
  const coverage = spec.coverage !== undefined;
  const files = initramfs(plan, kernel.modules, programs, { programSeconds, parameters, coverage });
  const machine = spelledOut(need.machine);

  const begin = (accelerator: Accelerator, seconds: number): Promise<Session> =>
    RemoteSession.start({
      place: target,
      subject: 'The machine',
      remedy: remedy(kernel.modules.length > 0, coverage),
      launch: () =>
        boot({
          ...hardware,
          parameters,
          accelerator,
          machine,
          groups: plan.options,
          kernel: kernel.image,
          initramfs: files,
          coverage: spec.coverage,
        }),
      window,
      handshakeMs: seconds * 1000,
      stallMs: stallSeconds * 1000,
      inspect: withFaults,
      note,
      ...hooks,
    });
  if (accel !== 'auto') return begin(accel, bootSeconds);
  if (virtualisation ?? mayVirtualise()) {
    try {
      const session = await begin('kvm', Math.min(trialSeconds, bootSeconds));
      virtualisation = true;
      return session;
    } catch (error) {
      if (!(error instanceof Problem) || hooks.signal?.aborted) throw error;
      note(`A guest does not start with KVM within ${trialSeconds} s here; falling back to emulation.`);
    }
  }
  virtualisation = false;
  return begin('tcg', bootSeconds);
}

function remedy(hasModules: boolean, counts: boolean): string {
  if (counts) return 'to count, a kernel needs CONFIG_GCOV_KERNEL and CONFIG_DEBUG_FS (docs/own-kernel.md)';
  return hasModules
    ? 'if the kernel is not at fault, give it more time or memory (docs/kernel-target.md)'
    : 'without --modules, vfio-pci, type1, virtio-pci and virtio-console must be built in (docs/kernel-target.md)';
}

function mayVirtualise(): boolean {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
