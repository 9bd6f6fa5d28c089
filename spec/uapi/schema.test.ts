import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { packageRoot } from './package-root.ts';
import { schemaCompiler } from './schema-compiler.ts';
import { validator } from './validator.ts';
import type {
  CheckResult,
  DiffResult,
  Environment,
  Outcome,
  Program,
  ProtocolMessage,
  RecordLine,
  RunResult,
  Trace,
} from './vocabulary.ts';

const folder = `${packageRoot}/spec/uapi/schema`;
const files = readdirSync(folder);
const accepts = (schema: string, value: unknown) => validator(schema)(value);

describe.each(['spec/uapi/schema', 'spec/contract/schema'])('the schemas of %s', (room) => {
  const place = `${packageRoot}/${room}`;
  test.each(readdirSync(place))('%s is valid JSON Schema 2020-12, under its own name', (file) => {
    const schema = JSON.parse(readFileSync(join(place, file), 'utf8'));
    expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    expect(schema.$id).toBe(file);
    const ajv = new Ajv2020({ strict: false });
    expect(ajv.validateSchema(schema), JSON.stringify(ajv.errors)).toBe(true);
    expect(schemaCompiler(place).getSchema(file)).toBeTypeOf('function');
  });
});

test('the generated types are current', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/generate.mjs', '--check'], {
    cwd: packageRoot,
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

const program: Program = {
  id: 'suite/handler/state/what',
  topology: { machine: { addressBits: 48 }, slots: { g: { devices: 1, viable: true, dma: true, iommu: 0 } } },
  changes: [{ slot: 'g' }, { module: 'vfio_iommu_type1', parameter: 'dma_entry_limit' }],
  ops: [{ op: 'open', what: 'container', as: 'c' }],
};
const outcome: Outcome = { fd: 'c', changed: [{ process: 'child', memory: 'ram', at: 0, bytes: '00' }], span: [1, 2] };
const trace: Trace = {
  environment: 'default',
  program,
  end: 'completed',
  outcomes: [outcome],
  detail: 'It ended.',
  log: ['a line'],
};
const environment: Environment = {
  id: 'default',
  machine: {},
  slots: { s0: { devices: 1, viable: true } },
  pageSize: 4096,
  apertureLast: '0x7fffffffff',
  reserved: [{ first: '0xfee00000', last: '0xfeefffff' }],
  pageSizes: 0x40201000,
  userAddressEnd: '0x7ffffffff000',
  dmaEntryLimit: 65535,
  memlockExempt: true,
  dmaAddressBits: 28,
  dmaBufferBytes: 4096,
  device: {
    regions: [{ size: 0x1000, flags: 7 }],
    interrupts: [{ count: 1, flags: 7 }, null],
    config: '00',
    configWritable: '00',
    configUnknown: '00',
    registers: [{ region: 0, at: 0x80, upper: 'ffffffff' }],
    interruptCause: { raise: 0x60, acknowledge: 0x64 },
  },
};
const header: RecordLine = {
  kind: 'header',
  format: 2,
  tool: { name: 'tool', version: '1', hash: '00' },
  contract: '00',
  options: { modules: 'folder' },
  profile: 'type1-6.12',
  parameters: { bind: 'absent' },
  target: 'model',
  strict: true,
  seed: 1,
  selection: { suites: ['boundary'], only: ['VFIO_IOMMU_BIND'], shard: { index: 0, of: 2 }, cases: 3 },
};
const place = { machine: 'default', unit: 'boundary/bind/c0', index: 0 };
const signature = { rule: 'rule', handler: 'bind', op: 'ioctl', expected: 'EINVAL', actual: '0' };
const group = {
  signature,
  count: 2,
  machine: 'default',
  program: 'id',
  explanation: {
    rule: 'other',
    sentence: 'It is so.',
    source: 'somewhere',
    alternative: 'third',
    settings: [{ set: ['bind=absent'], rules: ['rule'], changes: 2 }],
    state: ['main c: container'],
    history: [{ op: 0, rule: 'rule' }],
  },
};
const footer: RecordLine = {
  kind: 'footer',
  cases: 1,
  ops: 1,
  verdicts: { pass: 1 },
  seconds: 0.5,
  complete: true,
  rules: { total: 2, reached: 1, unreached: [{ id: 'rule', why: 'undefined' }] },
  witnesses: { other: { machine: 'default', program: 'id' } },
  lost: 'it went away',
  retried: 1,
  groups: [group],
};
const result: RunResult = {
  conforms: true,
  complete: true,
  target: 'model',
  targetVersion: '1',
  profile: 'type1-6.12',
  parameters: {},
  programs: 1,
  ops: 1,
  seconds: 1,
  verdicts: {},
  features: { bind: 'absent' },
  rules: { total: 0, reached: 0, unreached: [] },
  losses: [],
  inconclusive: [],
  rows: [{ name: 'VFIO_IOMMU_BIND', verdicts: { fail: 1 } }],
  groups: [group],
  failures: [
    {
      rule: 'rule',
      signature,
      suite: 'boundary',
      program: 'id',
      op: 0,
      expected: 'EINVAL',
      actual: 'returns 0',
      token: 'vc1.',
    },
  ],
};
const side = { rule: 'rule', sentence: 'It is so.', setting: 'type1-6.12', standing: 'holds' } as const;
const diff: DiffResult = {
  same: false,
  complete: true,
  first: { file: 'a.jsonl', target: 'sim', targetVersion: '1', setting: 'type1-6.12', programs: 1 },
  second: { file: 'b.jsonl', target: 'sim', targetVersion: '2', setting: 'type1-6.12', programs: 0, incomplete: 'cut' },
  conditions: [{ machine: 'default', property: 'pageSize', first: '4096', second: '16384' }],
  programs: { compared: 1, different: 1, onlyFirst: 0, onlySecond: 0, changed: 0, notRun: 0 },
  groups: [
    {
      first: side,
      second: { ...side, standing: 'broken' },
      parameters: [{ id: 'bind', first: 'absent', second: 'present' }],
      cases: [
        {
          program: 'id',
          machine: 'default',
          op: 0,
          operation: 'barrier',
          first: 'EIO',
          second: 'returns 0',
          token: '',
        },
      ],
    },
  ],
};
const checked: CheckResult = {
  profile: 'v1',
  parameters: { driver: 'v10' },
  holds: false,
  seconds: 1.5,
  bases: [
    {
      parameters: {},
      worlds: [
        { id: 'one_device', about: 'One device.', steps: 9, states: 2, transitions: 18, depth: 1, exhausted: true },
      ],
    },
  ],
  invariants: [
    {
      id: 'I1',
      sentence: 'It stays.',
      holds: false,
      premise: 2,
      states: 2,
      depth: 1,
      exhausted: true,
      steps: 1,
      defects: ['P3'],
      counterexamples: [
        {
          invariant: 'I1',
          defects: ['P3'],
          parameters: {},
          bases: [],
          world: 'one_device',
          steps: 1,
          setUp: 0,
          broken: 'It does not stay.',
          program,
          outcomes: [],
        },
      ],
    },
  ],
  notAsked: ['I4'],
  rules: { total: 2, taken: 1, untaken: [{ id: 'a_rule', why: 'It cannot be.' }] },
  differences: [{ defect: 'L2', sentence: 'It differs.', here: ['a_rule'], recommended: [], parameters: [] }],
};
const messages: ProtocolMessage[] = [
  { type: 'describe', protocol: 1 },
  { type: 'description', protocol: 1, name: 'linux', version: '6.12', ops: ['open'], environment },
  { type: 'run', id: 0, slots: { g: 's0' }, program },
  { type: 'result', id: 0, end: 'crashed', outcomes: [], detail: 'It crashed.' },
  { type: 'stop' },
  { type: 'error', message: 'What?' },
];

describe('what is exchanged and kept', () => {
  test.each([
    ['a program', 'program.schema.json', program],
    ['a trace', 'trace.schema.json', trace],
    ['an environment', 'environment.schema.json', environment],
    ['a result of a run', 'run-result.schema.json', result],
    ['a result of a comparison', 'diff-result.schema.json', diff],
    ['what was checked', 'check-result.schema.json', checked],
    ['a header', 'record.schema.json', header],
    [
      'a machine',
      'record.schema.json',
      {
        kind: 'machine',
        machine: 'default',
        targetVersion: '1',
        environment,
        units: [{ id: 'u', programs: 1, hash: '00' }],
      },
    ],
    [
      'a machine that is missing',
      'record.schema.json',
      { kind: 'missing', machine: 'default', need: { machine: {}, slots: [] }, why: 'hardware' },
    ],
    [
      'a case',
      'record.schema.json',
      {
        kind: 'case',
        suite: 'boundary',
        place,
        trace,
        verdict: 'pass',
        attempts: [{ end: 'completed', ops: 1, reason: 'ENOMEM' }],
      },
    ],
    ['a case that nobody has judged', 'record.schema.json', { kind: 'case', suite: 'boundary', place, trace }],
    ['a footer', 'record.schema.json', footer],
    ...messages.map((message) => [`a message ${message.type}`, 'protocol.schema.json', message] as const),
  ] as const)(
    '%s is accepted; with an unknown key, or without any one that it needs, it is not',
    (_, schema, value) => {
      expect(accepts(schema, value)).toBe(true);
      expect(accepts(schema, { ...value, colour: 'red' })).toBe(false);
      for (const key of requiredKeys(schema, value)) {
        const { [key]: _removed, ...rest } = value as unknown as Record<string, unknown>;
        expect(accepts(schema, rest), key).toBe(false);
      }
    },
  );

  test.each<[title: string, one: object]>([
    ['neither a value, a descriptor nor an errno', {}],
    ['a value and an errno', { value: 0, errno: 'EINVAL' }],
    ['a value and a descriptor', { value: 0, fd: 'c' }],
    ['an errno in small letters', { errno: 'einval' }],
    ['the other name of EAGAIN', { errno: 'EWOULDBLOCK' }],
    ['the other name of EDEADLK', { errno: 'EDEADLOCK' }],
    ['the other name of EOPNOTSUPP', { errno: 'ENOTSUP' }],
    ['a change without bytes', { value: 0, changed: [{ memory: 'ram', at: 0 }] }],
    ['one stamp', { value: 0, span: [1] }],
  ])('an outcome with %s is rejected', (_, one) => {
    expect(accepts('trace.schema.json#/$defs/outcome', one)).toBe(false);
  });

  test.each<[title: string, one: Outcome]>([
    ['a value', { value: 0 }],
    ['an errno that has no name', { errno: '524' }],
    ['an errno with two names, by the one', { errno: 'EOPNOTSUPP' }],
    ['a wide value and saved outputs', { value: '0xffffffffffffffff', saved: { size: '0x100000000' } }],
    ['bytes', { value: 0, bytes: '00ff' }],
  ])('an outcome with %s is accepted', (_, one) => {
    expect(accepts('trace.schema.json#/$defs/outcome', one)).toBe(true);
  });

  test('a program with a slot of no devices, or a slot whose name is none, is rejected', () => {
    expect(
      accepts('program.schema.json', { ...program, topology: { slots: { g: { devices: 0, viable: true } } } }),
    ).toBe(false);
    expect(
      accepts('program.schema.json', { ...program, topology: { slots: { G: { devices: 1, viable: true } } } }),
    ).toBe(false);
  });
});

/** The keys that a schema requires of a value: those of the definition that it is meant for. */
function requiredKeys(file: string, value: object): string[] {
  const schema = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  const tag = (value as { type?: string; kind?: string }).type ?? (value as { kind?: string }).kind;
  const required: string[] = (schema.oneOf ? schema.$defs[tag!] : schema).required;
  expect(required.length).toBeGreaterThan(0);
  return required;
}

test('no schema file is left without an example', () => {
  expect(files.sort()).toEqual([
    'check-result.schema.json',
    'diff-result.schema.json',
    'environment.schema.json',
    // Its examples, good and bad: adapters/kernel/source.test.ts.
    'kernel-lock.schema.json',
    'program.schema.json',
    'protocol.schema.json',
    'record.schema.json',
    'run-result.schema.json',
    // Its examples: cli/smoke-command.test.ts.
    'smoke-result.schema.json',
    // Its example is the whole contract: reports/reference/spec-document.test.ts.
    'spec-document.schema.json',
    'trace.schema.json',
  ]);
});
