import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Problem } from '../../spec/uapi/problem.ts';
import { type Kernel, KernelCache } from './cache.ts';
import { addToLock, lockedPackage, lockFile, readLock } from './lock.ts';
import { readModules, wantedModules } from './modules.ts';
import {
  downloadPackage,
  findPackage,
  isPinned,
  type KernelPackage,
  newestKernel,
  readPackageFile,
  startsVersion,
  unpackPackage,
} from './package.ts';
import { isKernel, vmlinux } from './vmlinux.ts';

/** The kernel that `kernel` without a version means. */
export const newestVersion = '6.12';

const aptLists = '/var/lib/apt/lists';

/** A kernel from a package, and which one. */
export interface PackagedKernel {
  kernel: Kernel;
  from: KernelPackage;
}

/** Hears a sentence for people. */
type Note = (line: string) => void;

/**
 * A packaged kernel: that of a package file, that which the lock file names for a pinned version, else the newest of a
 * release. Throws a Problem when it cannot be had.
 */
export async function packagedKernel(version: string, file: string | undefined, note: Note): Promise<PackagedKernel> {
  const cache = new KernelCache();
  if (isPinned(version)) {
    const from = await lockedPackage(version);
    if (file !== undefined) checkSum(file, (await readPackageFile(file)).sha256, from);
    return { from, kernel: await obtain(cache, from, file, note) };
  }
  if (file === undefined) return newestKernelOf(cache, version, note);
  const from = await readPackageFile(file);
  if (!startsVersion(from.version, version)) {
    throw new Problem(
      `--kernel-package ${file}: is ${from.name} ${from.version}, not ${version}; name its own version.`,
    );
  }
  const locked = (await readLock())?.find((one) => one.name === from.name && one.version === from.version);
  if (locked) checkSum(file, from.sha256, locked);
  return { from, kernel: await obtain(cache, from, file, note) };
}

function checkSum(file: string, sha256: string, { name, version, ...locked }: KernelPackage): void {
  if (sha256 === locked.sha256) return;
  throw new Problem(
    `--kernel-package ${file}: has the SHA-256 ${sha256}, and ${lockFile} has ${locked.sha256} for ${name} ${version}; name that file, or lock this one with vfio-conform targets --lock ${file}.`,
  );
}

/** A kernel from the cache, else from its package: the file that is named, or downloaded. */
async function obtain(cache: KernelCache, from: KernelPackage, file: string | undefined, note: Note): Promise<Kernel> {
  const cached = await cache.read(from);
  if (cached) return cached;
  if (file !== undefined) return unpackInto(cache, from, file);
  note(`Downloading ${from.name} ${from.version} into ${cache.folder}, once.`);
  return cache.inTemporary(async (folder) => unpackInto(cache, from, await downloadPackage(from, folder)));
}

/** The newest of a release. When it cannot be had, an older kernel of the same release in the cache will do. */
async function newestKernelOf(cache: KernelCache, version: string, note: Note): Promise<PackagedKernel> {
  try {
    const from = await newestPackage(cache, version);
    return { from, kernel: await obtain(cache, from, undefined, note) };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    for (const from of await cache.packages()) {
      const kernel = newestKernel([{ Depends: from.name }], version) && (await cache.read(from));
      if (!kernel) continue;
      note(`${error.message} Using ${from.name} ${from.version} from the cache.`);
      return { from, kernel };
    }
    throw error;
  }
}

/** Asking apt takes longer than a fifth of a boot: do so when its lists have changed. */
async function newestPackage(cache: KernelCache, version: string): Promise<KernelPackage> {
  const stamp = String(
    await stat(aptLists).then(
      ({ mtimeMs }) => mtimeMs,
      () => 'none',
    ),
  );
  const known = await cache.remembered(version, stamp);
  if (known) return known;
  const found = await findPackage(version);
  await cache.remember(version, stamp, found);
  return found;
}

/** Puts the kernel of a package file into the cache. */
async function unpackInto(cache: KernelCache, from: KernelPackage, file: string): Promise<Kernel> {
  await cache.inTemporary(async (tree) => {
    await unpackPackage(file, tree);
    const image = (await readdir(join(tree, 'boot')).catch(() => [])).find((name) => name.startsWith('vmlinuz-'));
    if (!image) throw new Problem(`${from.name} holds no kernel; name one of your own with kernel:PATH.`);
    const packed = await readFile(join(tree, 'boot', image));
    const modules = await readModules(tree);
    const missing = wantedModules.filter(
      (name) => name.startsWith('vfio') && !modules.some((one) => one.name === name),
    );
    if (missing.length > 0) {
      throw new Problem(`${from.name} lacks ${missing.join(' and ')}; name a kernel of your own with kernel:PATH.`);
    }
    await cache.write(from, (await vmlinux(packed)) ?? packed, modules);
  });
  const kernel = await cache.read(from);
  if (!kernel) throw new Problem(`${cache.folder} does not keep what is written to it; is there room on the disk?`);
  return kernel;
}

/**
 * A kernel of the user's own. Its modules are in the folder that is named, else
 * in a folder `modules` beside it; without either, everything is taken to be
 * built in.
 */
export async function ownKernel(image: string, modules: string | undefined): Promise<Kernel> {
  const packed = await readFile(image).catch((error: Error) => {
    throw new Problem(`kernel:${image} cannot be read (${error.message}); name a bzImage or vmlinux file.`);
  });
  if (!isKernel(packed)) {
    throw new Problem(`kernel:${image} is not a kernel; name a bzImage, or a vmlinux that was built with CONFIG_PVH.`);
  }
  const beside = join(dirname(image), 'modules');
  const folder = modules ?? (existsSync(beside) ? beside : undefined);
  return {
    image: (await vmlinux(packed)) ?? image,
    modules: folder === undefined ? [] : await readModules(folder),
  };
}

/**
 * Pins a kernel by the lock file: that of a package file, or the newest of a release as apt knows it, such as 6.12. Returns
 * the package, and the target that then means it. Throws a Problem.
 */
export async function lockKernel(what: string): Promise<{ from: KernelPackage; target: string }> {
  const from = /^\d+\.\d+$/.test(what) ? await findPackage(what) : await readPackageFile(what);
  return { from, target: await addToLock(from) };
}
