import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What is left of an owner that cannot be looked for, as it ran elsewhere, is abandoned after so long. */
const abandonedMs = 24 * 60 * 60 * 1000;

/** A scratch folder with its owner and the owner's process id; and what earlier versions left. */
const scratchName = /^\.tmp-(?:([0-9a-f]+\.\d+-(\d+)-\d+)-)?|\.json\.\d+$/;

/**
 * Does something in a folder of its own inside another one. It is gone afterwards; those of processes that were killed are
 * removed by the next one. Rejects if the outer folder cannot be written.
 */
export async function inScratch<T>(outer: string, work: (folder: string) => Promise<T>): Promise<T> {
  await mkdir(outer, { recursive: true });
  await removeAbandoned(outer);
  const owner = (await ownerOf(process.pid)) ?? 'unknown';
  const folder = await mkdtemp(join(outer, `.tmp-${owner}-`));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function removeAbandoned(outer: string): Promise<void> {
  const here = await place();
  for (const name of await readdir(outer)) {
    const match = scratchName.exec(name);
    if (!match) continue;
    const [, owner, pid] = match;
    const abandoned =
      owner !== undefined && here !== undefined && owner.startsWith(`${here}-`)
        ? (await ownerOf(Number(pid))) !== owner
        : Date.now() - (await changed(join(outer, name))) > abandonedMs;
    // Someone else may be removing it, too.
    if (abandoned) await rm(join(outer, name), { recursive: true, force: true }).catch(() => {});
  }
}

/** A process by its place, id and start, so that no other one is called the same; undefined if there is none. */
async function ownerOf(pid: number): Promise<string | undefined> {
  const status = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  // Fields are counted from behind the command's name, which may hold anything.
  const start = status.slice(status.lastIndexOf(')') + 2).split(' ')[19];
  return start === undefined ? undefined : `${await place()}-${pid}-${start}`;
}

/** This boot of this machine, and the container: where process ids mean the same. Undefined if that cannot be told. */
async function place(): Promise<string | undefined> {
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'latin1');
    const container = await readlink('/proc/self/ns/pid');
    return `${boot.slice(0, 8)}.${/\d+/.exec(container)![0]}`;
  } catch {
    return undefined;
  }
}

/** When a file or folder was last changed, in milliseconds; now if it is gone. */
async function changed(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => Date.now(),
  );
}
