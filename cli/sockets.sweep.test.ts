// Targets that others have started: sockets and ssh, with real processes at the other end.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mergeNeeds, sameMachine } from '../conformance/suites/suite.ts';
import { suites } from '../conformance/suites/suites.ts';
import { readRecord } from '../reports/record-file.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import { packageRoot } from '../spec/uapi/package-root.ts';
import { partOf, whole } from '../spec/uapi/test-part.ts';
import type { Op } from '../spec/uapi/vocabulary.ts';
import { inProcess } from './test-in-process.ts';
import { missingSshd, startSshd, type TestSshd } from './test-sshd.ts';
import { main, until } from './test-started-run.ts';

const { folder, vfioConform } = inProcess();
const small = ['--profile', 'type1-6.12', '--suite', 'boundary', '--only', 'VFIO_GROUP_SET_CONTAINER'];
const root = process.getuid?.() === 0;

const data = loadContract();
const setting = (profile: string) => parameterSetting(data, profile);

/** Paths of sockets are short, and those of folders for tests may not be. */
const sockets = mkdtempSync(join(tmpdir(), 'vc-'));
const started: ChildProcess[] = [];
afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(sockets, { recursive: true, force: true });
});

/** A process that listens at a path of its own, and what it says for people. */
async function listening(command: string, ...args: string[]) {
  const path = join(sockets, `${started.length}.sock`);
  const child = spawn(command, [...args, '--listen', `unix:${path}`], { stdio: ['ignore', 'ignore', 'pipe'] });
  started.push(child);
  const said = { text: '' };
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said.text += text;
  });
  await until(() => existsSync(path) || child.exitCode !== null);
  return { path, child, said };
}
const served = (...args: string[]) => listening(process.execPath, main, 'serve', ...args);

/** What a target comes to, program by program, and the machine that all of them were on. */
async function verdictsOf(target: string, ...more: string[]) {
  const record = join(mkdtempSync(join(folder, 'record-')), 'r.jsonl');
  const ran = await vfioConform('run', '--target', target, ...small, ...more, '--record', record, '--quiet');
  const { cases } = readRecord(record);
  return { ...ran, verdicts: new Map(cases.map(({ trace, verdict }) => [trace.program.id, verdict!])) };
}

/** The text of a daemon that is a simulator which is wrong about one thing, on standard streams. */
function simulatorDaemon(): string {
  const need = mergeNeeds(suites.flatMap((suite) => suite.needs())).find(({ machine }) => sameMachine(machine, {}));
  return `
import { createInterface } from 'node:readline';
import { simulatorAdapter } from ${JSON.stringify(`${packageRoot}/dist/adapters/simulator/adapter.js`)};
const parameters = ${JSON.stringify({ ...setting('type1-6.12'), foreign_container_fd: 'einval' })};
const session = await simulatorAdapter(parameters).start(${JSON.stringify(need)});
const say = (message) => console.log(JSON.stringify(message));
for await (const line of createInterface({ input: process.stdin })) {
  const { type, id, program, slots } = JSON.parse(line);
  if (type === 'describe') say({ type: 'description', protocol: 1, ...session.description });
  else if (type === 'run') say({ type: 'result', id, ...session.run(program, slots) });
  else break;
}
`;
}

describe('the same programs come to the same', () => {
  let here: Map<string, string>;
  let daemon: string;
  let sshd: TestSshd | undefined;
  beforeAll(async () => {
    ({ verdicts: here } = await verdictsOf('sim:foreign_container_fd=einval'));
    daemon = join(folder, 'daemon.mjs');
    writeFileSync(daemon, simulatorDaemon());
    if (whole && missingSshd === undefined) sshd = await startSshd();
  });
  afterAll(() => sshd?.stop());

  /** On one machine, of those that the simulator is. */
  function expectTheSame(there: Map<string, string>): void {
    expect(there.size).toBeGreaterThan(100);
    expect([...there.values()]).toContain('fail');
    for (const [id, verdict] of there) expect([id, verdict]).toEqual([id, here.get(id)]);
  }

  test('on standard streams', async () =>
    expectTheSame((await verdictsOf(`exec:${process.execPath} ${daemon}`)).verdicts));

  test('on a socket', async () => {
    const { path } = await served('--target', 'sim:foreign_container_fd=einval', '--profile', 'type1-6.12');
    expectTheSame((await verdictsOf(`unix:${path}`)).verdicts);
    // One connection after the other, and also two at once.
    const [one, other] = await Promise.all([1, 2].map(() => talk(path, { type: 'describe', protocol: 1 })));
    expect(one).toMatchObject({ type: 'description', protocol: 1, name: 'simulator' });
    expect(other).toEqual(one);
  });

  test.runIf(whole)('by ssh', async (context) => {
    if (!sshd) return context.skip(missingSshd);
    process.env.VFIO_CONFORM_SSH = sshd.ssh;
    try {
      expectTheSame((await verdictsOf(`ssh:127.0.0.1:${process.execPath} ${daemon}`)).verdicts);
      const lacking = await vfioConform('run', '--target', 'ssh:127.0.0.1:no-such-daemon', ...small);
      expect(lacking.stderr).toMatch(
        /the daemon did not start, because on 127\.0\.0\.1, the shell did not find it; try ssh/,
      );
      process.env.VFIO_CONFORM_SSH = sshd.ssh.replace(/-p \d+/, '-p 1');
      const refused = await vfioConform('run', '--target', 'ssh:127.0.0.1', ...small);
      expect(refused.stderr).toMatch(
        /because there is no connection to 127\.0\.0\.1; try ssh 127\.0\.0\.1 vfio-conformd/,
      );
      expect([lacking.status, refused.status]).toEqual([2, 2]);
    } finally {
      delete process.env.VFIO_CONFORM_SSH;
    }
  });
});

test.each([
  ['unix:', /names? a socket/],
  [`unix:${'x'.repeat(108)}`, /at most 107 bytes/],
  ['unix:nowhere.sock', /was not reached, because there is no such socket; start one there/],
  ['ssh:', /names no host/],
  ['ssh:-oProxyCommand=x', /names no host/],
  ['ssh:host:', /names no command/],
])('the target %s is refused', async (target, says) => {
  const { status, stderr } = await vfioConform('run', '--target', target, ...small);
  expect(stderr).toMatch(says);
  expect(status).toBe(2);
});

/** Says one thing on a connection, and takes one answer; undefined if there is none. */
async function talk(path: string, message: object): Promise<unknown> {
  const socket = connect(path);
  socket.on('error', () => {});
  socket.write(`${JSON.stringify(message)}\n`);
  let text = '';
  for await (const piece of socket.setEncoding('utf8')) {
    text += piece;
    if (text.includes('\n')) break;
  }
  socket.destroy();
  return text === '' ? undefined : JSON.parse(text);
}

describe('a connection that breaks', () => {
  /** A way to a socket that cuts each connection in which `cut` finds what it looks for, before the daemon hears of it. */
  async function wayTo(path: string, cut: (text: string) => boolean): Promise<string> {
    const way = join(sockets, `way-${started.length}-${Math.random().toString(36).slice(2)}.sock`);
    const server = createServer((asker) => {
      const daemon = connect(path);
      const end = (): void => {
        asker.destroy();
        daemon.destroy();
      };
      for (const one of [asker, daemon]) one.on('error', end).on('close', end);
      daemon.pipe(asker);
      asker.on('data', (piece) => (cut(piece.toString()) ? end() : daemon.write(piece)));
    });
    server.listen(way);
    await once(server, 'listening');
    server.unref();
    return way;
  }
  const program = 'boundary/VFIO_GROUP_SET_CONTAINER/g0_c0/group_itself';
  let path: string;
  beforeAll(async () => {
    ({ path } = await served('--target', 'sim', '--profile', 'type1-6.12'));
  });

  test('is taken up again, and what was under way runs once more', async () => {
    let left = 1;
    const way = await wayTo(path, (text) => text.includes(program) && left-- > 0);
    const { status, stdout, verdicts } = await verdictsOf(`unix:${way}`);
    expect(stdout).toMatch(/The target was lost once:/);
    expect([...new Set(verdicts.values())]).toEqual(['pass']);
    expect(status).toBe(3);
  });

  test('each time with one program leaves that inconclusive, and blames nobody', async () => {
    const way = await wayTo(path, (text) => text.includes(program));
    const { status, verdicts } = await verdictsOf(`unix:${way}`);
    expect(verdicts.get(program)).toBe('inconclusive');
    expect([...verdicts.values()]).not.toContain('fail');
    expect(status).toBe(3);
  });
});

describe('serve', () => {
  test('makes a socket for this user alone, says when one is in use, replaces one that is left over', async () => {
    const first = await served();
    expect((statSync(first.path).mode & 0o777).toString(8)).toBe('600');
    const second = spawnSync(process.execPath, [main, 'serve', '--listen', `unix:${first.path}`], { encoding: 'utf8' });
    expect(second.stderr).toMatch(/--listen unix:\S+: somebody listens there already/);
    expect(second.status).toBe(2);
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    expect(existsSync(first.path)).toBe(true);
    const third = spawn(process.execPath, [main, 'serve', '--listen', `unix:${first.path}`], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    started.push(third);
    await once(third.stderr!, 'data');
    expect(await talk(first.path, { type: 'describe', protocol: 1 })).toMatchObject({ name: 'simulator' });
    third.kill('SIGTERM');
    expect((await once(third, 'exit'))[0]).toBe(0);
    expect(existsSync(first.path)).toBe(false);
  });

  test('answers what it does not understand with an error, and goes on', async () => {
    const { path } = await served();
    expect(await talk(path, { type: 'frob' })).toEqual({
      type: 'error',
      message: expect.stringContaining('describe, run, stop'),
    });
    expect(await talk(path, { type: 'run', id: 3 })).toMatchObject({ type: 'error', id: 3 });
    expect(await talk(path, { type: 'describe', protocol: 1 })).toMatchObject({ type: 'description' });
  });

  test.each(['nowhere/x.sock', '.'])('at %s there can be no socket', async (path) => {
    const { status, stderr } = await vfioConform('serve', '--listen', `unix:${path}`);
    expect(stderr).toMatch(/--listen unix:\S+: (no socket can be made there|is there, and no socket)/);
    expect(status).toBe(2);
  });
});

const vfioConformd = join(packageRoot, 'dist/native/vfio-conformd');
const run = (...ops: Op[]) => ({ type: 'run', id: 1, slots: {}, program: { id: 'p', topology: { slots: {} }, ops } });
const open = (path: string): Op => ({ op: 'open', what: 'path', path, as: 'f' });

describe.skipIf(!existsSync(vfioConformd))('vfio-conformd --listen', () => {
  let daemon: Awaited<ReturnType<typeof listening>>;
  const secret = join(sockets, 'secret');
  beforeAll(async () => {
    writeFileSync(secret, 'secret');
    mkdirSync(join(sockets, 'folder'));
    symlinkSync(secret, join(sockets, 'link'));
    symlinkSync(join(sockets, 'link'), join(sockets, 'folder', 'linked'));
    symlinkSync('/dev/zero', join(sockets, 'zero'));
    daemon = await listening(vfioConformd);
  });

  test('is for this user alone', () => {
    expect((statSync(daemon.path).mode & 0o777).toString(8)).toBe('600');
  });

  test.each([
    ['a file', open(secret)],
    ['a file by way of a folder', open(join(sockets, 'folder', '..', '.', 'secret').replace('/secret', '//secret'))],
    ['a link', open(join(sockets, 'link'))],
    ['a link to a link', open(join(sockets, 'folder/linked'))],
    ['a file by way of /dev', open(`/dev/../dev/..${secret}`)],
    ['a file by way of the root of the process', open(`/proc/self/root${secret}`)],
    ['memory of a process', open('/proc/self/mem')],
    ['a descriptor that the daemon has', open('/proc/self/fd/2')],
    ['a folder', open(sockets)],
    ['another device', open('/dev/full')],
    ['a number of terminals', { op: 'ioctl', fd: 'c', number: 0x5413, argument: { value: 0 } } as Op],
    ['a number of VFIO with more bits', { op: 'ioctl', fd: 'c', number: 0x40003b64, argument: { value: 0 } } as Op],
    ['a module', { op: 'set_parameter', module: 'kvm', parameter: 'ignore_msrs', value: '1' } as Op],
  ])('refuses %s, runs nothing, and logs it', async (_, op) => {
    const before = daemon.said.text.length;
    const marker: Op = { op: 'mmap', as: 'm', length: 4096 };
    expect(await talk(daemon.path, run(marker, op))).toMatchObject({
      ...{ type: 'result', id: 1, end: 'unsupported', outcomes: [] },
      detail: expect.stringContaining('op 1'),
    });
    await until(() => daemon.said.text.length > before);
    expect(daemon.said.text.slice(before)).toMatch(/a program of uid \d+, process \d+, was not run: op 1 /);
  });

  test('lets a program not come to a file by a descriptor that it makes itself', async () => {
    const answer = await talk(
      daemon.path,
      run(
        { op: 'mmap', as: 'm', length: 4096, backing: 'memfd' },
        ...[3, 4, 5, 512].map((fd) => open(`/proc/self/fd/${fd}`)),
      ),
    );
    expect(JSON.stringify(answer)).not.toContain('"fd":"f"');
  });

  test('takes what VFIO is tested with, however it is spelled', async () => {
    const ops = [
      open('/dev/zero'),
      open(join(sockets, 'zero')),
      open('/nowhere'),
      { op: 'ioctl', fd: 'f', number: 0x3b64, argument: { value: 0 } } as Op,
    ];
    const answer = (await talk(daemon.path, run(...ops))) as { end: string; outcomes: object[] };
    expect(answer.end).toBe('completed');
    expect(answer.outcomes.slice(0, 3)).toEqual([{ fd: 'f' }, { fd: 'f' }, { errno: 'ENOENT' }]);
  });

  test('outlives whoever talks nonsense, breaks off in the middle of a line, or says nothing', async () => {
    const silent = connect(daemon.path);
    await once(silent, 'connect');
    silent.write('{"type":"desc');
    silent.destroy();
    expect(await talk(daemon.path, { type: 'nonsense' })).toMatchObject({ type: 'error' });
    expect(await talk(daemon.path, { type: 'describe', protocol: 1 })).toMatchObject({ type: 'description' });
    expect(daemon.child.exitCode).toBeNull();
  });

  test.runIf(root)('refuses another user who may use the file, and logs it', async () => {
    chmodSync(sockets, 0o755);
    chmodSync(daemon.path, 0o666);
    const asNobody = `import('node:net').then(({ connect }) => { process.setgid(65534); process.setuid(65534); const s = connect(${JSON.stringify(daemon.path)}); s.write('{"type":"describe","protocol":1}\\n'); s.on('data', () => process.exit(1)); s.on('close', () => process.exit(0)); s.on('error', () => {}); })`;
    expect(spawnSync(process.execPath, ['-e', asNobody]).status).toBe(0);
    await until(() => daemon.said.text.includes('uid 65534'));
    expect(daemon.said.text).toMatch(/uid 65534, process \d+, was refused: only uid \d+ and root may connect/);
    chmodSync(daemon.path, 0o600);
  });

  test('takes any program with --unsafe', async () => {
    const { path } = await listening(vfioConformd, '--unsafe');
    const answer = (await talk(path, run(open(secret)))) as { outcomes: object[] };
    expect(answer.outcomes).toEqual([{ fd: 'f' }]);
  });

  test.runIf(whole).each(
    partOf(
      [
        [['--listen', 'tcp:1'], /--listen needs unix:PATH/],
        [['--listen', `unix:${'x'.repeat(108)}`], /at most 107 bytes/],
        [['--listen', 'unix:/nowhere/x'], /No such file or directory/],
        [['--unsafe'], /^usage:/],
        [['--listen', 'unix:x', '--device', '/dev/null'], /^usage:/],
      ] as [string[], RegExp][],
      1,
    ),
  )('refuses %s', (args, says) => {
    const { status, stderr } = spawnSync(vfioConformd, args, { encoding: 'utf8' });
    expect(stderr).toMatch(says);
    expect(status).toBe(2);
  });
});
