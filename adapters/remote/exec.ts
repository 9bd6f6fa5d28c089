import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Adapter } from '../../spec/uapi/adapter.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import { type Link, Tail } from './link.ts';
import { RemoteSession } from './session.ts';

/** What may be set for a command; times in milliseconds. */
export interface ExecOptions {
  /** How many programs may be under way at once. */
  window?: number;
  /** How long the command may take to say what it is. */
  handshakeMs?: number;
  /** How long the command may say nothing while programs are under way; more than its own limit for a program. */
  stallMs?: number;
}

/**
 * The target `exec:COMMAND`: a shell command that speaks the adapter protocol
 * on its standard input and output, and to people on its standard error.
 */
export function execAdapter(command: string, options: ExecOptions = {}): Adapter {
  const target = `exec:${command}`;
  return {
    target,
    start: () =>
      RemoteSession.start({
        place: target,
        subject: 'The command',
        remedy:
          'it has to speak the adapter protocol (spec/uapi/schema/protocol.schema.json) on standard output and log to standard error',
        launch: async () => launch(command, target),
        window: options.window ?? 16,
        handshakeMs: options.handshakeMs ?? 10_000,
        stallMs: options.stallMs ?? 60_000,
      }),
  };
}

function launch(command: string, target: string): Link {
  if (command.trim() === '')
    throw new Problem(`${target} names no command; write exec:COMMAND, such as exec:./daemon.`);
  // A process group of its own, so that ending it reaches what the shell started.
  const child = spawn(command, { shell: true, detached: true, stdio: 'pipe' });
  const tail = new Tail(20);
  child.stderr.setEncoding('utf8').on('data', (piece: string) => tail.add(piece));
  let ended = false;
  const gone = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(`the shell could not be run: ${error.message}`));
    child.on('close', (status, signal) => {
      ended = true;
      resolve(farewell(status, signal));
    });
  });
  return {
    input: child.stdout,
    output: child.stdin,
    gone,
    tail: () => tail.lines(),
    end: async () => {
      if (!ended) killGroup(child);
      await gone;
    },
  };
}

function killGroup(child: ChildProcess): void {
  if (!child.pid) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group is empty: everything has ended.
  }
}

/** Why a command ended, as a clause. A shell tells a signal of its command as a status above 128. */
function farewell(status: number | null, signal: string | null): string {
  if (signal) return `it was killed by ${signal}`;
  if (status === 127) return 'the shell did not find it';
  if (status === 126) return 'the shell may not execute it';
  const number = (status ?? 0) - 128;
  const name = Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  return name ? `it was killed by ${name}` : `it ended with status ${status}`;
}
