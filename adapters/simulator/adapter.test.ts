import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../spec/uapi/package-root.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import type { Program } from '../../spec/uapi/vocabulary.ts';
import { simulatorAdapter } from './adapter.ts';
import { dma, ioctl, map, number, opened, peek, poke, ready, run, start, withDevice } from './test-programs.ts';

describe('parameters', () => {
  it('that are unknown are refused with the names of those that are known', () => {
    expect(() => simulatorAdapter({ colour: 'red' })).toThrow(Problem);
    expect(() => simulatorAdapter({ colour: 'red' })).toThrow(/foreign_container_fd.*untouched_read_map/);
  });

  it('with an unknown value are refused with the values that are known', () => {
    expect(() => simulatorAdapter({ bind: 'perhaps' })).toThrow(/bind.*absent/);
    expect(() => simulatorAdapter({ foreign_container_fd: '' })).toThrow(/ebadfd or einval/);
  });
});

describe('the seed of what hardware keeps', () => {
  it('is a whole number', () => {
    for (const cache_seed of ['0', '-1', '18446744073709551616']) simulatorAdapter({ cache_seed });
    for (const cache_seed of ['', 'x', '1.5', '0x1']) {
      expect(() => simulatorAdapter({ cache_seed })).toThrow(Problem);
    }
  });
});

describe('the description', () => {
  it('follows its schema', async () => {
    const ajv = new Ajv2020({ strict: false });
    for (const name of ['program', 'environment']) {
      ajv.addSchema(JSON.parse(readFileSync(`${packageRoot}/spec/uapi/schema/${name}.schema.json`, 'utf8')));
    }
    const { description } = await start({ machine: { addressBits: 48 }, slots: [{ devices: 2, viable: false }] });
    ajv.validate('environment.schema.json', description.environment);
    expect(ajv.errors).toBeNull();
  });

  it('says what the machine is', async () => {
    const session = await start({ machine: {}, slots: [{ devices: 1, viable: true }] });
    const { name, version, ops, environment } = session.description;
    expect(name).toBe('simulator');
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(ops).toHaveLength(28);
    expect(environment).toMatchObject({
      id: 'default',
      machine: { interruptRemapping: true, addressBits: 39, snoopControl: false, type1Module: true },
      slots: { s0: { devices: 1, viable: true, dma: true, iommu: 0 } },
      apertureLast: '0x7fffffffff',
      reserved: [{ first: '0xfee00000', last: '0xfeefffff' }],
    });
  });

  it('names the machine after what is not as by default', async () => {
    const idOf = async (machine: object) => (await start({ machine })).description.environment.id;
    expect(await idOf({ interruptRemapping: true })).toBe('default');
    expect(await idOf({ interruptRemapping: false })).toBe('no-interrupt-remapping');
    expect(await idOf({ type1Module: false, addressBits: 48 })).toBe('48-bit-no-type1');
  });
});

describe('a session', () => {
  it('runs each program from a fresh start', async () => {
    const session = await start();
    const program: Program = {
      id: 'a',
      topology: { slots: { g0: { devices: 1, viable: true } } },
      ops: [...withDevice(), map(), dma('to-memory', 0x10_0000, 8)],
    };
    const first = session.run(program, { g0: 's0' });
    expect(session.run(program, { g0: 's0' })).toEqual(first);
    expect(first).toMatchObject({ end: 'completed' });
    await session.stop();
  });

  it('does not show one program what another has stored', async () => {
    const session = await start();
    const show = (ops: Program['ops']): Program => ({ id: 'a', topology: { slots: {} }, ops });
    const memory = { op: 'mmap', as: 'm', length: 4096 } as const;
    await session.run(show([memory, poke('m', 5, '00112233')]), {});
    const result = await session.run(show([memory, poke('m', 0, 'aa'), peek('m', 0, 12)]), {});
    expect(result.outcomes[2]!.bytes).toBe('aaffffffffffffffffffffff');
  });

  it('uses the slots that it is told to', async () => {
    const session = await start({
      slots: [
        { devices: 1, viable: false },
        { devices: 2, viable: true },
      ],
    });
    const program = (devices: number, viable: boolean): Program => ({
      id: 'a',
      topology: { slots: { g0: { devices, viable } } },
      ops: [...opened(), ...ready().slice(opened().length)],
    });
    expect(session.run(program(1, true), { g0: 's1' })).toMatchObject({ end: 'completed' });
    for (const slots of [{ g0: 's0' }, { g0: 's9' }, {}] as Record<string, string>[]) {
      expect(session.run(program(1, true), slots)).toMatchObject({ end: 'unsupported', outcomes: [] });
    }
  });

  it('has devices that can be reset where it is told to', async () => {
    const session = await start({ slots: [{ devices: 1, viable: true, resettable: true }] });
    const program = (resettable: boolean): Program => ({
      id: 'a',
      topology: { slots: { g0: { devices: 1, viable: true, resettable } } },
      ops: [],
    });
    expect(session.run(program(true), { g0: 's0' })).toMatchObject({ end: 'completed' });
    expect(session.run(program(false), { g0: 's0' })).toMatchObject({ end: 'unsupported' });
  });

  it('does not run what needs another machine', async () => {
    const session = await start();
    const program: Program = { id: 'a', topology: { machine: { addressBits: 48 }, slots: {} }, ops: [] };
    expect(session.run(program, {})).toMatchObject({
      end: 'unsupported',
      detail: expect.stringContaining('addressBits'),
    });
  });

  it('says what it does not perform, with the outcomes up to there', async () => {
    const result = await run([...withDevice(), ioctl('d', number.VFIO_DEVICE_IOEVENTFD!)]);
    expect(result).toMatchObject({ end: 'unsupported', detail: expect.stringContaining('ioctl') });
    expect(result.outcomes).toHaveLength(withDevice().length);
  });
});
