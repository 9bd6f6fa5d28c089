import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { partOf } from '../spec/uapi/test-part.ts';
import { defaultProfile } from './target.ts';
import { inProcess } from './test-in-process.ts';

const { folder, vfioConform } = inProcess();

const commands = ['run', 'judge', 'check', 'diff', 'programs', 'replay', 'explain', 'spec', 'targets', 'serve', 'help'];
/** Arguments that a command does not go without. */
const needed: Record<string, string[]> = {
  judge: ['r.jsonl'],
  diff: ['r.jsonl', 'r.jsonl'],
  replay: ['vc1.x'],
  explain: ['EINVAL'],
};

/** Expects a refusal in one sentence, and exit code 2. */
async function expectRefusal(args: string[], message: RegExp | string): Promise<void> {
  const { status, stdout, stderr } = await vfioConform(...args);
  const told = args.join(' ');
  expect(stderr, told).toMatch(/^vfio-conform: .*[.?]\n$/);
  if (typeof message === 'string') expect(stderr, told).toContain(message);
  else expect(stderr, told).toMatch(message);
  expect(stdout, told).toBe('');
  expect(status, told).toBe(2);
}

describe('help', () => {
  test.each(partOf(['', ...commands], 4))('of %s ends with examples and exit codes', async (command) => {
    const { status, stdout } = await vfioConform(...[command, '--help'].filter(Boolean));
    expect(stdout).toMatch(/\nExamples?:\n {2}vfio-conform .*\n {6}\w.*\n/);
    expect(stdout).toMatch(/\n\nExit codes:\n {2}0 {2}\w.*\n(?: {2}1 {2}\w.*\n)? {2}2 {2}\w.*\n(?: {2}3 {2}\w.*\n)?$/);
    for (const [, example] of stdout.matchAll(/^ {2}vfio-conform (\w+) /gm)) expect(commands).toContain(example);
    if (command === '') for (const one of commands) expect(stdout).toMatch(new RegExp(`^ {2}${one}\\b`, 'm'));
    else expect(stdout).toMatch(new RegExp(`^Usage: vfio-conform ${command} `));
    expect(status).toBe(0);
  });

  test.each(partOf(['run', 'replay', 'programs'], 3))('of %s says which profile is the default', async (command) => {
    const text = (await vfioConform('help', command)).stdout.replace(/\s+/g, ' ');
    expect(text).toContain(
      'default: type1-VERSION for kernel:VERSION, type1-6.12 for other kernels, else v1-singleton',
    );
    expect(['kernel:6.1', 'kernel', 'kernel:bzImage', 'sim'].map(defaultProfile)).toEqual([
      'type1-6.1',
      'type1-6.12',
      'type1-6.12',
      'v1-singleton',
    ]);
  });

  test('without arguments the commands are listed, as for a mistake', async () => {
    const { status, stdout, stderr } = await vfioConform();
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^Usage: vfio-conform/);
  });

  test('--version prints the version alone', async () => {
    expect(await vfioConform('--version')).toEqual({
      status: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
      stderr: '',
    });
  });
});

test.each([
  [['rnu'], "unknown command 'rnu'; did you mean run?"],
  [['help', 'rnu'], "unknown command 'rnu'; did you mean run?"],
  [['frob', '--help'], "unknown command 'frob'; see --help."],
  [['help', 'zzz'], "unknown command 'zzz'; see --help."],
  [['run', '--profil', 'v1'], "unknown option '--profil'; did you mean --profile?"],
  [['run', '--json=x'], "unknown option '--json=x'; did you mean --json?"],
  [['run', 'more'], "too many arguments for 'run'"],
  [['run', '--only'], "option '--only <pattern>' argument missing"],
  [['judge'], "missing required argument 'trace'"],
])('%j is no command line', (args, message) => expectRefusal(args, message));

describe('no option and no argument may be empty:', () => {
  test.each(partOf(commands, 4))('%s', async (command) => {
    const own = needed[command] ?? [];
    const { stdout } = await vfioConform(command, '--help');
    const options = [...stdout.matchAll(/^ {2}(--[\w-]+) [<[]/gm)].map(([, option]) => option!);
    const format = command === 'spec' ? ['--format', 'json'] : [];
    for (const option of options) {
      const others = option === '--format' ? [] : format;
      await expectRefusal([command, ...own, ...others, `${option}=`], `${option}: is empty; write ${option} `);
    }
    if (own.length > 0) await expectRefusal([command, ...own.slice(1), ' '], `${command}: an argument is empty`);
  });
});

const number = (option: string) =>
  new RegExp(`${option} \\S+: give a whole number from \\d (up|to \\d+), in decimal digits`);

test.each(
  partOf<[RegExp, ...string[]]>(
    [
      [number('--cases'), '--cases=1e3'],
      [number('--cases'), '--cases=0x10'],
      [number('--cases'), '--cases=0'],
      [number('--cases'), '--cases=-1'],
      [number('--cases'), '--cases=+1'],
      [number('--cases'), '--cases=1.0'],
      [number('--seed'), '--seed=99999999999999999999'],
      [number('--max-losses'), '--max-losses=1e1'],
      [number('--stall'), '--stall=0', '--target=exec:cat'],
      [number('--stall'), '--stall=2147484', '--target=exec:cat'],
      [/--time 1e9h: write a number and a unit/, '--time=1e9h'],
      [/--time -1s: write a number and a unit/, '--time=-1s'],
      [/--time 0s: give a time above 0/, '--time=0s'],
      [/--time 9+h: nobody can wait/, '--time=99999999999h'],
      [/--shard 1\/9+: write I\/N/, '--shard=1/99999999999999999999'],
      [/--shard 0\/2: write I\/N/, '--shard=0/2'],
      [/--shard 1: write I\/N/, '--shard=1'],
      [/--suite boundary,,: has an empty name; known are boundary/, '--suite=boundary,,'],
      [/--set bind: write PARAMETER=VALUE/, '--set=bind'],
      [/--set bind=: write PARAMETER=VALUE/, '--set=bind='],
      [/--set =absent: write PARAMETER=VALUE/, '--set==absent'],
      [/--set: bind is to be both absent and present; give it one value/, '--set=bind=absent', '--set=bind=present'],
      [/bind cannot be constructor/, '--set=bind=constructor'],
      [/parameter __proto__ is unknown/, '--set=__proto__=x'],
      [/--profile constructor: unknown; known are/, '--profile=constructor'],
      [/--report :: unknown format/, '--report=:'],
      [/--report constructor: unknown format/, '--report=constructor'],
      [/--report json:: name a file after the colon/, '--report=json:'],
      [/--target sim:: write sim:PARAMETER=VALUE/, '--target=sim:'],
      [/--target sim:,: write sim:PARAMETER=VALUE/, '--target=sim:,'],
      [/--target sim:bind=a,bind=b: bind is to be both a and b/, '--target=sim:bind=a,bind=b'],
      [/--target sim:cache_seed=-1: cache_seed is a whole number/, '--target=sim:cache_seed=-1'],
      [/--target sim:cache_seed=1e3: cache_seed is a whole number/, '--target=sim:cache_seed=1e3'],
      [/--target sim:cache_seed=9+: cache_seed is a whole number/, '--target=sim:cache_seed=99999999999999999999'],
      [/--target model:: model takes nothing after it/, '--target=model:'],
      [/--target exec: name a command/, '--target=exec:'],
      [/--profile: is given twice; give it once/, '--profile=v1', '--profile=v1-fixed'],
      [/--target sim: has every machine already/, '--target=sim', '--target=model'],
      [/--json/, '--json=1'],
    ],
    8,
  ),
)('run refuses what it cannot take: %s', (message, ...args) => expectRefusal(['run', ...args], message));

test.each(partOf(['run', 'programs', 'check', 'explain', 'spec', 'replay'], 4))(
  '%s --spec takes no file',
  async (command) => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const program = join(folder, 'program.json');
    writeFileSync(program, JSON.stringify({ id: 'p', topology: { slots: {} }, ops: [] }));
    const own = { explain: ['EINVAL'], replay: [program], spec: ['--format', 'json'] }[command] ?? [];
    await expectRefusal([command, ...own, '--spec', file], `--spec ${file}: is no folder`);
  },
);

test.each([
  ['check --depth 0', /--depth 0: give a whole number from 1 up/],
  ['check --depth 1e1', number('--depth')],
  ['check --set bind', /--set bind: write PARAMETER=VALUE/],
  ['spec --format xml', /--format xml: unknown; it can be md, json or h/],
])('%s is refused', (line, message) => expectRefusal(line.split(' '), message));
