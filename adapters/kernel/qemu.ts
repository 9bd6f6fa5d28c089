import type { Machine } from '../../spec/uapi/vocabulary.ts';
import { portAddress } from './machine.ts';

/** How the guest's instructions are run: in software, or by the processor. */
export type Accelerator = 'tcg' | 'kvm';

/** The options of the emulator for one boot. */
export interface Boot {
  accelerator: Accelerator;
  machine: Required<Machine>;
  /** The options that make the groups. */
  groups: string[];
  kernel: string;
  initramfs: string;
  /** Unix socket on which the adapter listens for the guest's port. */
  socket: string;
  memoryMiB: number;
  cpus: number;
  /** Further kernel parameters. */
  parameters: readonly string[];
}

/** Name of the virtio port that carries the protocol. */
export const portName = 'vfio-conform.0';

/** In software, an instruction that fills or copies memory (ERMS) goes byte by byte: without it kernels choose better. */
const processor: Record<Accelerator, string> = { kvm: 'host', tcg: 'max,la57=off,erms=off' };

export const emulator = 'qemu-system-x86_64';

/** The emulator's arguments. */
export function qemuArguments(boot: Boot): string[] {
  const { machine } = boot;
  const iommu = [
    'intel-iommu',
    `intremap=${machine.interruptRemapping ? 'on' : 'off'}`,
    'caching-mode=on',
    ...(machine.addressBits === 48 ? ['aw-bits=48'] : []),
    ...(machine.snoopControl ? ['snoop-control=on'] : []),
  ];
  return [
    // Nothing that the user's configuration or the emulator's defaults would add.
    ...['-nodefaults', '-no-user-config', '-nographic', '-monitor', 'none'],
    // A kernel that gives up ends the emulator.
    '-no-reboot',
    // With a split interrupt chip the emulated IOMMU can remap interrupts under KVM too.
    ...['-machine', machine.interruptRemapping ? 'q35,kernel-irqchip=split' : 'q35'],
    ...['-accel', boot.accelerator, '-cpu', processor[boot.accelerator]],
    ...['-smp', String(boot.cpus), '-m', String(boot.memoryMiB)],
    // The IOMMU comes before the devices behind it.
    ...['-device', iommu.join(',')],
    ...['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'],
    ...['-device', `virtio-serial-pci,bus=pcie.0,addr=0x0${portAddress},disable-legacy=on`],
    ...['-chardev', `socket,id=port,path=${boot.socket.replaceAll(',', ',,')}`],
    ...['-device', `virtserialport,chardev=port,name=${portName}`],
    ...boot.groups,
    ...['-kernel', boot.kernel, '-initrd', boot.initramfs],
    ...['-append', kernelParameters(boot.parameters)],
  ];
}

/**
 * The kernel's parameters: quiet, but warnings reach the console; an oops is
 * the end, because what it leaves behind proves nothing about later programs.
 * Each program is a session of its own; groups of tasks made for each of them
 * would be in the way. On a busy host the timer may be late, which is no reason
 * to give up.
 */
function kernelParameters(further: readonly string[]): string {
  const output = ['console=ttyS0', 'quiet', 'loglevel=5'];
  const faults = ['oops=panic', 'panic=-1'];
  return [...output, 'intel_iommu=on', ...faults, 'noautogroup', 'no_timer_check', ...further].join(' ');
}
