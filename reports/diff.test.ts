import { describe, expect, test } from 'vitest';
import { emulatedEnvironment, spelledOut } from '../spec/uapi/emulated-machine.ts';
import type { Environment, Op, Outcome, Trace } from '../spec/uapi/vocabulary.ts';
import { diffRecords } from './diff.ts';
import type { RunRecord } from './record-file.ts';

const environment = emulatedEnvironment(spelledOut({}), {});
const ops: Op[] = [{ op: 'barrier' }, { op: 'close', fd: 'a' }, { op: 'close', fd: 'b' }];
const outcomes: Outcome[] = [{ value: 0 }, { value: 0 }, { value: 0 }];

function trace(more: Partial<Trace> & { id?: string; ops?: Op[] } = {}): Trace {
  const { id = 'suite/handler/state/what', ops: own = ops, ...rest } = more;
  const program = { id, topology: { slots: {} }, ops: own };
  return { environment: 'default', program, end: 'completed', outcomes, ...rest };
}

/** A record of traces on one machine. */
function record(traces: Trace[], more: Partial<Environment> = {}, seed = 0): RunRecord {
  const own = { ...environment, ...more };
  return {
    header: {
      kind: 'header',
      format: 2,
      tool: { name: 'test', version: '1', hash: '' },
      contract: '',
      options: {},
      profile: 'type1-6.12',
      parameters: {},
      target: 'sim',
      strict: true,
      seed,
      selection: { suites: ['boundary'] },
    },
    body: [],
    environments: new Map([[own.id, own]]),
    targetVersion: 'simulator 1',
    cases: traces.map((one, index) => ({
      kind: 'case',
      suite: 'boundary',
      place: { machine: 'default', unit: 'suite/handler/state', index },
      trace: { ...one, environment: own.id },
    })),
    footer: undefined,
    incomplete: undefined,
  };
}

const one = (outcome: Outcome) => trace({ outcomes: outcomes.with(1, outcome) });
const diff = (first: Trace, second: Trace) => diffRecords(record([first]), record([second]));

describe('an answer', () => {
  test.each<[what: string, first: Outcome, second: Outcome]>([
    ['errno', { errno: 'EINVAL' }, { errno: 'EBADF' }],
    ['errno and a value', { errno: 'EINVAL' }, { value: 0 }],
    ['value', { value: 1 }, { value: 2 }],
    ['descriptor', { fd: 'a' }, { fd: 'b' }],
    ['peeked byte', { value: 0, bytes: '00' }, { value: 0, bytes: '01' }],
    ['saved output', { value: 0, saved: { x: 1 } }, { value: 0, saved: { x: 2 } }],
    ['changed byte', { value: 0, changed: [{ memory: 'm', at: 0, bytes: '00' }] }, { value: 0 }],
  ])('with another %s differs', (_, first, second) => {
    const { divergences, programs } = diff(one(first), one(second));
    expect(divergences).toMatchObject([{ op: 1, machine: 'default' }]);
    expect(programs).toMatchObject({ compared: 1, different: 1 });
  });

  test.each<[what: string, first: Outcome, second: Outcome]>([
    ['stamps', { value: 0, span: [1, 2] }, { value: 0, span: [3, 4] }],
    ['spelling of a number', { value: '0x10' }, { value: 16 }],
    ['spelling of an output', { value: 0, saved: { x: '0x10' } }, { value: 0, saved: { x: 16 } }],
    ['way to say that nothing changed', { value: 0, changed: [] }, { value: 0 }],
  ])('with another %s does not differ', (_, first, second) => {
    expect(diff(one(first), one(second))).toMatchObject({
      divergences: [],
      programs: { compared: 1, different: 0, notRun: 0 },
    });
  });
});

test('only the first difference of a program counts', () => {
  const other = trace({ outcomes: [{ value: 0 }, { errno: 'EBADF' }, { errno: 'EBADF' }] });
  expect(diff(trace(), other).divergences).toMatchObject([{ op: 1 }]);
});

describe('an end', () => {
  test.each<[title: string, first: Partial<Trace>, second: Partial<Trace>, op: number]>([
    ['a crash in an op', {}, { end: 'crashed', outcomes: outcomes.slice(0, 1) }, 1],
    ['a crash after the last op', {}, { end: 'crashed' }, 2],
    ['a crash where the other hangs', { end: 'crashed', outcomes: [] }, { end: 'hung', outcomes: [] }, 0],
    ['an outcome that is missing', { outcomes: outcomes.slice(0, 2) }, {}, 2],
  ])('%s differs', (_, first, second, op) => {
    expect(diff(trace(first), trace(second)).divergences).toMatchObject([{ op }]);
  });

  test('the same crash does not', () => {
    const crash = trace({ end: 'crashed', outcomes: [] });
    expect(diff(crash, crash).programs).toMatchObject({ compared: 1, different: 0 });
  });
});

describe('what is not compared is counted', () => {
  const unsupported = trace({ end: 'unsupported', outcomes: [] });

  test('programs that only one record has', () => {
    const first = record([trace({ id: 'a' }), trace({ id: 'b' })]);
    const second = record([trace({ id: 'b' }), trace({ id: 'c' }), trace({ id: 'd' })]);
    expect(diffRecords(first, second).programs).toMatchObject({ compared: 1, onlyFirst: 1, onlySecond: 2 });
  });

  test('programs of one name with other ops', () => {
    expect(diff(trace(), trace({ ops: ops.slice(0, 2) })).programs).toMatchObject({ compared: 0, changed: 1 });
  });

  test('programs that a target could not perform', () => {
    expect(diff(trace(), unsupported).programs).toMatchObject({ compared: 0, notRun: 1 });
  });

  test('but what was performed before may differ', () => {
    const partly = trace({ end: 'unsupported', outcomes: [{ errno: 'EIO' }] });
    expect(diff(trace(), partly)).toMatchObject({ programs: { compared: 1, notRun: 0 }, divergences: [{ op: 0 }] });
  });
});

describe('machines', () => {
  test('are known by their kind, not by the name that a target gives them', () => {
    expect(diffRecords(record([trace()]), record([trace()], { id: 'lab-3' }))).toMatchObject({
      programs: { compared: 1 },
      conditions: [],
    });
  });

  test('of other kinds are not compared', () => {
    const { conditions, programs } = diffRecords(
      record([trace()]),
      record([trace()], { machine: { addressBits: 48 } }),
    );
    expect(programs).toMatchObject({ compared: 0, onlyFirst: 1, onlySecond: 1 });
    expect(conditions).toEqual([
      { machine: 'default', property: 'programs', first: 'run', second: 'not run' },
      { machine: '48-bit', property: 'programs', first: 'not run', second: 'run' },
    ]);
  });

  test('and runs are compared in what bears on answers', () => {
    const device = { ...environment.device, config: '00' };
    const other = record([trace()], { pageSize: 16384, dmaBufferBytes: 8192, device }, 7);
    expect(diffRecords(record([trace()]), other).conditions).toEqual([
      { property: 'seed', first: '0', second: '7' },
      { machine: 'default', property: 'pageSize', first: '4096', second: '16384' },
      { machine: 'default', property: 'dmaBufferBytes', first: '4095', second: '8192' },
      { machine: 'default', property: 'device.config', first: environment.device.config, second: '00' },
    ]);
  });
});

test('a record with a program twice is refused', () => {
  expect(() => diffRecords(record([trace()]), record([trace(), trace()]))).toThrow(
    /^the second record has the program suite\/handler\/state\/what twice on default; /,
  );
});
