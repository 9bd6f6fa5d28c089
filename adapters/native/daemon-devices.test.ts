// Devices, drivers and parameters, on a made-up sysfs.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Op } from '../../spec/uapi/vocabulary.ts';
import { builtDaemons, TestDaemon } from './test-daemon.ts';

const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-'));
afterAll(() => rmSync(folder, { recursive: true }));
const page = 4096;

describe.each(builtDaemons())('$name', ({ name, binary, missing }) => {
  test.runIf(missing)('is not built', (context) => context.skip(missing));

  describe.skipIf(missing)('with a configuration', () => {
    const sysfs = join(folder, `sysfs-${name}`);
    const devices = join(sysfs, 'bus/pci/devices');
    const environment = {
      id: 'lab',
      machine: { addressBits: 39 },
      slots: { a: { devices: 1, viable: true } },
      pageSize: page,
      apertureLast: '0x7fffffffff',
      reserved: [],
      dmaEntryLimit: 65535,
      memlockExempt: true,
      dmaAddressBits: 28,
      dmaBufferBytes: 4096,
    };

    /** A daemon on a made-up sysfs: a bridge whose bus has number 7, and one device behind it. */
    function lab(slots: unknown, ...options: string[]) {
      const config = join(folder, `config-${name}.json`);
      writeFileSync(config, JSON.stringify({ environment, sysfs, devices: slots }, null, 2));
      return new TestDaemon(binary, '--config', config, ...options);
    }

    beforeAll(() => {
      mkdirSync(join(devices, '0000:00:04.0/0000:07:01.0'), { recursive: true });
      symlinkSync('0000:00:04.0/0000:07:01.0', join(devices, '0000:07:01.0'));
      mkdirSync(join(sysfs, 'kernel/iommu_groups/12345678'), { recursive: true });
      symlinkSync(join(sysfs, 'kernel/iommu_groups/12345678'), join(devices, '0000:07:01.0/iommu_group'));
      mkdirSync(join(sysfs, 'bus/pci/drivers/vfio-pci'), { recursive: true });
      mkdirSync(join(sysfs, 'module/example/parameters'), { recursive: true });
      writeFileSync(join(sysfs, 'module/example/parameters/limit'), '10\n');
      for (const file of ['bus/pci/drivers/vfio-pci/bind', 'bus/pci/devices/0000:07:01.0/driver_override'])
        writeFileSync(join(sysfs, file), '');
    });

    const run = (slots: Record<string, string>, ops: Op[], rest = {}) => ({
      type: 'run',
      id: 1,
      slots,
      program: { id: 'p', topology: { slots: { s: { devices: 1, viable: true } } }, ops, ...rest },
    });

    test('the environment is told as it is written', async () => {
      const daemon = lab({});
      expect(await daemon.ask({ type: 'describe', protocol: 1 })).toMatchObject({ environment });
      expect(await daemon.stop()).toBe(0);
    });

    test('a device is found behind its bridge, whatever its bus number', async () => {
      const daemon = lab({ a: { devices: ['0000:00:04.0/01.0'] }, b: { devices: ['0000:00:04.0/02.0'] } });
      const open: Op = { op: 'open', what: 'group', slot: 's', as: 'g' };
      expect(await daemon.ask(run({ s: 'a' }, [open]))).toMatchObject({ outcomes: [{ errno: 'ENOENT' }] });
      expect(await daemon.ask(run({ s: 'b' }, [open]))).toMatchObject({
        end: 'unsupported',
        detail: 'slot b: there is no PCI device 0000:00:04.0/02.0',
      });
      expect(await daemon.ask(run({ s: 'c' }, [open]))).toMatchObject({
        end: 'unsupported',
        detail: 'this machine has no slot c',
      });
      expect(await daemon.ask(run({}, [open]))).toMatchObject({
        end: 'unsupported',
        detail: 'the request does not say which slot s is',
      });
      expect(await daemon.stop()).toBe(0);
    });

    test('a driver is bound by name, and parameters come back after the program', async () => {
      const daemon = lab({ a: { devices: ['0000:00:04.0/01.0'] } });
      const answer = await daemon.ask(
        run(
          { s: 'a' },
          [
            { op: 'set_parameter', module: 'example', parameter: 'limit', value: '99' },
            { op: 'bind_driver', slot: 's', device: 0, driver: 'vfio-pci' },
            { op: 'bind_driver', slot: 's', device: 0, driver: 'native' },
            { op: 'unbind_driver', slot: 's', device: 0 },
          ],
          { changes: [{ module: 'example', parameter: 'limit' }] },
        ),
      );
      expect(answer).toMatchObject({
        end: 'completed',
        outcomes: [{ value: 0 }, { value: 0 }, { errno: 'ENODEV' }, { errno: 'ENODEV' }],
      });
      expect(readFileSync(join(sysfs, 'bus/pci/drivers/vfio-pci/bind'), 'utf8')).toBe('0000:07:01.0');
      expect(readFileSync(join(sysfs, 'bus/pci/devices/0000:07:01.0/driver_override'), 'utf8')).toBe('vfio-pci');
      expect(readFileSync(join(sysfs, 'module/example/parameters/limit'), 'utf8')).toBe('10\n');
      expect(await daemon.stop()).toBe(0);
    });
  });
});
