// Devices, drivers and parameters, on a made-up sysfs.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { emulatedEnvironment, spelledOut } from '../../spec/uapi/emulated-machine.ts';
import type { Op } from '../../spec/uapi/vocabulary.ts';
import { layout } from '../kernel/machine.ts';
import { builtDaemons, TestDaemon } from './test-daemon.ts';

const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(builtDaemons())('$name', ({ name, binary, missing }) => {
  test.runIf(missing)('is not built', (context) => context.skip(missing));

  describe.skipIf(missing)('with a configuration', () => {
    const sysfs = join(folder, `sysfs-${name}`);
    const devices = join(sysfs, 'bus/pci/devices');
    const procfs = join(folder, `procfs-${name}`);
    const environment = { ...emulatedEnvironment(spelledOut({}), { a: { devices: 1, viable: true } }), id: 'lab' };

    /** A daemon on a made-up sysfs: a bridge whose bus has number 7, and one device behind it. */
    function lab(slots: unknown, ...options: string[]) {
      const config = join(folder, `config-${name}.json`);
      writeFileSync(config, JSON.stringify({ environment, sysfs, procfs, devices: slots }, null, 2));
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

    test('of the type1 module it tells what the kernel has, whatever was planned', async () => {
      const module = join(sysfs, 'module/vfio_iommu_type1');
      mkdirSync(join(module, 'parameters'), { recursive: true });
      writeFileSync(join(module, 'parameters/dma_entry_limit'), '100\n');
      const config = join(folder, `without-type1-${name}.json`);
      const machine = spelledOut({ type1Module: false });
      writeFileSync(config, JSON.stringify({ environment: { ...environment, machine }, sysfs, procfs }));
      const daemon = new TestDaemon(binary, '--config', config);
      expect(await daemon.ask({ type: 'describe', protocol: 1 })).toMatchObject({
        environment: { ...environment, machine: { ...machine, type1Module: true }, dmaEntryLimit: 100 },
      });
      expect(await daemon.stop()).toBe(0);
      rmSync(module, { recursive: true });
    });

    test('the layout of an emulated machine is a configuration', async () => {
      const { groups } = layout({ machine: {}, slots: [{ devices: 2, viable: false }] });
      const daemon = lab(groups);
      const open: Op = { op: 'open', what: 'group', slot: 's', as: 'g' };
      expect(await daemon.ask(run({ s: 's0' }, [open]))).toMatchObject({
        detail: `slot s0: there is no PCI device ${groups.s0!.devices[0]}`,
      });
      expect(await daemon.stop()).toBe(0);
    });

    test.each([
      ['none', {}],
      ['no list', { devices: '0000:00:04.0/01.0' }],
      ['others beside them', { devices: ['0000:00:04.0/01.0'], boundToHostDriver: '0000:00:04.0/02.0' }],
      ['a list of host drivers', { devices: [], bound_to_host_driver: ['0000:00:04.0/02.0'] }],
    ])('a slot whose devices are %s is refused', (_, slot) => {
      const config = join(folder, `wrong-${name}.json`);
      writeFileSync(config, JSON.stringify({ environment, devices: { a: slot } }));
      const { status, stderr } = spawnSync(binary, ['--config', config], { encoding: 'utf8' });
      expect(stderr).toMatch(/slot a: needs `devices`, .*; nothing else\n$/);
      expect(status).toBe(2);
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
            { op: 'bind_driver', slot: 's', device: 0, driver: 'host' },
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

    describe('faults', () => {
      const fault = join(procfs, 'thread-self/fail-nth');
      const open = (as: string, actor = 'main'): Op => ({ op: 'open', what: 'path', path: '/dev/null', as, actor });
      const inject = (nth: number, actor = 'main'): Op => ({ op: 'inject', fault: 'allocation', nth, actor });
      let daemon: TestDaemon;

      beforeAll(() => {
        mkdirSync(join(procfs, 'thread-self'), { recursive: true });
      });
      beforeEach(() => {
        writeFileSync(fault, '');
        daemon = lab({});
      });
      afterEach(async () => expect(await daemon.stop()).toBe(0));

      test('are offered where the kernel has them', async () => {
        expect(await daemon.ask({ type: 'describe', protocol: 1 })).toMatchObject({
          ops: expect.arrayContaining(['inject']),
          faults: ['allocation'],
        });
        rmSync(fault);
        expect(await daemon.ask({ type: 'describe', protocol: 1 })).toMatchObject({
          ops: expect.not.arrayContaining(['inject']),
        });
      });

      test('are told to the kernel for the next op of that process, and taken back', async () => {
        const outcomes = await daemon.outcomes(
          { op: 'rlimit', resource: 'nofile', value: 40 },
          inject(12),
          open('a'),
          { op: 'dup', fd: 'a', as: 'b' },
          { op: 'fork', as: 'child' },
          inject(1),
          inject(3, 'child'),
          { op: 'dup', fd: 'a', as: 'b', actor: 'child' },
        );
        expect(outcomes.slice(1)).toEqual([
          { value: 0 },
          { fd: 'a' },
          { fd: 'b' },
          { value: 0 },
          { value: 0 },
          { value: 0 },
          { fd: 'b' },
        ]);
        // A rehearsal, the fault and its end, by main and, from the start of the file again, by the child.
        expect(readFileSync(fault, 'utf8')).toBe('0300');
      });

      test('are over when their op comes to no system call', async () => {
        await daemon.outcomes(
          { op: 'mmap', as: 'm', length: 4096, protection: 'read' },
          inject(5),
          { op: 'ioctl', fd: 'a', number: 1, argument: { memory: 'm', at: 0, bytes: '00' } },
          open('a'),
        );
        expect(readFileSync(fault, 'utf8')).toBe('');
      });

      test.each<[string, Op[]]>([
        ['op 0 (inject): only allocations can be made to fail', [{ op: 'inject', fault: 'copy', nth: 1 }, open('a')]],
        [
          'op 0 (inject): a fault cannot be injected into the op after it',
          [inject(1), open('a', 'child'), { op: 'barrier' }],
        ],
        ['op 0 (inject): only one fault can be injected into an op', [inject(1), inject(2), open('a')]],
      ])('cannot always be: %s', async (detail, ops) => {
        expect(await daemon.run(...ops)).toMatchObject({ end: 'unsupported', detail });
      });
    });
  });
});
