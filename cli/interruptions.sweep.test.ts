import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readRecord } from '../reports/record-file.ts';
import { opNames } from '../spec/uapi/op-names.ts';
import { partOf, whole } from '../spec/uapi/test-part.ts';
import { MARK, markedProcesses } from '../spec/uapi/test-processes.ts';
import { main, type StartedRun, size, startRun, textOf, until } from './test-started-run.ts';

const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-interrupted-'));
afterAll(() => rmSync(folder, { recursive: true }));
const own = (name: string) => mkdtempSync(join(folder, `${name}-`));

const start = (name: string, ...args: string[]) => startRun(own(name), ...args);

/** A daemon that keeps a grandchild, describes itself if it is to, and answers nothing. */
function silentDaemon(describes: boolean): string {
  const file = join(own('daemon'), 'daemon.mjs');
  const { environment } = readRecord(plainRecord()).body.find((line) => line.kind === 'machine')!;
  const description = {
    type: 'description',
    protocol: 1,
    name: 'silent',
    version: '1',
    ops: opNames,
  };
  writeFileSync(
    file,
    `import { spawn } from 'node:child_process';
     spawn('setsid', ['sleep', '1000'], { stdio: 'inherit' });
     process.stdin.on('data', () => ${describes ? `console.log(${JSON.stringify(JSON.stringify({ ...description, environment }))})` : '{}'});
     setInterval(() => {}, 1000);`,
  );
  return `exec:exec '${process.execPath}' '${file}'`;
}

let plain: string | undefined;
/** The complete record of a small run. */
function plainRecord(): string {
  if (plain === undefined) {
    plain = join(own('plain'), 'record.jsonl');
    spawnSync(process.execPath, [
      main,
      'run',
      '--profile',
      'type1-6.12',
      '--only',
      'GET_API_VERSION',
      '--suite',
      'boundary',
      '--record',
      plain,
    ]);
  }
  return plain;
}

const linux = ['--profile', 'type1-6.12'];

/** Where a run is when it is interrupted. */
const moments: [what: string, begin: () => Promise<StartedRun>][] = [
  [
    'on sim, while programs are made',
    async () => {
      const run = start('making', ...linux);
      await until(() => size(`${run.record}.part`) > 0);
      return run;
    },
  ],
  [
    'on sim, while they run',
    async () => {
      const run = start('running', ...linux, '--suite', 'scenarios');
      await until(() => size(run.record) > 20_000);
      return run;
    },
  ],
  [
    'while a command starts',
    async () => {
      const run = start('starting', '--target', silentDaemon(false), ...linux);
      await until(() => markedProcesses(run.place).length > 3);
      return run;
    },
  ],
  [
    'while a command hangs',
    async () => {
      const run = start('hanging', '--target', silentDaemon(true), ...linux, '--suite', 'faults');
      await until(() => (textOf(`${run.record}.part`) + textOf(run.record)).includes('"kind":"machine"'));
      return run;
    },
  ],
];

describe.each(partOf(moments, 3))('a run that is interrupted %s', (_, begin) => {
  test.concurrent.each(partOf(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const, 3))('by %s', async (signal) => {
    const { child, place, record, ended } = await begin();
    child.kill(signal);
    const { code, stdout, stderr } = await ended;
    await until(() => markedProcesses(place).length === 0);
    expect(stderr).not.toMatch(/\n\s+at /);
    const left = existsSync(record) ? record : `${record}.part`;
    expect(readRecord(left).incomplete).toContain('the record is incomplete');
    if (signal === 'SIGKILL') return;
    expect(code).toBe(3);
    expect(stdout).toContain('cut off before the end');
    expect(existsSync(`${record}.part`) || existsSync(`${record}.lock`)).toBe(false);
  });
});

/** Runs the command to its end, through a shell, without the lines that a slow machine adds: RUN is a few programs, FAULTS some hundreds. */
function shell(place: string, script: string) {
  const run = `'${process.execPath}' '${main}' run ${linux.join(' ')} --quiet`;
  const { status, stdout, stderr } = spawnSync(
    '/bin/bash',
    [
      '-c',
      script.replaceAll('RUN', `${run} --suite scenarios --cases 3`).replaceAll('FAULTS', `${run} --suite faults`),
    ],
    {
      cwd: place,
      encoding: 'utf8',
      env: { ...process.env, [MARK]: place },
    },
  );
  return { status, stdout, stderr };
}

describe('outputs', () => {
  test.each(
    partOf<[what: string, script: string, code: number, says: RegExp]>(
      [
        [
          'a full standard output',
          'RUN > /dev/full',
          2,
          /^vfio-conform: standard output: cannot be written \(ENOSPC\)/,
        ],
        [
          'a full standard output for --json',
          'RUN --json > /dev/full',
          2,
          /standard output: cannot be written \(ENOSPC\)/,
        ],
        ['a closed standard error', 'RUN --frobnicate 2>&-', 2, /^$/],
        ['a full standard error', 'RUN --frobnicate 2>/dev/full', 2, /^$/],
        ['a reader that has seen enough', 'set -o pipefail; RUN | head -c 1 >/dev/null', 0, /^$/],
        [
          'a full file for the record',
          'RUN --record /dev/full',
          2,
          /--record \/dev\/full: the disk is full; make room/,
        ],
        ['a full file for a report', 'RUN --report junit:/dev/full', 2, /--report junit:\/dev\/full: the disk is full/],
        [
          'a missing folder',
          'RUN --report junit:no/x',
          2,
          /--report junit:no\/x: there is no folder no; make it first/,
        ],
        ['a folder in place of a file', 'RUN --record .', 2, /--record \.: it is a folder; name a file in it/],
        ['a limit on files', 'ulimit -f 64; FAULTS --record r', 2, /--record r: it would get larger .*\(ulimit -f\)/],
        ['one file twice', 'RUN --record r --report junit:r', 2, /\/r: is to take two outputs; name a file for each/],
        ['two things on standard output', 'RUN --json --report json', 2, /--report json: standard output is for one/],
        ['two reports there', 'RUN --report junit --report json', 2, /--report json: standard output is for one/],
      ],
      5,
    ),
  )('%s', (_, script, code, says) => {
    const { status, stderr } = shell(own('output'), script);
    expect(stderr.trim()).toMatch(says);
    expect(stderr).not.toMatch(/\n\s+at |internal error/);
    expect(status).toBe(code);
  });

  /** File systems of its own for a shell; not every machine lets one have them. */
  const mount = (options: string) => `mkdir d; mount -t tmpfs -o ${options} none d`;
  const mayMount = spawnSync('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs none /mnt']).status === 0;
  const inside = (script: string) => `unshare -rm bash -c '${script.replaceAll("'", "'\\''")}'`;

  test.skipIf(!mayMount)(
    'a disk that gets full: what was judged is told, and the record ends with a whole line',
    () => {
      const place = own('full');
      const copy = 'status=$?; cp d/r copy; exit $status';
      const { status, stdout, stderr } = shell(place, inside(`${mount('size=256k')}; FAULTS --record d/r; ${copy}`));
      expect(stderr).toMatch(
        /^vfio-conform: --record d\/r: the disk is full; make room, or name a file on another one\.\n$/,
      );
      expect(stdout).toMatch(/\d+ programs, .*cut off before the end/);
      expect(status).toBe(2);
      const { cases, incomplete } = readRecord(join(place, 'copy'));
      expect(cases.length).toBeGreaterThan(10);
      expect(incomplete).toContain('the record is incomplete');
    },
  );

  test.runIf(whole && mayMount)('a file system that is read-only is told before anything runs', () => {
    const { status, stderr } = shell(
      own('read-only'),
      inside(`${mount('size=1m')}; mount -o remount,ro d; RUN --record d/r`),
    );
    expect(stderr).toMatch(/--record d\/r: the file system is read-only; name a file elsewhere/);
    expect(status).toBe(2);
  });
});

describe('an older record', () => {
  test('stays when the target does not start, and is complete', () => {
    const place = own('older');
    writeFileSync(
      join(place, 'r'),
      readFileSync(plainRecord())
        .toString('utf8')
        .replace(/\n\{"kind":"footer".*\n$/, '\n'),
    );
    const before = readFileSync(join(place, 'r'), 'utf8');
    expect(shell(place, 'RUN --record r --target exec:false').status).toBe(2);
    expect(readFileSync(join(place, 'r'), 'utf8')).toBe(before);
    expect(readdirSync(place)).toEqual(['r']);
  });

  test('that is complete is given up with --force only', () => {
    const place = own('complete');
    expect(shell(place, 'RUN --record r').status).toBe(0);
    const before = readFileSync(join(place, 'r'), 'utf8');
    const { status, stderr } = shell(place, 'RUN --record r');
    expect(stderr).toMatch(/--record r: holds the complete record of a run; name another file, or add --force/);
    expect(status).toBe(2);
    expect(readFileSync(join(place, 'r'), 'utf8')).toBe(before);
    expect(shell(place, 'RUN --record r --force').status).toBe(0);
    expect(readRecord(join(place, 'r')).incomplete).toBeUndefined();
  });

  test.runIf(whole)('that is no record is given up with --force only', () => {
    const place = own('notes');
    writeFileSync(join(place, 'r'), 'my notes\n');
    const { status, stderr } = shell(place, 'RUN --record r');
    expect(stderr).toMatch(/--record r: holds something else than a record/);
    expect(status).toBe(2);
    expect(readFileSync(join(place, 'r'), 'utf8')).toBe('my notes\n');
  });

  test('that another run writes is refused, and not after that was killed', async () => {
    const { child, place, record, ended } = start(
      'held',
      '--target',
      silentDaemon(true),
      ...linux,
      '--suite',
      'faults',
    );
    await until(() => size(`${record}.part`) + size(record) > 0);
    const { status, stderr } = shell(place, 'RUN --record record.jsonl');
    expect(stderr).toMatch(new RegExp(`--record record.jsonl: process ${child.pid} is writing it; wait for it`));
    expect(status).toBe(2);
    child.kill('SIGKILL');
    await ended;
    expect(shell(place, 'RUN --record record.jsonl').status).toBe(0);
  });
});
