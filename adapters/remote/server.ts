import { rmSync, statSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { ProgramResult, Session } from '../../spec/uapi/adapter.ts';
import { limits } from '../../spec/uapi/limits.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import { complaint, validator } from '../../spec/uapi/validator.ts';
import type {
  DescribeRequest,
  DescriptionAnswer,
  ErrorAnswer,
  ResultAnswer,
  RunRequest,
  StopRequest,
} from '../../spec/uapi/vocabulary.ts';
import { LineCutter } from './lines.ts';

/** A target that is spoken to by the adapter protocol on a socket. */
export interface Served {
  /** Closes the socket and every connection, and removes the socket's file. */
  close(): Promise<void>;
  /** Rejects when the target is lost; never resolves. */
  readonly lost: Promise<never>;
}

/**
 * Lets this user, and root, speak to a session on a socket at `path`: its file has the mode 0600 from the moment on that it is
 * there, and to connect takes the right to write to it. A socket that nobody listens on any more is replaced. Throws a Problem.
 */
export async function serve(session: Session, path: string): Promise<Served> {
  let lose: (error: unknown) => void = () => {};
  const lost = new Promise<never>((_, reject) => {
    lose = reject;
  });
  lost.catch(() => {});
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    converse(session, socket, lose);
  });
  await listen(server, path).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw unlistened(path, error);
    if (!statSync(path).isSocket())
      throw new Problem(`--listen unix:${path}: is there, and no socket; name another path.`);
    if (await isListenedOn(path))
      throw new Problem(`--listen unix:${path}: somebody listens there already; end that, or name another path.`);
    rmSync(path);
    await listen(server, path).catch((again) => {
      throw unlistened(path, again);
    });
  });
  return {
    lost,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function unlistened(path: string, { code }: NodeJS.ErrnoException): Problem {
  return new Problem(
    `--listen unix:${path}: no socket can be made there (${code ?? 'for an unknown reason'}); name a path in a folder of your own.`,
  );
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // The file is made by the call itself, so that nobody sees it with other rights.
    const mask = process.umask(0o177);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
    process.umask(mask);
  });
}

/** Whether the file is a socket that somebody accepts connections on; anything else that is not to be removed counts, too. */
function isListenedOn(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED'));
  });
}

type Request = DescribeRequest | RunRequest | StopRequest;
type Reply = DescriptionAnswer | ResultAnswer | ErrorAnswer;

const kinds = ['describe', 'run', 'stop'] satisfies Request['type'][];

/** One connection: requests in any number, each answered when its program is done. */
function converse(session: Session, socket: Socket, lose: (error: unknown) => void): void {
  const cutter = new LineCutter(limits.line);
  const say = (reply: Reply): void => void socket.write(`${JSON.stringify(reply)}\n`);
  // A peer that goes away is no error; its programs come to their end.
  socket.on('error', () => {});
  socket.setEncoding('utf8').on('data', (piece: string) => {
    let lines: string[];
    try {
      lines = cutter.cut(piece);
    } catch {
      say({ type: 'error', message: `a line has more than the ${limits.line} characters that a message may have` });
      socket.end();
      return;
    }
    for (const line of lines) {
      const heard = understood(line);
      if ('message' in heard) say(heard);
      else perform(session, heard, socket, say).catch(lose);
    }
  });
}

async function perform(session: Session, request: Request, socket: Socket, say: (reply: Reply) => void): Promise<void> {
  switch (request.type) {
    case 'describe':
      say({ type: 'description', protocol: 1, ...session.description } as DescriptionAnswer);
      return;
    case 'run': {
      const { id, program, slots } = request;
      const answer = resultAnswer(id, await session.run(program, slots));
      // What carries the target failed it, which only the end of the connection can say.
      if (answer === undefined) socket.destroy();
      else say(answer);
      return;
    }
    case 'stop':
      socket.end();
      return;
    default:
      request satisfies never;
  }
}

/** What the protocol can say of a result; undefined if nothing. A fault that the kernel reported fails the program. */
function resultAnswer(
  id: number,
  { end, outcomes, detail, log, faults = [] }: ProgramResult,
): ResultAnswer | undefined {
  if (end === 'lost') return undefined;
  const more = log && { log };
  if (faults.length > 0)
    return { type: 'result', id, end: 'crashed', outcomes, detail: `The kernel reported ${faults[0]}.`, ...more };
  return { type: 'result', id, end, outcomes, ...(detail && { detail }), ...more };
}

function understood(line: string): Request | ErrorAnswer {
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch {
    return { type: 'error', message: 'a message is a JSON object' };
  }
  const { type, id } = (message ?? {}) as { type?: unknown; id?: unknown };
  const named = typeof id === 'number' && Number.isSafeInteger(id) && id >= 0 ? { id } : {};
  const kind = kinds.find((one) => one === type);
  if (kind === undefined) return { type: 'error', ...named, message: `the type must be one of ${kinds.join(', ')}` };
  const valid = validator(`protocol.schema.json#/$defs/${kind}`);
  if (valid(message)) return message as Request;
  const { place, clause } = complaint(valid);
  return { type: 'error', ...named, message: `${place} ${clause}` };
}
