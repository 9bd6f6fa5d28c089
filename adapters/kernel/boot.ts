import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Problem } from '../../spec/uapi/problem.ts';
import { type GuardedCommand, runGuarded } from '../remote/guarded.ts';
import { type Link, Tail } from '../remote/link.ts';
import { farewell, faultIn, plain } from './console.ts';
import type { CoverageCollector } from './coverage.ts';
import { HandoverPort } from './coverage-handover.ts';
import { type Boot, emulator, qemuArguments } from './qemu.ts';

/** One boot, but for the files and the socket, which are made for it. */
export type BootPlan = Omit<Boot, 'kernel' | 'initramfs' | 'socket'> & {
  kernel: string | Buffer;
  initramfs: Buffer;
  /** Takes what the guest hands over at the stop message. */
  coverage?: CoverageCollector;
};

/** A socket's path may have 107 characters. */
const longestFolder = 90;
const consoleLines = 60;
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
  const child = runGuarded([emulator, ...qemuArguments({ ...plan, groups, kernel, initramfs, socket })], {
    input: false,
    folder,
  });
  const tail = lastLines(child);
  const gone = child.gone.then((end) => farewell(tail(), end));
  void gone.then(() => handover?.stopListening());

  const first = await Promise.race([caller, child.gone]);
  server.close();
  if (!Array.isArray(first)) {
    if (first.kind === 'not-run' && first.errno === 'ENOENT')
      throw new Problem(`${emulator} was not found; install it with: apt-get install qemu-system-x86.`);
    const why = tail().join(' ') || (await gone).why;
    throw new Problem(`${emulator} did not start: ${why}; version 7.2 or later is needed.`);
  }
  const [port] = first;
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
      port.destroy();
      await child.end();
      await rm(folder, { recursive: true, force: true });
    },
    left: child.left,
  };
}

/** Keeps the emulator's last words. */
function lastLines(child: GuardedCommand): () => string[] {
  const tail = new Tail(consoleLines, plain);
  let fault: string | undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (piece: string) => {
      fault ??= faultIn(tail.add(piece));
    });
  }
  return () => {
    const last = tail.lines();
    // What a fault brings with it may push the line that names it out of the tail.
    return fault === undefined || last.includes(fault) ? last : [fault, ...last];
  };
}
