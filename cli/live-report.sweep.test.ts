import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { partOf, whole } from '../spec/uapi/test-part.ts';
import type { RunResult } from '../spec/uapi/vocabulary.ts';
import { inProcess } from './test-in-process.ts';
import { modelDaemon } from './test-model-daemon.ts';
import { main } from './test-started-run.ts';

const { folder, vfioConform } = inProcess();

const rule = 'set_container_fd_is_not_a_container_ebadfd';
const failing = ['--target', 'sim:foreign_container_fd=einval', '--profile', 'type1-6.12', '--suite', 'boundary'];
const onlyOne = ['--only', 'VFIO_GROUP_SET_CONTAINER'];
const passing = ['--profile', 'type1-6.12', '--only', 'VFIO_GET_API_VERSION'];
/** Nothing that Node.js heeds for colours but what the tests say themselves: where CI is set, it takes terminals for plain ones. */
const ownEnvironment = { PATH: process.env.PATH, HOME: process.env.HOME, TERM: 'xterm-256color' };
/** What starts colours, and the like. */
const ESCAPE = '\x1b';

describe('in a pipe', () => {
  test('the first failure of a kind is told at once, the others are counted', async () => {
    const { stdout, stderr } = await vfioConform('run', ...failing, ...onlyOne, '--json');
    const { failures } = JSON.parse(stdout) as RunResult;
    const kinds = new Set(failures.map((one) => one.rule));
    expect(failures.length).toBeGreaterThan(kinds.size);
    const told = [...stderr.matchAll(/^FAIL (\w+): (\S+)$/gm)].map(([, broken, program]) => [broken, program]);
    const firsts = [...kinds].map((kind) => [kind, failures.find((one) => one.rule === kind)!.program]);
    expect(told.sort()).toEqual(firsts.sort());
  });

  test.runIf(whole)('a loss of the target is told when it happens', async () => {
    const [daemon, mark] = [join(folder, 'daemon.mjs'), join(folder, 'died')];
    const dies = `if (++ran === 5 && !existsSync(${JSON.stringify(mark)})) { writeFileSync(${JSON.stringify(mark)}, ''); process.exit(3); }`;
    const text = modelDaemon('type1-6.12', { without: 'inject' }).replace(
      "else if (type === 'run')",
      `else if (type === 'run') { ${dies} `,
    );
    const closed = text.replace('session.run(program, {}) });', 'session.run(program, {}) }); }');
    writeFileSync(daemon, `import { existsSync, writeFileSync } from 'node:fs';\nlet ran = 0;\n${closed}`);
    const target = ['--target', `exec:${process.execPath} ${daemon}`];
    const ran = await vfioConform('run', ...passing, ...target, '--json');
    const { stderr, status } = ran;
    expect(stderr).toMatch(
      /^LOST after 4 programs: it ended with status 3, with boundary\/\S+ and \d+ more under way$/m,
    );
    const at = (text: string) => stderr.indexOf(text);
    expect(at('\nThe target was lost once:\n')).toBeGreaterThan(at('LOST'));
    expect(status).toBe(3);
    // What a run comes to does not depend on whether a record of it is kept.
    rmSync(mark);
    const recorded = await vfioConform('run', ...passing, ...target, '--json', '--record', join(folder, 'lost.jsonl'));
    const whatItCameTo = ({ stdout }: typeof ran) => {
      const { losses, seconds: _, ...result } = JSON.parse(stdout) as RunResult;
      return { ...result, losses: losses.map(({ blamed, loss: { why, after } }) => ({ blamed, why, after })) };
    };
    expect(whatItCameTo(ran)).toEqual(whatItCameTo(recorded));
  });

  test.runIf(whole)('a line every few seconds says how far it is, also while a machine is started', async () => {
    const child = spawn(process.execPath, [main, 'run', ...passing, '--target', 'exec:sleep 3600'], { cwd: folder });
    let stderr = '';
    child.stderr.on('data', (bytes) => {
      stderr += bytes;
      if (stderr.includes('\n')) child.kill('SIGINT');
    });
    await once(child, 'close');
    expect(stderr).toMatch(/^machine 1 of \d+: starting, \d+ s\n/);
    expect(stderr).not.toContain(ESCAPE);
  });

  test('there are no colours but with FORCE_COLOR, and never in the report to a file', () => {
    const file = join(folder, 'report.txt');
    const run = (env: NodeJS.ProcessEnv) => {
      const args = [main, 'run', ...failing, ...onlyOne, '--report', `text:${file}`];
      const { stdout, stderr } = spawnSync(process.execPath, args, {
        cwd: folder,
        encoding: 'utf8',
        env: { ...ownEnvironment, ...env },
      });
      return stdout + stderr;
    };
    expect(run({})).not.toContain(ESCAPE);
    expect(run({ FORCE_COLOR: '1' })).toContain(`${ESCAPE}[31mFAIL`);
    expect(readFileSync(file, 'utf8')).toMatch(new RegExp(`^FAIL ${rule}`, 'm'));
  });
});

describe('--quiet and --verbose', () => {
  test('run --quiet says what failed and what it comes to, and nothing else', async () => {
    const failed = await vfioConform('run', ...failing, ...onlyOne, '--quiet');
    expect(failed.stdout).toMatch(new RegExp(`^FAIL ${rule}`));
    expect(failed.stdout).toMatch(/\n\nsim:\S+ \(simulator \S+\) does not conform to type1-6\.12: .*\n$/);
    expect([failed.stderr, failed.status]).toEqual(['', 1]);
    const passed = await vfioConform('run', ...passing, '--quiet');
    expect(passed.stdout).toMatch(/^sim .* shows no failure in the part that ran, judged by type1-6\.12: .*\n$/);
    expect([passed.stderr, passed.status]).toEqual(['', 0]);
  });

  test.runIf(whole)('run, judge and replay --verbose name every machine and program', async () => {
    const record = join(folder, 'verbose.jsonl');
    const ran = await vfioConform('run', ...passing, '--verbose', '--json', '--record', record, '--force');
    const { programs } = JSON.parse(ran.stdout) as RunResult;
    expect(ran.stderr.match(/^\w+\/\S+: pass$/gm)).toHaveLength(programs);
    expect(ran.stderr).toMatch(/^on simulator \S+, default: \d+ programs$/m);
    const judged = await vfioConform('judge', record, '--verbose', '--json');
    const lines = (text: string) => text.match(/^(on |\w+\/).*$/gm);
    expect(lines(judged.stderr)).toEqual(lines(ran.stderr));
    const quiet = await vfioConform('judge', record, '--quiet');
    expect(quiet.stdout).toMatch(/^sim .* shows no failure in the part that ran.*\n$/);
  });

  test('replay --quiet says what it comes to, --verbose shows each of several programs op by op', async () => {
    const { failures } = JSON.parse((await vfioConform('run', ...failing, ...onlyOne, '--json')).stdout) as RunResult;
    const [first, second] = failures.map(({ token }) => token);
    const passed = await vfioConform('replay', first!, '--profile', 'type1-6.12', '--quiet');
    expect(passed.stdout).toMatch(
      /^sim .* shows no failure in the part that ran, judged by type1-6\.12: 1 programs, .*\n$/,
    );
    const shown = await vfioConform('replay', first!, second!, '--profile', 'type1-6.12', '--verbose');
    expect(shown.stdout.match(/^ {2}0 .*\n {6}returns? /gm)).toHaveLength(2);
    expect(shown.stdout.match(/: pass$/gm)).toHaveLength(2);
  });

  test('not both', async () => {
    const { status, stderr } = await vfioConform('run', '--quiet', '--verbose');
    expect(stderr).toBe('vfio-conform: --quiet and --verbose: are each the contrary of the other; give one.\n');
    expect(status).toBe(2);
  });
});

/** script, of util-linux, has a pseudo-terminal. */
const hasScript = spawnSync('script', ['--version']).error === undefined;

/** What a command writes to a terminal of so many columns. */
function onTerminal(columns: number, args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  const line = ['stty', 'cols', String(columns), ';', process.execPath, main, ...args].join(' ');
  const { stdout } = spawnSync('script', ['-qec', line, '/dev/null'], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...ownEnvironment, ...env },
  });
  return stdout;
}

// Without script, of util-linux, there is no pseudo-terminal to try it on.
describe.skipIf(!hasScript)('on a terminal', () => {
  test.each(partOf([60, 80, 200], 3))('of %i columns the line of progress neither wraps nor stays', (columns) => {
    const drawn = onTerminal(columns, ['run', ...failing]).split('\n');
    const redrawn = drawn.flatMap((line) => line.replace(/\r$/, '').split(`\r${ESCAPE}[K`).slice(1, -1));
    expect(redrawn.length).toBeGreaterThan(2);
    for (const text of redrawn) expect(text.length, text).toBeLessThan(columns);
    const told = redrawn.filter((text) => text !== '');
    for (const text of told)
      expect(text).toMatch(/^machine \d+ of \d+: (starting|\d+ programs made|\d+ of \d+ programs)/);
    const left = drawn.map((line) => line.replace(/\r$/, '').split(`\r${ESCAPE}[K`).at(-1)!);
    expect(left.filter((text) => /machine \d|\r/.test(text))).toEqual([]);
    expect(left.filter((text) => stripVTControlCharacters(text).startsWith(`FAIL ${rule}: boundary/`))).toHaveLength(1);
  });

  test.runIf(whole)('of a machine the total stays as it was first told', () => {
    const totals = [...onTerminal(80, ['run', ...failing]).matchAll(/machine (\d+) of (\d+): \d+ of (\d+) programs/g)];
    const byMachine = new Map<string, Set<string>>();
    for (const [, machine, , total] of totals)
      byMachine.set(machine!, (byMachine.get(machine!) ?? new Set()).add(total!));
    expect(byMachine.size).toBeGreaterThan(0);
    for (const all of byMachine.values()) expect(all.size).toBe(1);
    expect(new Set(totals.map(([, , of]) => of)).size).toBe(1);
  });

  test('verdicts and failures have colours, unless NO_COLOR or TERM says otherwise', () => {
    const run = ['run', ...failing, ...onlyOne, '--quiet'];
    const coloured = onTerminal(80, run);
    expect(coloured).toContain(`${ESCAPE}[31mFAIL`);
    expect(coloured).toContain(`${ESCAPE}[31mdoes not conform to`);
    expect(onTerminal(80, run, { NO_COLOR: '1' })).not.toContain(ESCAPE);
    expect(onTerminal(80, run, { TERM: 'dumb' })).not.toContain(ESCAPE);
  });

  test('with --json only the object is on standard output', () => {
    const out = join(folder, 'out.json');
    const shown = onTerminal(80, ['run', ...failing, ...onlyOne, '--json', '>', out]);
    expect(shown).toContain('does not conform to');
    const text = readFileSync(out, 'utf8');
    expect(text).not.toContain(ESCAPE);
    expect(JSON.parse(text).conforms).toBe(false);
  });
});
