// Names that every JavaScript object has are names like any others: of nothing where nothing is called so, of something where it is.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { builtDaemons, TestDaemon } from '../adapters/native/test-daemon.ts';
import { simulatorAdapter } from '../adapters/simulator/adapter.ts';
import { decide } from '../conformance/assess/verdict.ts';
import { assignSlots, single } from '../conformance/suites/suite.ts';
import { compileContract } from '../reference/interpreter/contract.ts';
import { runOnModel } from '../reference/model-target.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import { partOf } from '../spec/uapi/test-part.ts';
import { uapi } from '../spec/uapi/uapi.ts';
import type { Op, Program } from '../spec/uapi/vocabulary.ts';
import { inProcess } from './test-in-process.ts';

const { folder, vfioConform } = inProcess();
const names = ['constructor', '__proto__', 'toString', 'hasOwnProperty'];

/** Every place of a command line that takes a name; what is unknown is refused, and nothing else is said of it. */
const places: ((name: string) => string[])[] = [
  (name) => ['explain', name],
  (name) => ['run', '--set', `${name}=${name}`],
  (name) => ['run', '--set', `base_kernel=${name}`],
  (name) => ['run', '--profile', name],
  (name) => ['run', '--suite', name],
  (name) => ['run', '--only', name],
  (name) => ['run', '--only', `${name}/x`],
  (name) => ['run', '--target', name],
  (name) => ['run', '--target', `sim:${name}=1`],
  (name) => ['run', '--target', `sim:base_kernel=${name}`],
  (name) => ['run', '--target', `sim:defect=${name}`],
  (name) => ['run', '--report', name],
  (name) => ['run', '--report', `${name}:${folder}/x`],
  (name) => ['spec', '--format', name],
  (name) => ['check', '--set', `${name}=1`],
  (name) => ['programs', '--only', name],
  (name) => ['replay', `vc1.${name}`],
  (name) => [name],
];

test.each(
  partOf(
    places.flatMap((place, i) => [place(names[i % 4]!), place('__proto__')]),
    7,
  ),
)('%s %s %s is refused in a sentence', async (...words) => {
  const { status, stdout, stderr } = await vfioConform(...words);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).not.toContain('internal error');
  expect(stderr).toMatch(/unknown|no (parameter|defect)|cannot be|damaged|ids of programs|names no/);
});

const data = loadContract();
const contract = compileContract(data, parameterSetting(data, 'v1-singleton'));
const GET_API_VERSION = uapi.ioctls.VFIO_GET_API_VERSION!.number;

/** A program in which everything that has a name is called like that. */
const called = (name: string): Program => ({
  id: `${name}/${name}`,
  feature: name,
  rule: name,
  topology: { slots: { [name]: single } },
  changes: [{ slot: name }, { module: name, parameter: name }],
  ops: [
    { op: 'open', what: 'container', as: name },
    { op: 'ioctl', fd: name, number: GET_API_VERSION, argument: { value: 0 } },
    { op: 'open', what: 'group', slot: name, as: name },
    { op: 'mmap', as: name, length: 4096 },
    { op: 'poke', memory: name, at: 0, bytes: '00'.repeat(8), relocations: [{ at: 0, width: 8, ref: name }] },
    { op: 'peek', memory: name, at: 0, length: 8 },
    { op: 'fork', as: name },
    { op: 'peek', memory: name, at: 0, length: 8, actor: name },
    { op: 'set_parameter', module: 'vfio_iommu_type1', parameter: name, value: '1' },
  ],
});

test('everything in a program can be called constructor', async () => {
  const program = called('constructor');
  const session = await simulatorAdapter(contract.parameters).start({ machine: {}, slots: [single] });
  const { environment } = session.description;
  const slots = assignSlots(program.topology.slots, environment)!;
  const result = await session.run(program, slots);
  expect(result.outcomes.map(({ errno, fd, value }) => errno ?? fd ?? value)).toEqual([
    ...['constructor', 0, 'constructor', 0, 0, 0, 0, 0],
    'ENOENT',
  ]);
  expect(runOnModel(contract, environment, program).outcomes).toEqual(result.outcomes.slice(0, 8));
  const { verdict } = decide(contract, environment, { environment: environment.id, program, ...result }, false);
  expect(verdict).toBe('undefined');
});

test('what is called constructor is missing where it is not there', async () => {
  const session = await simulatorAdapter().start({ machine: {}, slots: [single] });
  const { topology, ...program } = called('constructor');
  for (const op of [
    { op: 'peek', memory: 'constructor', at: 0, length: 1 },
    { op: 'barrier', actor: 'constructor' },
    { op: 'open', what: 'group', slot: 'constructor', as: 'g' },
  ] as Op[]) {
    const { end } = await session.run({ ...program, topology: { slots: {} }, ops: [op] }, {});
    expect([op, end]).toEqual([op, 'unsupported']);
  }
  // A slot that the program has, and the request does not name.
  expect(await session.run({ ...program, topology }, {})).toMatchObject({ end: 'unsupported', outcomes: [] });
});

test.each(builtDaemons())('$name takes such names as any others', async ({ binary, missing }) => {
  if (missing !== undefined) return;
  const daemon = new TestDaemon(binary);
  const { topology, ops } = called('constructor');
  const plain = ops.filter(({ op }) => ['mmap', 'poke', 'peek', 'fork'].includes(op));
  expect((await daemon.outcomes(...plain)).map(({ value }) => value)).toEqual(plain.map(() => 0));
  const program = { id: 'x', topology, ops: [] };
  expect(await daemon.ask({ type: 'run', id: 1, slots: {}, program })).toMatchObject({ end: 'unsupported' });
  expect(await daemon.stop()).toBe(0);
});

test('a file with such a program is replayed', async () => {
  const file = join(folder, 'constructor.json');
  writeFileSync(file, JSON.stringify(called('constructor')));
  const { stdout, stderr } = await vfioConform('replay', file);
  expect(stdout + stderr).not.toContain('internal error');
  expect(stdout).toContain('constructor');
  writeFileSync(file, JSON.stringify({ ...called('constructor'), ops: [{ op: 'toString' }] }));
  expect(await vfioConform('replay', file)).toMatchObject({ status: 2, stdout: '' });
});
