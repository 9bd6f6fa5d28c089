import { accessSync, constants } from 'node:fs';
import type { Adapter, Need, Session, SessionHooks } from '../../spec/uapi/adapter.ts';
import { spelledOut } from '../../spec/uapi/emulated-machine.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import { RemoteSession } from '../remote/session.ts';
import { boot } from './boot.ts';
import { withFaults } from './console.ts';
import type { CoverageCollector } from './coverage.ts';
import { builtPrograms, initramfs, readGuestPrograms } from './initramfs.ts';
import { layout } from './machine.ts';
import type { Accelerator } from './qemu.ts';
import { type Settings, settings } from './settings.ts';
import { newestVersion, ownKernel, packagedKernel } from './source.ts';

/** Which kernel, and how to run it. */
export interface KernelSpec extends Partial<Settings> {
  /** Version of a packaged kernel, such as 6.1; default: the newest. */
  version?: string;
  /** A kernel of the user's own, in place of a version. */
  image?: string;
  /** With image: folder that holds its modules; default: everything is built in. */
  modules?: string;
  /** Seconds for which the guest may say nothing while programs are under way; more than it allows a program. */
  stallSeconds?: number;
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

/** The target `kernel`: a Linux kernel in an emulated machine that is made for the need. */
export function kernelAdapter(spec: KernelSpec = {}): Adapter {
  const named = spec.image ?? spec.version;
  const target = named === undefined ? 'kernel' : `kernel:${named}`;
  return {
    target,
    // The emulated IOMMU translates in one stage.
    offers: ({ machine }) => spelledOut(machine).nesting === 'none',
    start: (need, hooks = {}) => start(target, spec, need, hooks),
  };
}

async function start(target: string, spec: KernelSpec, need: Need, hooks: SessionHooks): Promise<Session> {
  if (spec.modules !== undefined && spec.image === undefined) {
    throw new Problem(`${target}: --modules goes with a kernel of your own; name it with kernel:PATH.`);
  }
  const { note = () => {} } = spec;
  const { accel, bootSeconds, programSeconds, ...hardware } = settings(spec);
  const { stallSeconds = programSeconds + marginSeconds } = spec;
  if (stallSeconds <= programSeconds)
    throw new Problem(
      `--stall ${stallSeconds}: the guest allows a program ${programSeconds} s, so give more, or set VFIO_CONFORM_PROGRAM_SECONDS.`,
    );
  // What is missing on this host is to be known before a download.
  const programs = await readGuestPrograms(spec.programs ?? builtPrograms);
  const kernel = await (spec.image === undefined
    ? packagedKernel(spec.version ?? newestVersion, note)
    : ownKernel(spec.image, spec.modules));
  const plan = layout(need);
  const files = initramfs(plan, kernel.modules, programs, programSeconds, spec.coverage !== undefined);
  const machine = spelledOut(need.machine);

  const begin = (accelerator: Accelerator, seconds: number): Promise<Session> =>
    RemoteSession.start({
      place: target,
      subject: 'The machine',
      remedy: remedy(kernel.modules.length > 0, spec.coverage !== undefined),
      launch: () =>
        boot({
          ...hardware,
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
      if (!(error instanceof Problem)) throw error;
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
