import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Problem } from '../../spec/uapi/problem.ts';
import { type Kernel, KernelCache } from './cache.ts';
import { readModules, wantedModules } from './modules.ts';
import { downloadPackage, findPackage, type KernelPackage, newestKernel, unpackPackage } from './package.ts';
import { isKernel, vmlinux } from './vmlinux.ts';

/** The kernel that `kernel` without a version means. */
export const newestVersion = '6.12';

const aptLists = '/var/lib/apt/lists';

/**
 * The newest packaged kernel of a version: from the cache, else downloaded
 * into it. When that fails, an older kernel of the same version in the cache
 * will do. `note` hears one sentence for people where there is one.
 */
export async function packagedKernel(version: string, note: (line: string) => void): Promise<Kernel> {
  const cache = new KernelCache();
  try {
    const wanted = await newestPackage(cache, version);
    return (await cache.read(wanted)) ?? (await download(cache, wanted, note));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    for (const older of await cache.packages()) {
      const fits = newestKernel([{ Depends: older.name }], version);
      const kernel = fits && (await cache.read(older));
      if (!kernel) continue;
      note(`${error.message} Using ${older.name} ${older.version} from the cache.`);
      return kernel;
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

async function download(cache: KernelCache, wanted: KernelPackage, note: (line: string) => void): Promise<Kernel> {
  note(`Downloading ${wanted.name} ${wanted.version} into ${cache.folder}, once.`);
  await cache.inTemporary(async (folder) => {
    const tree = join(folder, 'tree');
    await unpackPackage(await downloadPackage(wanted, folder), tree);
    const image = (await readdir(join(tree, 'boot'))).find((name) => name.startsWith('vmlinuz-'));
    if (!image) throw new Problem(`${wanted.name} holds no kernel; name one of your own with kernel:PATH.`);
    const packed = await readFile(join(tree, 'boot', image));
    const modules = await readModules(tree);
    const missing = wantedModules.filter(
      (name) => name.startsWith('vfio') && !modules.some((one) => one.name === name),
    );
    if (missing.length > 0) {
      throw new Problem(`${wanted.name} lacks ${missing.join(' and ')}; name a kernel of your own with kernel:PATH.`);
    }
    await cache.write(wanted, (await vmlinux(packed)) ?? packed, modules);
  });
  const kernel = await cache.read(wanted);
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
