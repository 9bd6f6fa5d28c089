import { connect, type Socket } from 'node:net';
import type { Adapter } from '../../spec/uapi/adapter.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import type { ExecOptions } from './exec.ts';
import { defaultStallMs } from './exec.ts';
import type { Gone, Link } from './link.ts';
import { RemoteSession, reconnecting } from './session.ts';

/** Bytes of the path of a socket on Linux, without the NUL: `sun_path`. */
const LONGEST_PATH = 107;

/**
 * The target `unix:PATH`: a daemon that speaks the adapter protocol on a socket, and was started by someone else. A connection that
 * breaks is taken up again. Throws a Problem for a path that no socket can have.
 */
export function socketAdapter(path: string, options: ExecOptions = {}): Adapter {
  const target = `unix:${path}`;
  if (path === '') throw new Problem('--target unix: name a socket, as in unix:./daemon.sock.');
  if (Buffer.byteLength(path) > LONGEST_PATH)
    throw new Problem(
      `--target ${target}: the path of a socket has at most ${LONGEST_PATH} bytes; name a shorter one.`,
    );
  return {
    target,
    start: (_need, hooks) =>
      RemoteSession.start({
        place: target,
        subject: 'The daemon',
        failure: 'was not reached',
        remedy: 'start one there, such as vfio-conformd --listen, or vfio-conform serve',
        launch: () => reach(path),
        restarts: reconnecting,
        window: options.window ?? 16,
        handshakeMs: options.handshakeMs ?? Math.max(10_000, options.stallMs ?? 0),
        stallMs: options.stallMs ?? defaultStallMs,
        note: options.note,
        ...hooks,
      }),
  };
}

/** Why there is no connection, as a clause, by the errno of the attempt. */
function refusal(code: string | undefined): string {
  switch (code) {
    case 'ENOENT':
      return 'there is no such socket';
    case 'ECONNREFUSED':
      return 'nobody listens on that socket';
    case 'EACCES':
    case 'EPERM':
      return 'you may not connect to that socket';
    case 'ENOTSOCK':
      return 'that is no socket';
    default:
      return `connecting failed (${code ?? 'for an unknown reason'})`;
  }
}

function reach(path: string): Promise<Link> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('error', (error: NodeJS.ErrnoException) => reject(new Error(refusal(error.code))));
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(linkOver(socket));
    });
  });
}

/** What goes with a connection says nothing about the implementation behind it. */
function linkOver(socket: Socket): Link {
  let errno: string | undefined;
  socket.on('error', (error: NodeJS.ErrnoException) => {
    errno = error.code;
  });
  const gone = new Promise<Gone>((resolve) => {
    socket.once('close', () => resolve({ end: 'lost', why: `the connection broke${errno ? ` (${errno})` : ''}` }));
  });
  return {
    input: socket,
    output: socket,
    gone,
    tail: () => [],
    end: async () => {
      socket.destroy();
      await gone;
    },
    left: () => [],
  };
}
