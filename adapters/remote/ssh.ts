import type { Adapter } from '../../spec/uapi/adapter.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import { defaultStallMs, type ExecOptions, endOfCommand, linkTo } from './exec.ts';
import type { CommandEnd } from './guarded.ts';
import type { Gone } from './link.ts';
import { RemoteSession, reconnecting } from './session.ts';

/** What is started there if nothing else is said. */
const DAEMON = 'vfio-conformd';

/** How ssh ends when there is no connection, or none any more. */
const BROKEN = 255;

/** No questions, no terminal; a connection that carries nothing is given up after half a minute. */
const options = ['-T', '-o', 'BatchMode=yes', '-o', 'ServerAliveInterval=10', '-o', 'ServerAliveCountMax=3'];

/**
 * The target `ssh:HOST[:COMMAND]`: a daemon that ssh starts on another machine, and that ends with the connection. A connection
 * that breaks is taken up again. The environment variable VFIO_CONFORM_SSH has another command line than `ssh`, as GIT_SSH_COMMAND
 * has for git. Throws a Problem for a host that is none.
 */
export function sshAdapter(where: string, given: ExecOptions = {}): Adapter {
  const target = `ssh:${where}`;
  const { host, command } = parsed(where);
  return {
    target,
    start: (_need, hooks) =>
      RemoteSession.start({
        place: target,
        subject: 'The daemon',
        remedy: `try ssh ${host} ${command} by hand: it has to connect without questions, and to speak the adapter protocol`,
        launch: async () => linkTo(commandLine(host, command), (end) => goneWith(end, host)),
        restarts: reconnecting,
        window: given.window ?? 16,
        handshakeMs: given.handshakeMs ?? Math.max(30_000, given.stallMs ?? 0),
        stallMs: given.stallMs ?? defaultStallMs,
        note: given.note,
        ...hooks,
      }),
  };
}

/** The host, with a user before it if there is one, and the command; an IPv6 address stands in brackets. */
function parsed(where: string): { host: string; command: string } {
  const [, host, command = DAEMON] = /^((?:[^:[\]]*@)?(?:\[[^\]]*\]|[^:[\]]+))(?::(.*))?$/s.exec(where) ?? [];
  if (host === undefined || host.startsWith('-') || /\s/.test(host))
    throw new Problem(`--target ssh:${where}: names no host; write ssh:HOST or ssh:HOST:COMMAND.`);
  if (command.trim() === '') throw new Problem(`--target ssh:${where}: names no command; write ssh:HOST:COMMAND.`);
  return { host: host.replace(/[[\]]/g, ''), command };
}

/** The words are ssh's own, whatever is in them; only what the user set is left to the shell. */
const commandLine = (host: string, command: string): string[] => [
  ...['/bin/sh', '-c', `exec ${process.env.VFIO_CONFORM_SSH ?? 'ssh'} "$@"`, 'ssh'],
  ...[...options, '--', host, command],
];

function goneWith(end: CommandEnd, host: string): Gone {
  if (end.kind !== 'status') return { end: 'lost', why: `ssh: ${endOfCommand(end)}` };
  if (end.status === BROKEN) return { end: 'lost', why: `there is no connection to ${host}` };
  return { end: 'crashed', why: `on ${host}, ${endOfCommand(end)}` };
}
