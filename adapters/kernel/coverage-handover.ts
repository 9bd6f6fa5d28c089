import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';

/** Name of the virtio port over which the guest hands over what its kernel counted. */
export const coveragePortName = 'vfio-conform.1';

/** Files of the guest: path to content. */
export type GuestFiles = Map<string, Buffer>;

/**
 * Reads what the guest's init sends: for each file its length, a space, its
 * path, a newline and its bytes; then a line `end`. Undefined while the end
 * has not come.
 */
export function readHandover(bytes: Buffer): GuestFiles | undefined {
  const files: GuestFiles = new Map();
  for (let at = 0; ; ) {
    const newline = bytes.indexOf('\n', at);
    if (newline < 0) return undefined;
    const header = bytes.toString('utf8', at, newline);
    if (header === 'end') return files;
    const [, length, path] = /^(\d+) (.+)$/.exec(header) ?? [];
    if (path === undefined) throw new Error(`a guest handed over something that starts with ${header.slice(0, 40)}`);
    const start = newline + 1;
    at = start + Number(length);
    if (at > bytes.length) return undefined;
    files.set(path, Buffer.from(bytes.subarray(start, at)));
  }
}

/** The host's end of the port: waits for one guest. */
export class HandoverPort {
  /** The emulator's options that give the machine this port. */
  readonly options: string[];
  /** Resolves with what the guest handed over, or undefined when it is gone without that. */
  readonly files: Promise<GuestFiles | undefined>;
  private readonly server: Server;

  private constructor(server: Server, socket: string) {
    this.server = server;
    this.options = [
      ...['-chardev', `socket,id=coverage,path=${socket.replaceAll(',', ',,')}`],
      ...['-device', `virtserialport,chardev=coverage,name=${coveragePortName}`],
    ];
    this.files = new Promise((resolve) => {
      server.once('connection', (port) => {
        server.close();
        resolve(receive(port));
      });
      server.once('close', () => resolve(undefined));
    });
  }

  /** Listens on a Unix socket of that path, which must not be there yet. */
  static listen(socket: string): Promise<HandoverPort> {
    const server = createServer();
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(socket, () => resolve(new HandoverPort(server, socket)));
    });
  }

  /** To be called when the emulator is gone: it may never have come. */
  stopListening(): void {
    this.server.close();
  }
}

function receive(port: Socket): Promise<GuestFiles | undefined> {
  const pieces: Buffer[] = [];
  return new Promise((resolve, reject) => {
    port.on('data', (piece: Buffer) => {
      pieces.push(piece);
      try {
        const files = readHandover(Buffer.concat(pieces));
        if (!files) return;
        // The guest waits for a byte before it powers off.
        port.write('\n');
        resolve(files);
      } catch (error) {
        port.destroy();
        reject(error);
      }
    });
    port.on('error', () => resolve(undefined));
    port.on('close', () => resolve(undefined));
  });
}
