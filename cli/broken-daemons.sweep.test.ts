import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../spec/uapi/package-root.ts';
import { partOf } from '../spec/uapi/test-part.ts';
import { MARK, markedProcesses } from '../spec/uapi/test-processes.ts';
import type { RecordCase, RecordMachine, RunResult } from '../spec/uapi/vocabulary.ts';
import { runCommand } from './run-command.ts';
import { printed } from './test-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-broken-'));
afterAll(() => rmSync(folder, { recursive: true }));

const part = { profile: 'type1-6.12', only: ['boundary/VFIO_CHECK_EXTENSION'], cases: '20' };
const daemon = join(packageRoot, 'cli/test-broken-daemon.mjs');
let answers: string;

/** What a correct target answers: the contract itself, as `model` runs it. */
beforeAll(async () => {
  const record = join(folder, 'model.jsonl');
  await printed(() => runCommand({ target: 'model', seed: '0', ...part, record }, '1'));
  const lines = readFileSync(record, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const { environment } = lines.find(({ kind }) => kind === 'machine') as RecordMachine;
  const cases = lines.filter(({ kind }) => kind === 'case') as RecordCase[];
  const ops = [...new Set(cases.flatMap(({ trace }) => trace.program.ops.map(({ op }) => op)))];
  answers = JSON.stringify({
    description: { name: 'broken', version: '1', ops, environment },
    answers: Object.fromEntries(cases.map(({ trace: { program, end, outcomes } }) => [program.id, { end, outcomes }])),
  });
});

/** What a run of a daemon came to, and how many processes of it are left. */
async function run(behaviour: string, options: readonly string[]) {
  const own = mkdtempSync(join(folder, `${behaviour}-`));
  writeFileSync(join(own, 'answers.json'), answers);
  const command = `exec '${process.execPath}' '${daemon}' ${behaviour} '${own}'`;
  const [only, record] = [part.only[0]!, join(own, 'record.jsonl')];
  const child = spawn(
    process.execPath,
    [
      ...[join(packageRoot, 'dist/cli/main.js'), 'run', '--target', `exec:${command}`, '--profile', part.profile],
      ...['--only', only, '--cases', part.cases, '--record', record, '--json', '--report', `junit:${own}/junit.xml`],
      ...options,
    ],
    { env: { ...process.env, [MARK]: own }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const [stdout, stderr] = [child.stdout, child.stderr].map(async (stream) => {
    let text = '';
    for await (const piece of stream.setEncoding('utf8')) text += piece;
    return text;
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const said = await stdout!;
  return {
    code,
    stderr: await stderr!,
    result: said === '' ? undefined : (JSON.parse(said) as RunResult),
    record,
    junit: join(own, 'junit.xml'),
    left: markedProcesses(own),
  };
}

/** Of 20 programs, 16 are under way at once. */
const few = ['--max-losses', '3'];
/** For daemons that hang, and others that would be given up for something else. */
const soon = [...few, '--stall', '3'];

/** Seconds within which every run of the table has to end, on a machine that does other things too. */
const seconds = 60;

describe('a daemon that misbehaves', () => {
  test.concurrent.each(
    partOf<[behaviour: string, options: string[], code: number, says: RegExp]>(
      [
        ['honest', [], 0, /no failure in the part that ran/],
        ['ends_after_describe', few, 2, /was lost 4 times, at last because it ended with status 0; .*--max-losses/],
        ['hangs_on_each_program', soon, 2, /was lost 4 times, at last because it did not reply for 3 s/],
        ['hangs_on_one_program', soon, 1, /actual: +hung after 0 of \d+ ops: .*did not reply for 3 s/],
        ['dies_of_one_program', few, 1, /actual: +crashed after 0 of \d+ ops: .*it ended with status 3/],
        ['crashes_at_one_program', few, 1, /crashed after 0 of \d+ ops: .*killed by SIGSEGV/],
        [
          'dies_once',
          few,
          3,
          /lost once:\n.*it ended with status 3, .* nothing brought it about again.\n +out of luck/,
        ],
        ['dies_once', [...few, '--allow-losses'], 0, /nothing brought it about again/],
        ['dies_once', ['--max-losses', '0'], 2, /was lost once, at last because it ended with status 3/],
        ['hangs_once', soon, 3, /did not reply for 3 s, .*nothing brought it about again/],
        ['dies_after_each_answer', few, 2, /was lost 4 times/],
        ['answers_each_twice', few, 2, /was lost 4 times, at last because it replied to request \d+ twice/],
        ['answers_one_twice', few, 3, /lost once:\n.*it replied to request \d+ twice/],
        ['answers_what_nobody_asked', few, 3, /lost once:\n.*it replied to request 4000000, which there is not/],
        ['says_error_without_id', few, 3, /lost once:\n.*it did not understand a request: what\?/],
        ['describes_itself_unasked', few, 3, /lost once:\n.*it described itself without being asked/],
        ['refuses_one_program', few, 1, /did not understand the program: what\?/],
        ['babbles_at_one_program', few, 1, /sent a line that is not JSON: hello/],
        ['answers_too_much', few, 1, /replied with \d+ outcomes for \d+ ops/],
        ['answers_out_of_form', few, 1, /sent a result that the protocol does not allow/],
        ['answers_half_a_line', soon, 1, /did not reply for 3 s/],
        ['answers_all_but_one', soon, 1, /did not reply for 3 s/],
        ['does_not_describe', soon, 2, /did not say what it is within 10 s/],
        ['describes_another_protocol', few, 2, /protocol 2 only/],
        ['describes_nonsense', few, 2, /sent a description that the protocol does not allow/],
        ['prints_a_banner', few, 2, /sent a line that is not JSON: Welcome!/],
        ['ends_at_once', few, 2, /did not start, because it ended with status 7/],
        ['starts_only_once', few, 2, /did not start 3 times in a row, because it ended with status 4/],
        ['describes_otherwise_later', few, 2, /describes itself differently after a restart/],
        ['ignores_stop', few, 0, /no failure in the part that ran/],
        ['leaves_a_grandchild_at_the_end', few, 0, /no failure in the part that ran/],
        ['leaves_a_grandchild_when_it_dies', few, 1, /it ended with status 3/],
        ['starts_a_process_for_each_program', few, 0, /no failure in the part that ran/],
        ['closes_its_output', few, 1, /it closed the connection/],
        ['closes_its_input', soon, 2, /was lost 4 times, at last because it did not reply for 3 s/],
        ['stops_itself', soon, 1, /did not reply for 3 s/],
        ['writes_without_end', few, 0, /no failure in the part that ran/],
        ['writes_a_line_without_end', few, 1, /sent a line of more than \d+/],
        ['drips', soon, 1, /did not reply for 3 s/],
        ['sends_empty_lines', soon, 1, /did not reply for 3 s/],
        ['performs_nothing', few, 3, /was not shown to conform/],
      ],
      4,
    ),
  )('%s with %j: exit code %i', { timeout: seconds * 1000 }, async (behaviour, options, code, says) => {
    const { code: ended, stderr, left, result, record, junit } = await run(behaviour, options);
    expect(stderr).toMatch(says);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(ended).toBe(code);
    expect(left).toEqual([]);
    if (!result) return;
    // What was lost is in the record and the report as in the summary.
    const lines = readFileSync(record, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.at(-1)).toMatchObject({ kind: 'footer', cases: result.programs });
    expect(lines.filter(({ kind }) => kind === 'loss')).toEqual(result.losses.map(({ loss }) => loss));
    expect(readFileSync(junit, 'utf8').match(/<testcase classname="losses"/g) ?? []).toHaveLength(result.losses.length);
  });
});
