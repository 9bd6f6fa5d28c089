import { constants } from 'node:os';
import type { Adapter } from '../../spec/uapi/adapter.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import { type CommandEnd, escapes, runGuarded } from './guarded.ts';
import { type Gone, type Link, Tail } from './link.ts';
import { RemoteSession } from './session.ts';

/** What may be set for a command; times in milliseconds. */
export interface ExecOptions {
  /** How many programs may be under way at once. */
  window?: number;
  /** How long the command may take to say what it is. */
  handshakeMs?: number;
  /** How long the command may say nothing while programs are under way; more than its own limit for a program. */
  stallMs?: number;
  /** Hears sentences for people: what may outlive the run, what could not be ended. */
  note?(line: string): void;
}

/** How long a command may say nothing while programs are under way, in milliseconds, if nothing else is said. */
export const defaultStallMs = 60_000;

/**
 * The target `exec:COMMAND`: a shell command that speaks the adapter protocol
 * on its standard input and output, and to people on its standard error.
 */
export function execAdapter(command: string, options: ExecOptions = {}): Adapter {
  const target = `exec:${command}`;
  let risk = escapes();
  return {
    target,
    start: async (_need, hooks) => {
      const session = await RemoteSession.start({
        place: target,
        subject: 'The command',
        remedy:
          'it has to speak the adapter protocol (spec/uapi/schema/protocol.schema.json) on standard output and log to standard error',
        launch: async () => launch(command, target),
        window: options.window ?? 16,
        handshakeMs: options.handshakeMs ?? Math.max(10_000, options.stallMs ?? 0),
        stallMs: options.stallMs ?? defaultStallMs,
        note: options.note,
        ...hooks,
      });
      // Once, and not beside the sentence that says why nothing runs.
      if (risk !== undefined) options.note?.(risk);
      risk = undefined;
      return session;
    },
  };
}

function launch(command: string, target: string): Link {
  if (command.trim() === '')
    throw new Problem(`${target} names no command; write exec:COMMAND, such as exec:./daemon.`);
  return linkTo(['/bin/sh', '-c', command], (end) => ({ end: 'crashed', why: endOfCommand(end) }));
}

/** Starts a command under guard, and speaks to it on its standard streams. `gone` says what its end means. */
export function linkTo(words: readonly string[], gone: (end: CommandEnd) => Gone): Link {
  const child = runGuarded(words, { input: true });
  const tail = new Tail(20);
  child.stderr.setEncoding('utf8').on('data', (piece: string) => tail.add(piece));
  return {
    input: child.stdout,
    output: child.stdin!,
    gone: child.gone.then(gone),
    tail: () => tail.lines(),
    end: child.end,
    left: child.left,
  };
}

/** Why a command ended, as a clause. A shell tells a signal of its command as a status above 128. */
export function endOfCommand(end: CommandEnd): string {
  switch (end.kind) {
    case 'not-run':
      return `the shell could not be run (${end.errno})`;
    case 'signal':
      return `it was killed by ${end.signal}`;
    case 'status': {
      if (end.status === 127) return 'the shell did not find it';
      if (end.status === 126) return 'the shell may not execute it';
      const name = Object.entries(constants.signals).find(([, value]) => value === end.status - 128)?.[0];
      return name ? `it was killed by ${name}` : `it ended with status ${end.status}`;
    }
    default:
      return end satisfies never;
  }
}
