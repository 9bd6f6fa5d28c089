import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { Problem } from '../../spec/uapi/problem.ts';
import { type Link, Tail } from '../remote/link.ts';
import { farewell, faultIn, plain } from './console.ts';
import type { CoverageCollector } from './coverage.ts';
import { HandoverPort } from './coverage-handover.ts';
import { guard } from './guard.ts';
import { type Boot, emulator, qemuArguments } from './qemu.ts';

/** One boot, but for the files and the socket, which are made for it. */
export type BootPlan = Omit<Boot, 'kernel' | 'initramfs' | 'socket'> & {
  kernel: string | Buffer;
  initramfs: Buffer;
  /** Takes what the guest hands over at the stop message. */
  coverage?: CoverageCollector;
};

type Emulator = ChildProcessByStdio<null, Readable, Readable>;

/** A socket's path may have 107 characters. */
const longestFolder = 90;
const consoleLines = 60;
/** How long after the emulator's end its last words may take. */
const lastWordsMs = 500;
/** How long a guest that got the stop message may take to hand over what its kernel counted. */
const handoverMs = 20_000;

/**
 * Starts an emulator. The link is there as soon as the emulator runs; the
 * guest hears what is sent when it is up.
 */
export async function boot(plan: BootPlan): Promise<Link> {
  const folder = await mkdtemp(join(tmpdir().length > longestFolder ? '/tmp' : tmpdir(), 'vfio-conform-'));
  try {
    return await bootIn(folder, plan);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function bootIn(folder: string, { coverage, ...plan }: BootPlan): Promise<Link> {
  const file = async (name: string, content: string | Buffer): Promise<string> => {
    if (typeof content === 'string') return content;
    await writeFile(join(folder, name), content);
    return join(folder, name);
  };
  const socket = join(folder, 'port');
  const kernel = await file('kernel', plan.kernel);
  const initramfs = await file('initramfs', plan.initramfs);

  // The emulator comes to the adapter, not the other way round: so the guest
  // never finds its port without someone at the other end.
  const server = createServer();
  server.listen(socket);
  await once(server, 'listening');
  const caller = once(server, 'connection') as Promise<[Socket]>;
  const handover = coverage && (await HandoverPort.listen(join(folder, 'coverage')));
  const groups = [...plan.groups, ...(handover?.options ?? [])];
  const child = spawn(emulator, qemuArguments({ ...plan, groups, kernel, initramfs, socket }), {
    stdio: ['ignore', 'pipe', 'pipe'],
    // An interrupt from the terminal is for the command, which then stops the emulator.
    detached: true,
  });
  const release = child.pid === undefined ? () => {} : guard(child.pid, folder);
  const { gone, tail } = watch(child);
  void gone.then(() => handover?.stopListening());

  const first = await Promise.race([caller, gone, once(child, 'error')]);
  server.close();
  if (child.pid === undefined) {
    throw new Problem(`${emulator} was not found; install it with: apt-get install qemu-system-x86.`);
  }
  if (typeof first === 'string') {
    release();
    throw new Problem(`${emulator} did not start: ${tail().join(' ') || first}; version 7.2 or later is needed.`);
  }
  const [port] = first as [Socket];
  if (handover) coverage?.add(handover.files);
  return {
    input: port,
    output: port,
    gone,
    tail,
    end: async () => {
      // A guest that got the stop message may be slow, but not one that is hung.
      if (handover && port.writableEnded)
        await Promise.race([handover.files.catch(() => {}), gone, setTimeout(handoverMs, undefined, { ref: false })]);
      child.kill('SIGKILL');
      port.destroy();
      await gone;
      await rm(folder, { recursive: true, force: true });
      release();
    },
  };
}

/** Keeps the emulator's last words, and says when and why it ended. */
function watch(child: Emulator): { gone: Promise<string>; tail: () => string[] } {
  const tail = new Tail(consoleLines, plain);
  let fault: string | undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (piece: string) => {
      fault ??= faultIn(tail.add(piece));
    });
  }
  // What a fault brings with it may push the line that names it out of the tail.
  const lines = (): string[] => {
    const last = tail.lines();
    return fault === undefined || last.includes(fault) ? last : [fault, ...last];
  };
  const gone = new Promise<string>((resolve) => {
    child.on('error', () => resolve('it could not be run'));
    child.on('exit', (status, signal) => {
      const say = (): void => resolve(farewell(lines(), status, signal));
      child.on('close', say);
      globalThis.setTimeout(say, lastWordsMs).unref();
    });
  });
  return { gone, tail: lines };
}
