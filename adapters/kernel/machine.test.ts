import { describe, expect, it } from 'vitest';
import { emulatedEnvironment, spelledOut } from '../../spec/uapi/emulated-machine.ts';
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

  it('puts a device that can be reset behind a port of its own', () => {
    const slot: Slot = { ...single, resettable: true };
    const { options, groups, environment } = layout({ machine: {}, slots: [slot, slot] });
    expect(options.slice(4)).toEqual([
      ...['-device', 'pcie-root-port,id=s1,bus=pcie.0,addr=0x04,chassis=4'],
      ...['-device', 'edu,bus=s1,addr=0x00'],
    ]);
    expect(groups).toEqual({ s0: { devices: ['0000:00:03.0/00.0'] }, s1: { devices: ['0000:00:04.0/00.0'] } });
    expect(environment.slots.s0).toMatchObject({ devices: 1, resettable: true });
  });

  it('adds a card that is bound to a host driver to a group that is not viable', () => {
    const { options, groups } = layout({ machine: {}, slots: [{ devices: 1, viable: false }] });
    expect(options.slice(-4)).toEqual([
      '-chardev',
      'null,id=s0-null',
      '-device',
      'pci-serial,bus=s0,addr=0x02.0,chardev=s0-null',
    ]);
    expect(groups).toEqual({ s0: { devices: ['0000:00:03.0/01.0'], bound_to_host_driver: '0000:00:03.0/02.0' } });
  });

  it('has room for the largest group, each device in a place of its own', () => {
    const { groups } = layout({ machine: {}, slots: [{ devices: 64, viable: false }] });
    const paths = [...groups.s0!.devices, groups.s0!.bound_to_host_driver];
    expect(new Set(paths).size).toBe(65);
    expect(paths.at(-1)).toBe('0000:00:03.0/16.1');
  });

  it('does not offer what the machine cannot have', () => {
    const far = layout({ machine: {}, slots: [single, { ...single, iommu: 1 }, single] });
    expect(Object.keys(far.environment.slots)).toEqual(['s0', 's2']);
    const company = layout({
      machine: {},
      slots: [
        { devices: 2, viable: true, resettable: true },
        { devices: 1, viable: false, resettable: true },
      ],
    });
    expect(company.environment.slots).toEqual({});
    const many = layout({ machine: {}, slots: Array.from({ length: 40 }, () => single) });
    expect(Object.keys(many.groups)).toHaveLength(28);
    expect(Object.values(many.groups).at(-1)).toEqual({ devices: ['0000:00:1e.0'] });
  });

  it('describes the environment', () => {
    expect(layout({ machine: {}, slots: [{ ...single, dma: false }] }).environment).toEqual(
      emulatedEnvironment(spelledOut({}), { s0: { devices: 1, viable: true, dma: true, iommu: 0 } }),
    );
    const machine = { interruptRemapping: false, addressBits: 48, snoopControl: true, type1Module: false } as const;
    expect(layout({ machine, slots: [] }).environment).toMatchObject({
      id: 'no-interrupt-remapping-48-bit-snoop-control-no-type1',
      apertureLast: '0xffffffffffff',
    });
  });
});
