import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { emulatedEnvironment, spelledOut } from '../spec/uapi/emulated-machine.ts';
import type { RecordLine } from '../spec/uapi/vocabulary.ts';
import { RecordFile, readRecord } from './record-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-record-'));
const file = join(folder, 'record.jsonl');
afterAll(() => rmSync(folder, { recursive: true }));

const header: RecordLine = {
  kind: 'header',
  format: 2,
  tool: { name: 'test', version: '1', hash: '' },
  contract: '',
  options: {},
  profile: 'type1-6.12',
  parameters: {},
  target: 'sim',
  strict: true,
  seed: 0,
  selection: { suites: [] },
};
const environment: RecordLine = {
  kind: 'machine',
  machine: 'default',
  targetVersion: 'simulator 1',
  units: [],
  environment: emulatedEnvironment(spelledOut({}), {}),
};
const one: RecordLine = {
  kind: 'case',
  suite: 'boundary',
  place: { machine: 'default', unit: 'a', index: 0 },
  verdict: 'pass',
  trace: {
    environment: 'default',
    program: { id: 'a', topology: { slots: {} }, ops: [] },
    end: 'completed',
    outcomes: [],
  },
};
const footer: RecordLine = { kind: 'footer', cases: 1, verdicts: { pass: 1 }, seconds: 1, complete: true };

function read(...lines: (RecordLine | string)[]) {
  writeFileSync(file, lines.map((line) => (typeof line === 'string' ? line : `${JSON.stringify(line)}\n`)).join(''));
  return readRecord(file);
}

test('what was written is read back', () => {
  const record = new RecordFile(file);
  for (const line of [header, environment, one, footer]) record.write(line);
  record.close();
  expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(5);
  expect(readRecord(file)).toMatchObject({
    header,
    body: [environment, one],
    cases: [one],
    footer,
    targetVersion: 'simulator 1',
    incomplete: undefined,
  });
});

test('machines, those that were missing, and cases are read in their order', () => {
  const missing: RecordLine = { kind: 'missing', machine: 'm', need: { machine: {}, slots: [] }, why: 'hardware' };
  const lines = [environment, one, missing, { ...environment, machine: 'other' }, one];
  expect(read(header, ...lines, { ...footer, cases: 2 }).body).toEqual(lines);
});

test.each<[string, (RecordLine | string)[], RegExp]>([
  ['without footer', [header, environment, one], /has no footer/],
  ['of a run that was cut off', [header, environment, one, { ...footer, complete: false }], /was cut off$/],
  [
    'of a target that was lost',
    [header, environment, one, { ...footer, complete: false, lost: 'It died.' }],
    /It died/,
  ],
  ['whose cases are gone', [header, environment, footer], /footer counts 1 cases/],
  ['cut in its last line', [header, environment, one, '{"kind":"fo'], /cut off in line 4/],
])('a record %s says that it is incomplete', (_, lines, message) => {
  expect(read(...lines).incomplete).toMatch(message);
});

test.each<[string, (RecordLine | string)[], RegExp]>([
  [
    'of an older format',
    [`${JSON.stringify({ ...header, format: 1 })}\n`, one],
    /record\.jsonl:1: a record of format 1; this version reads format 2/,
  ],
  ['without header', [environment, one, footer], /has no header line/],
  ['joined to another', [header, environment, one, footer, header], /record\.jsonl:5: comes after the footer/],
  ['with two headers', [header, header], /record\.jsonl:2: a second header/],
  ['with a case of an unknown environment', [header, one], /record\.jsonl:2: environment default is not described/],
  ['with a line that is no JSON', [header, 'nonsense\n', footer], /record\.jsonl:2: not a line of JSON/],
])('a record %s is refused with the place', (_, lines, message) => {
  expect(() => read(...lines)).toThrow(message);
});
