import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { packageRoot } from '../../spec/uapi/package-root.ts';
import { MARK, markedProcesses } from '../../spec/uapi/test-processes.ts';
import { type CommandEnd, runGuarded } from './guarded.ts';

/** The guard of the build, and what stands in for it without a C compiler. */
const built = join(packageRoot, 'dist/native/vfio-conform-guard');
const guards = [
  ['the guard', built],
  ['the process group', '/nowhere/guard'],
] as const;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vfio-conform-guard-'));
  process.env[MARK] = folder;
});

afterEach(() => {
  delete process.env[MARK];
  rmSync(folder, { recursive: true, force: true });
});

/** Processes that were started since the test began. */
const running = () => markedProcesses(folder).filter((pid) => Number(pid) !== process.pid);

const sh = (script: string, guard: string, options = {}) =>
  runGuarded(['/bin/sh', '-c', script], { input: false, ...options }, guard);

describe.each(guards)('%s', (name, guard) => {
  const missing = name === 'the guard' && !existsSync(built);

  it.skipIf(missing).each<[string, string, CommandEnd]>([
    ['a status', 'exit 3', { kind: 'status', status: 3 }],
    ['a signal', 'kill -SEGV $$', { kind: 'signal', signal: 'SIGSEGV' }],
  ])('tells %s', async (_, script, end) => {
    expect(await sh(script, guard).gone).toEqual(end);
  });

  it.skipIf(missing)('says that a command could not be run', async () => {
    const command = runGuarded(['/nowhere/command'], { input: false }, guard);
    expect(await command.gone).toEqual({ kind: 'not-run', errno: 'ENOENT' });
  });

  it.skipIf(missing)('ends what does not end by itself, and removes the folder', async () => {
    const inside = mkdtempSync(join(folder, 'inside-'));
    const command = sh('trap "" TERM HUP; sleep 1000 & sleep 1000', guard, { folder: inside });
    await vi.waitFor(() => expect(running().length).toBeGreaterThan(1));
    await command.end();
    await vi.waitFor(() => expect(running()).toEqual([]));
    await vi.waitFor(() => expect(existsSync(inside)).toBe(false));
    expect(command.left()).toEqual([]);
  });

  it.skipIf(missing)('takes what it left behind in its group with it when it ends', async () => {
    await sh('sleep 1000 & exit 0', guard).gone;
    await vi.waitFor(() => expect(running()).toEqual([]));
  });

  it.skipIf(missing)('does its work when its owner is killed', async () => {
    const program = `
      import { runGuarded } from '${packageRoot}/dist/adapters/remote/guarded.js';
      runGuarded(['/bin/sh', '-c', 'sleep 1000 & sleep 1000'], { input: false }, ${JSON.stringify(guard)});
      setInterval(() => console.log('ready'), 10);`;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(owner.stdout, 'data');
    await vi.waitFor(() => expect(running().length).toBeGreaterThan(2));
    owner.kill('SIGKILL');
    await vi.waitFor(() => expect(running()).toEqual([]), { timeout: 10_000 });
  });
});

describe.skipIf(!existsSync(built))('nothing escapes the guard', () => {
  it.each([
    ['a session of its own, when the command ends', 'setsid sleep 1000 & sleep 0.1'],
    ['a session of its own that holds the output, when the command ends', 'setsid sh -c "sleep 1000; echo" & exit 1'],
    ['the child of a process that has ended', '(setsid sh -c "sleep 1000 & setsid sleep 1000 & exit" &); sleep 0.1'],
  ])('%s', async (_, script) => {
    await sh(script, built).gone;
    expect(running()).toEqual([]);
  });

  it('processes that start others as fast as they can', async () => {
    const command = sh('f() { setsid sh -c "sleep 1000" & }; while :; do f; sleep 0.01; done', built);
    await vi.waitFor(() => expect(running().length).toBeGreaterThan(20));
    await command.end();
    expect(running()).toEqual([]);
  });

  it('the command, when the guard itself is killed', async () => {
    const command = sh('echo $PPID; exec sleep 1000', built);
    const [guardPid] = (await once(command.stdout.setEncoding('utf8'), 'data')) as [string];
    process.kill(Number(guardPid), 'SIGKILL');
    expect(await command.gone).toEqual({ kind: 'signal', signal: 'SIGKILL' });
    await vi.waitFor(() => expect(running()).toEqual([]));
  });

  // Only root can make a program that becomes another user.
  it.skipIf(process.getuid?.() !== 0)('but who runs as another user, which is told', async () => {
    const setpriv = join(folder, 'setpriv');
    spawnSync('sh', ['-c', `cp $(command -v setpriv) ${setpriv}; chmod u+s ${setpriv}; chmod 755 ${folder}`]);
    // As a user without rights: a program that then becomes root.
    const script = `
      import { runGuarded } from '${packageRoot}/dist/adapters/remote/guarded.js';
      process.setuid(65534);
      const command = runGuarded(
        ['${setpriv}', '--reuid', '0', '--clear-groups', 'sh', '-c', 'echo ready; exec sleep 1000'],
        { input: false },
      );
      command.stdout.once('data', async () => {
        await command.end();
        console.log(JSON.stringify(command.left()));
      });`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    const left = JSON.parse(stdout) as number[];
    expect(left.map(String)).toEqual(running());
    expect(left).toHaveLength(1);
    process.kill(left[0]!, 'SIGKILL');
  });
});
