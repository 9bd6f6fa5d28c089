import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex, Readable, Writable } from 'node:stream';
import { getSystemErrorName } from 'node:util';
import { packageRoot } from '../../spec/uapi/package-root.ts';

/** How a command ended, or why it could not be run. */
export type CommandEnd =
  | { kind: 'status'; status: number }
  | { kind: 'signal'; signal: NodeJS.Signals }
  /** `errno` is symbolic, such as ENOENT. */
  | { kind: 'not-run'; errno: string };

/** A command under guard: nothing that it starts outlives it, or this process. */
export interface GuardedCommand {
  /** Absent unless asked for. */
  readonly stdin: Writable | undefined;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the command has ended and its last words were read; `lastWordsMs` after its end they have been. Never rejects. */
  readonly gone: Promise<CommandEnd>;
  /** Ends the command and everything that it started, within `endMs`; may be called more than once. Never rejects. */
  end(): Promise<void>;
  /** Processes that could not be ended: another user's, or stuck in the kernel. Known once the command has ended. */
  left(): readonly number[];
}

/** What a command is to get. */
export interface GuardedOptions {
  /** Whether it reads from this process; otherwise its standard input is empty. */
  input: boolean;
  /** A folder that is removed when the command has ended. */
  folder?: string;
}

/** How long what a command wrote before its end may take to arrive. Something that it left behind may hold its output open. */
export const lastWordsMs = 500;
/** The guard gives up after two seconds; this is for it to say so. */
export const endMs = 4000;

/** The guard that the build makes (adapters/native/guard): a subreaper, from which no process escapes. */
const builtGuard = join(packageRoot, 'dist/native/vfio-conform-guard');

/**
 * What stands in for it without a C compiler: it waits for the end of its input, which comes however this process
 * ends, then kills the command's process group and removes the folder.
 */
const groupGuard = 'read -r _; kill -s KILL -- "-$1"; [ -z "$2" ] || rm -rf -- "$2"';

/** What may go wrong without the guard, as a sentence; undefined with it. */
export function escapes(guard: string = builtGuard): string | undefined {
  if (existsSync(guard)) return undefined;
  return 'The guard of child processes is not built: what a target starts in a process group of its own may outlive the run; apt-get install gcc libc6-dev, then npm run build.';
}

/**
 * Runs a command in a session of its own, where an interrupt from the terminal does not reach it. `guard` is the
 * guard's program; where it is not there, the command's process group is all that is ended.
 */
export function runGuarded(
  command: readonly string[],
  { input, folder }: GuardedOptions,
  guard: string = builtGuard,
): GuardedCommand {
  return existsSync(guard)
    ? underGuard(guard, command, input, folder)
    : asGroup(command as [string, ...string[]], input, folder);
}

function underGuard(guard: string, command: readonly string[], input: boolean, folder?: string): GuardedCommand {
  const child = spawn(guard, [...(folder === undefined ? [] : ['--remove', folder]), ...command], {
    detached: true,
    stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe', 'pipe'],
  });
  const owner = child.stdio[3] as Duplex;
  let told = '';
  owner.setEncoding('utf8').on('data', (piece: string) => {
    told += piece;
  });
  owner.on('error', () => {});
  const numbers = (word: string) =>
    told.split('\n').flatMap((line) => (line.startsWith(`${word} `) ? [Number(line.slice(word.length + 1))] : []));
  return watched(child, {
    kill: () => owner.end(),
    left: () => numbers('left'),
    notRun: () => numbers('cannot').map((errno) => getSystemErrorName(-errno))[0],
  });
}

function asGroup([name, ...args]: readonly [string, ...string[]], input: boolean, folder = ''): GuardedCommand {
  const child = spawn(name, args, { detached: true, stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'] });
  let errno: string | undefined;
  child.on('error', (error: NodeJS.ErrnoException) => {
    errno = error.code ?? 'UNKNOWN';
  });
  const left = new Set<number>();
  const kill = (): void => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch (error) {
      // ESRCH: everything has ended. EPERM: what is there runs as another user.
      if ((error as NodeJS.ErrnoException).code === 'EPERM') left.add(child.pid);
    }
  };
  if (child.pid !== undefined) {
    const watcher = spawn('/bin/sh', ['-c', groupGuard, 'guard', String(child.pid), folder], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    watcher.on('error', () => {});
    watcher.stdin.on('error', () => {});
    watcher.unref();
    // The pipe must not keep this process alive either.
    (watcher.stdin as unknown as { unref?(): void }).unref?.();
    child.on('exit', () => {
      kill();
      watcher.stdin.end();
    });
  }
  return watched(child, { kill, left: () => [...left], notRun: () => errno });
}

/** The hold on a started process. */
interface Hold {
  kill(): void;
  left(): readonly number[];
  /** Why the command could not be executed; undefined if it was. */
  notRun(): string | undefined;
}

function watched(child: ChildProcess, { kill, left, notRun }: Hold): GuardedCommand {
  const { stdin, stdout, stderr } = child;
  stdin?.on('error', () => {});
  let say: (end: CommandEnd) => void = () => {};
  const gone = new Promise<CommandEnd>((resolve) => {
    say = resolve;
  });
  const release = (): void => {
    for (const stream of child.stdio) stream?.destroy();
    child.unref();
  };
  const ended = (status: number | null, signal: NodeJS.Signals | null): void => {
    const errno = notRun();
    if (errno !== undefined) say({ kind: 'not-run', errno });
    else say(signal === null ? { kind: 'status', status: status ?? 0 } : { kind: 'signal', signal });
  };
  child.on('error', () => ended(null, null));
  child.on('exit', (status, signal) => {
    const late = setTimeout(() => {
      ended(status, signal);
      release();
    }, lastWordsMs);
    child.on('close', () => {
      clearTimeout(late);
      ended(status, signal);
    });
  });
  let ending: Promise<void> | undefined;
  const end = async (): Promise<void> => {
    kill();
    let late: NodeJS.Timeout | undefined;
    await Promise.race([
      gone,
      new Promise<void>((resolve) => {
        late = setTimeout(resolve, endMs);
      }),
    ]);
    clearTimeout(late);
    // What does not end is not waited for.
    say({ kind: 'signal', signal: 'SIGKILL' });
    release();
  };
  return {
    stdin: stdin ?? undefined,
    stdout: stdout!,
    stderr: stderr!,
    gone,
    left,
    end: () => {
      ending ??= end();
      return ending;
    },
  };
}
