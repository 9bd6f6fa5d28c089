import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SaxesParser } from 'saxes';
import { beforeAll, describe, expect, it } from 'vitest';
import { toToken } from '../conformance/running/token.ts';
import { mergeNeeds } from '../conformance/suites/suite.ts';
import { suites } from '../conformance/suites/suites.ts';
import { modelEnvironment } from '../reference/model-target.ts';
import { whole } from '../spec/uapi/test-part.ts';
import type { Program, RecordLine } from '../spec/uapi/vocabulary.ts';
import { inProcess } from './test-in-process.ts';

const { folder, vfioConform } = inProcess();

/** What moves cursors, sets titles, turns text around, hides, or passes for a line of the tool's own. */
const HOSTILE =
  '\x1b[2J\x1b]0;title\x07\x9b31m\r\nPASS all\x00\x7f\u061c\u200b\u200e\u202e\u2066\u2028\u{e0041}\ufeff\uffff\ud800';
const raw =
  /(?!\n)[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffe\uffff\u{e0000}-\u{e007f}\ud800-\udfff]/u;

const hostileName = `a${HOSTILE}b`;
const { slots, ...environment } = modelEnvironment(mergeNeeds(suites.flatMap((suite) => suite.needs()))[0]!);
const description = {
  ...{ type: 'description', protocol: 1, name: hostileName, version: hostileName },
  ops: ['open', 'close', 'dup', 'ioctl', 'mmap', 'poke', 'peek', hostileName],
  environment: {
    ...environment,
    id: hostileName,
    slots: Object.fromEntries(Object.entries(slots).map(([name, slot]) => [`${name}${HOSTILE}`, slot])),
  },
};

/** A daemon of which every text is hostile; how a program ends goes by turns. */
const daemon = `
import { createInterface } from 'node:readline';
const hostile = ${JSON.stringify(hostileName)};
const say = (message) => console.log(JSON.stringify(message));
console.error(hostile);
if (process.argv[2] === 'dies') process.exit(3);
if (process.argv[2] === 'babbles') console.log(hostile.replaceAll('\\n', ' '));
let turn = 0;
createInterface({ input: process.stdin }).on('line', (line) => {
  const { type, id, program } = JSON.parse(line);
  if (type === 'describe') say(${JSON.stringify(description)});
  if (type === 'stop') process.exit(0);
  if (type !== 'run') return;
  const result = { type: 'result', id, outcomes: [], detail: hostile, log: [hostile] };
  const outcomes = program.ops.map(() => ({ value: 0x7ace, saved: { [hostile]: 1 } }));
  switch (turn++ % 4) {
    case 0: return say({ ...result, end: 'completed', outcomes });
    case 1: return say({ ...result, end: 'crashed' });
    case 2: return say({ ...result, end: 'unsupported' });
    default: return say({ type: 'error', id, message: hostile });
  }
});
`;

const program: Program = {
  id: `given/${hostileName}`,
  about: hostileName,
  topology: { slots: {} },
  ops: [
    { op: 'open', what: 'path', path: `/${hostileName}`, as: 'a' },
    { op: 'open', what: 'container', as: 'c' },
    { op: 'ioctl', fd: 'c', number: 0x3b64, argument: { value: 0 } },
  ],
};

const file = (name: string) => join(folder, name);
const target = (...words: string[]) => `exec:${process.execPath} ${file('daemon.mjs')} ${words.join(' ')}`;

/** The text of a document that has to be well-formed XML 1.0. */
function textOfXml(document: string): string {
  const parser = new SaxesParser();
  let text = '';
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('text', (piece) => {
    text += piece;
  });
  parser.on('opentag', ({ attributes }) => {
    text += Object.values(attributes).join(' ');
  });
  parser.write(document).close();
  return text;
}

beforeAll(() => {
  writeFileSync(file('daemon.mjs'), daemon);
  writeFileSync(file('program.json'), JSON.stringify(program));
});

describe('what a target, a record or a program says is shown, and does nothing', () => {
  it('in a run, its reports, and whatever reads its record', async () => {
    const record = ['--record', file('one.jsonl')];
    const reports = ['--report', `junit:${file('junit.xml')}`, '--report', `text:${file('text')}`];
    const ran = await vfioConform(
      'run',
      '--target',
      target(),
      '--suite',
      'scenarios',
      '--cases',
      '40',
      ...record,
      ...reports,
    );
    expect(ran.status).toBe(1);
    expect(ran.stdout).toContain('a\\x1b[2J\\x1b]0;title\\x07\\x9b31m\\r\\nPASS all\\x00\\x7f\\u{61c}');
    expect(ran.stdout + ran.stderr).not.toMatch(raw);
    expect(readFileSync(file('text'), 'utf8')).not.toMatch(raw);
    const junit = readFileSync(file('junit.xml'), 'utf8');
    expect(junit).not.toMatch(raw);
    expect(textOfXml(junit)).toContain('a\\x1b[2J');
    const judged = await vfioConform('judge', file('one.jsonl'), '--report', `junit:${file('judged.xml')}`);
    expect(judged.status).toBe(1);
    expect(judged.stdout + judged.stderr).not.toMatch(raw);
    expect(textOfXml(readFileSync(file('judged.xml'), 'utf8'))).toBe(textOfXml(junit));
  });

  it('in JSON, where it is exact and escaped', async () => {
    const judged = await vfioConform('judge', file('one.jsonl'), '--json');
    expect(judged.stdout).not.toMatch(raw);
    expect(JSON.parse(judged.stdout).targetVersion).toBe(`${hostileName} ${hostileName}`);
  });

  it.runIf(whole)('in the JSON of a run', async () => {
    const { stdout, stderr } = await vfioConform(
      'run',
      '--target',
      target(),
      '--suite',
      'scenarios',
      '--cases',
      '8',
      '--json',
    );
    expect(stdout + stderr).not.toMatch(raw);
    expect(JSON.parse(stdout).targetVersion).toBe(`${hostileName} ${hostileName}`);
  });

  it.runIf(whole)('in what diff shows', async () => {
    await vfioConform('run', '--suite', 'scenarios', '--cases', '40', '--record', file('sim.jsonl'));
    for (const options of [[], ['--all'], ['--json']]) {
      const { status, stdout, stderr } = await vfioConform('diff', file('one.jsonl'), file('sim.jsonl'), ...options);
      expect(status).toBe(1);
      expect(stdout + stderr).not.toMatch(raw);
    }
  });

  it.each([
    { words: ['replay', 'program.json'] },
    { words: ['replay', 'program.json', '--target', 'daemon'] },
    { words: ['replay', 'program.json', 'program.json'] },
    { words: ['replay', 'token'] },
    { words: ['explain', 'program.json'] },
    { words: ['explain', 'token'] },
  ])('in what $words shows', async ({ words }) => {
    const token = toToken(program);
    const given: Record<string, string> = { 'program.json': file('program.json'), token, daemon: target() };
    const { stdout, stderr } = await vfioConform(...words.map((word) => given[word] ?? word));
    expect(stdout).toContain('given/a\\x1b[2J');
    expect(stdout + stderr).not.toMatch(raw);
  });

  it.each([['dies'], ['babbles']])('when a daemon %s before it says what it is', async (how) => {
    const { status, stdout, stderr } = await vfioConform('run', '--target', target(how));
    expect(status).toBe(2);
    expect(stdout + stderr).not.toMatch(raw);
    // None of its lines passes for one of the tool's.
    expect(stderr.trimEnd().split('\n').slice(1)).toEqual(expect.arrayContaining([expect.stringMatching(/^ {2}/)]));
    expect(stderr).not.toMatch(/^PASS/m);
  });

  it.runIf(whole)('in problems with records and programs', async () => {
    const header = readFileSync(file('one.jsonl'), 'utf8').split('\n')[0]!;
    const change = (changes: object) => `${JSON.stringify({ ...(JSON.parse(header) as RecordLine), ...changes })}\n`;
    const bad = {
      'member.jsonl': change({ [hostileName]: 1 }),
      'profile.jsonl': change({ profile: hostileName }),
      'parameter.jsonl': change({ parameters: { [hostileName]: hostileName } }),
      'suite.jsonl': change({ selection: { suites: [hostileName] } }),
      'only.jsonl': change({ selection: { suites: ['boundary'], only: [hostileName] } }),
    };
    for (const [name, text] of Object.entries(bad)) {
      writeFileSync(file(name), text);
      const { status, stdout, stderr } = await vfioConform('judge', file(name));
      expect(status).toBe(2);
      expect(stderr).toContain('\\x1b');
      expect(stdout + stderr).not.toMatch(raw);
    }
    const names = { ...program, topology: { slots: { [hostileName]: { devices: 1, viable: true } } } };
    writeFileSync(file('names.json'), JSON.stringify(names));
    const { stderr } = await vfioConform('replay', file('names.json'));
    expect(stderr).not.toMatch(raw);
  });
});

it('what a record says of its target is a word of the replay line, whatever is in it', async () => {
  const [header, ...lines] = readFileSync(file('one.jsonl'), 'utf8').split('\n');
  const evil = "kernel:'; touch /tmp/x; echo $(id) \x1b[2J\n# ";
  const forged = { ...JSON.parse(header!), target: evil, options: { modules: evil } };
  writeFileSync(file('forged.jsonl'), [JSON.stringify(forged), ...lines].join('\n'));
  const { stdout, stderr } = await vfioConform('judge', file('forged.jsonl'));
  expect(stdout + stderr).not.toMatch(raw);
  const word = "$'kernel:\\'; touch /tmp/x; echo $(id) \\x1b[2J\\x0a# '";
  expect(stdout).toContain(`--target ${word} --profile v1-singleton --modules ${word}\n`);
});
