import { closeSync, ftruncateSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { limits } from '../spec/uapi/limits.ts';
import { partOf, whole } from '../spec/uapi/test-part.ts';
import { inProcess } from './test-in-process.ts';

const { folder, vfioConform } = inProcess();
const file = join(folder, 'large.jsonl');
const program = (parts: object) => ({ id: 'a', topology: { slots: {} }, ops: [], ...parts });
const environment = {
  ...{
    id: 'e',
    machine: {},
    slots: {},
    pageSize: 4096,
    apertureLast: 1,
    reserved: [],
    pageSizes: 4096,
    userAddressEnd: 1,
  },
  ...{ dmaEntryLimit: 1, memlockExempt: true, dmaAddressBits: 28, dmaBufferBytes: 4096 },
  device: {
    ...{ regions: [], interrupts: [], config: '', configWritable: '', configUnknown: '', registers: [] },
    interruptCause: { raise: 0, acknowledge: 0 },
  },
};
const header = {
  ...{
    kind: 'header',
    format: 2,
    tool: { name: 't', version: '1', hash: '' },
    contract: '',
    target: 'sim',
    options: {},
  },
  ...{ profile: 'v1-singleton', parameters: {}, strict: true, seed: 0, selection: { suites: [] } },
};
const machine = { kind: 'machine', machine: 'default', targetVersion: '1', environment, units: [] };
const caseOf = (parts: object) => ({
  ...{ kind: 'case', suite: 's', place: { machine: 'default', unit: 'u', index: 0 } },
  trace: { environment: 'e', program: program({}), end: 'completed', outcomes: [], ...parts },
});
const twice = (op: object) => [op, { ...op, as: 'b' }];

describe('what is too large is refused with one sentence', () => {
  it.each(
    partOf<[what: string, value: object, message: string]>(
      [
        [
          'bytes',
          program({ ops: [{ op: 'poke', memory: 'm', at: 0, bytes: '00'.repeat(5 << 20) }] }),
          '/ops/0/bytes must NOT have more than 2097152 characters',
        ],
        [
          'a name',
          program({ ops: [{ op: 'fork', as: 'a'.repeat(150_000) }] }),
          '/ops/0/as must NOT have more than 64 characters',
        ],
        ['an id', program({ id: 'a'.repeat(150_000) }), '/id must NOT have more than 1024 characters'],
        [
          'slots',
          program({
            topology: {
              slots: Object.fromEntries(
                Array.from({ length: 100_000 }, (_, i) => [`s${i}`, { devices: 1, viable: true }]),
              ),
            },
          }),
          '/topology/slots must NOT have more than 64 properties',
        ],
        ['ops', program({ ops: Array(300_000).fill({ op: 'barrier' }) }), '/ops must NOT have more than 10000 items'],
        [
          'memory',
          program({ ops: twice({ op: 'mmap', as: 'a', length: limits.memory }) }),
          '/ops/1 takes the memory of all processes to 134217728 bytes',
        ],
      ],
      3,
    ),
  )('%s of a program', async (_, value, message) => {
    writeFileSync(file, JSON.stringify(value));
    for (const command of ['replay', 'explain']) {
      const { status, stderr } = await vfioConform(command, file);
      expect(stderr).toContain(message);
      expect(stderr.trimEnd().split('\n')).toHaveLength(1);
      expect(status).toBe(2);
    }
  });

  it.each(
    partOf<[what: string, value: object, message: string]>(
      [
        [
          'outcomes',
          caseOf({ outcomes: Array(10_001).fill({ value: 0 }) }),
          ':3: /trace/outcomes must NOT have more than 10000 items',
        ],
        [
          'memory',
          caseOf({ program: program({ ops: twice({ op: 'mmap', as: 'a', length: limits.memory }) }) }),
          ':3: /trace/program/ops/1 takes the memory',
        ],
        [
          'a line',
          { kind: 'a'.repeat(limits.recordLine) },
          ':3: a line of 134217739 characters, and at most 134217728 are read',
        ],
      ],
      3,
    ),
  )('%s of a record', async (_, value, message) => {
    writeFileSync(file, [header, machine, value].map((line) => `${JSON.stringify(line)}\n`).join(''));
    const { status, stderr } = await vfioConform('judge', file);
    expect(stderr).toContain(message);
    expect(status).toBe(2);
  });

  it.runIf(whole)('a line of a file of programs', async () => {
    writeFileSync(file, `${JSON.stringify(program({}))}\n${' '.repeat(limits.program)}{}\n`);
    const { status, stderr } = await vfioConform('replay', file);
    expect(stderr).toContain(':2: a program of 16777218 characters, and at most 16777216 are read; make it shorter.');
    expect(status).toBe(2);
  });

  it.each(partOf([['judge'], ['replay']], 2))('a file given to %s', async (command) => {
    const large = openSync(file, 'w');
    ftruncateSync(large, limits.file + 1);
    closeSync(large);
    const { status, stderr } = await vfioConform(command, file);
    expect(stderr).toContain('large.jsonl: is larger than the 536870888 bytes that are read; give a part of it.');
    expect(status).toBe(2);
  });
});
