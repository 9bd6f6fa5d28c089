import { describe, expect, it } from 'vitest';
import type { Slot } from '../../spec/uapi/vocabulary.ts';
import { layout } from './machine.ts';

const single: Slot = { devices: 1, viable: true };

describe('layout', () => {
  it('puts a single device on the root bus', () => {
    const { options, groups } = layout({ machine: {}, slots: [single, single] });
    expect(options).toEqual(['-device', 'edu,bus=pcie.0,addr=0x03', '-device', 'edu,bus=pcie.0,addr=0x04']);
    expect(groups).toEqual({ s0: { devices: ['0000:00:03.0'] }, s1: { devices: ['0000:00:04.0'] } });
  });

  it('puts several devices behind a bridge', () => {
    const { options, groups } = layout({ machine: {}, slots: [{ devices: 2, viable: true }] });
    expect(options).toEqual([
      ...['-device', 'pcie-pci-bridge,id=s0,bus=pcie.0,addr=0x03'],
      ...['-device', 'edu,bus=s0,addr=0x01.0', '-device', 'edu,bus=s0,addr=0x02.0'],
    ]);
    expect(groups).toEqual({ s0: { devices: ['0000:00:03.0/01.0', '0000:00:03.0/02.0'] } });
  });

  it('adds a card that the kernel claims to a group that is not viable', () => {
    const { options, groups } = layout({ machine: {}, slots: [{ devices: 1, viable: false }] });
    expect(options.slice(-4)).toEqual([
      '-chardev',
      'null,id=s0-null',
      '-device',
      'pci-serial,bus=s0,addr=0x02.0,chardev=s0-null',
    ]);
    expect(groups).toEqual({ s0: { devices: ['0000:00:03.0/01.0'], claimed: '0000:00:03.0/02.0' } });
  });

  it('has room for the largest group, each device in a place of its own', () => {
    const { groups } = layout({ machine: {}, slots: [{ devices: 64, viable: false }] });
    const paths = [...groups.s0!.devices, groups.s0!.claimed];
    expect(new Set(paths).size).toBe(65);
    expect(paths.at(-1)).toBe('0000:00:03.0/16.1');
  });

  it('does not offer what the machine cannot have', () => {
    const far = layout({ machine: {}, slots: [single, { ...single, iommu: 1 }, single] });
    expect(Object.keys(far.environment.slots)).toEqual(['s0', 's2']);
    const many = layout({ machine: {}, slots: Array.from({ length: 40 }, () => single) });
    expect(Object.keys(many.groups)).toHaveLength(28);
    expect(Object.values(many.groups).at(-1)).toEqual({ devices: ['0000:00:1e.0'] });
  });

  it('describes the environment', () => {
    expect(layout({ machine: {}, slots: [{ ...single, dma: false }] }).environment).toEqual({
      id: 'default',
      machine: { interruptRemapping: true, addressBits: 39, snoopControl: false, type1Module: true },
      slots: { s0: { devices: 1, viable: true, dma: true, iommu: 0 } },
      pageSize: 4096,
      apertureLast: '0x7fffffffff',
      reserved: [{ first: '0xfee00000', last: '0xfeefffff' }],
      dmaEntryLimit: 65535,
      memlockExempt: true,
      dmaAddressBits: 28,
      dmaBufferBytes: 4096,
    });
    const machine = { interruptRemapping: false, addressBits: 48, snoopControl: true, type1Module: false } as const;
    expect(layout({ machine, slots: [] }).environment).toMatchObject({
      id: 'no-interrupt-remapping-48-bit-snoop-control-no-type1',
      apertureLast: '0xffffffffffff',
    });
  });
});
