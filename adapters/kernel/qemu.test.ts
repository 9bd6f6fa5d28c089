import { describe, expect, it } from 'vitest';
import { spelledOut } from '../../spec/uapi/emulated-machine.ts';
import { type Boot, qemuArguments } from './qemu.ts';

const boot: Boot = {
  accelerator: 'tcg',
  machine: spelledOut({}),
  groups: ['-device', 'edu'],
  kernel: '/k',
  initramfs: '/i',
  socket: '/s,1',
  memoryMiB: 512,
  cpus: 2,
  parameters: [],
};

const given = (args: string[], option: string): string => args[args.indexOf(option) + 1]!;

describe('qemuArguments', () => {
  it('gives the default machine', () => {
    const args = qemuArguments(boot);
    expect(given(args, '-machine')).toBe('q35,kernel-irqchip=split');
    expect(given(args, '-accel')).toBe('tcg');
    expect(given(args, '-device')).toBe('intel-iommu,intremap=on,caching-mode=on');
    expect(given(args, '-cpu')).toBe('max,la57=off,erms=off');
    expect(given(args, '-append')).toBe(
      'console=ttyS0 quiet loglevel=5 intel_iommu=on oops=panic panic=-1 noautogroup no_timer_check',
    );
    expect(args).toContain('socket,id=port,path=/s,,1');
    expect(args).toContain('-no-reboot');
  });

  it('puts the IOMMU before the devices behind it', () => {
    const devices = qemuArguments(boot).filter((_, index, all) => all[index - 1] === '-device');
    expect(devices.map((device) => device.split(',')[0])).toEqual([
      'intel-iommu',
      'virtio-serial-pci',
      'virtserialport',
      'edu',
    ]);
  });

  it('gives the properties of the machine to the IOMMU', () => {
    const machine = spelledOut({ interruptRemapping: false, addressBits: 48, snoopControl: true });
    const args = qemuArguments({ ...boot, machine });
    expect(given(args, '-machine')).toBe('q35');
    expect(given(args, '-device')).toBe('intel-iommu,intremap=off,caching-mode=on,aw-bits=48,snoop-control=on');
  });

  it('passes on kernel parameters, and the processor under KVM', () => {
    const args = qemuArguments({ ...boot, accelerator: 'kvm', parameters: ['slub_debug=FZ', 'nosmep'] });
    expect(given(args, '-append')).toMatch(/ panic=-1 .*slub_debug=FZ nosmep$/);
    expect(given(args, '-cpu')).toBe('host');
  });
});
