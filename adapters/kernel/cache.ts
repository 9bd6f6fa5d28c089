import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { Problem } from '../../spec/uapi/problem.ts';
import type { Module } from './modules.ts';
import type { KernelPackage } from './package.ts';
import { inScratch } from './scratch.ts';

/** A kernel that is ready to boot. */
export interface Kernel {
  /** What the emulator starts: a file, or its content. */
  image: string | Buffer;
  /** Modules, in the order in which to load them. */
  modules: Module[];
}

interface Manifest {
  format: 1;
  package: KernelPackage;
  /** Module names, in the order in which to load them. */
  modules: string[];
  /** SHA-256 of each file of the entry. */
  files: Record<string, string>;
}

/**
 * Kernels from packages, each in a folder of its own. Several processes may use the cache at the same time, and any of them
 * may be killed: a file is only ever replaced as a whole, the manifest last, and a reader takes an entry only if every file is
 * the one that the manifest names.
 */
export class KernelCache {
  readonly folder: string;

  constructor(folder = defaultFolder()) {
    this.folder = folder;
  }

  /** The cached kernel of a package; undefined when it is not there or damaged. */
  async read(wanted: KernelPackage): Promise<Kernel | undefined> {
    const entry = this.entry(wanted);
    try {
      const manifest = JSON.parse(await readFile(join(entry, 'manifest.json'), 'utf8')) as Manifest;
      const checked = async (name: string): Promise<Buffer> => {
        const content = await readFile(join(entry, name));
        if (digest(content) !== manifest.files[name]) throw new Error(`${name} is damaged`);
        return content;
      };
      if (manifest.format !== 1 || manifest.package.sha256 !== wanted.sha256) return undefined;
      await checked('kernel');
      const modules = await Promise.all(
        manifest.modules.map(async (name) => ({ name, content: await checked(`${name}.ko`) })),
      );
      return { image: join(entry, 'kernel'), modules };
    } catch {
      return undefined;
    }
  }

  /** Adds the kernel of a package, in place of a damaged one. */
  async write(from: KernelPackage, image: Buffer, modules: Module[]): Promise<void> {
    const contents = [
      { name: 'kernel', content: image },
      ...modules.map(({ name, content }) => ({ name: `${name}.ko`, content })),
    ];
    const files = Object.fromEntries(contents.map(({ name, content }) => [name, digest(content)]));
    await this.inTemporary(async (folder) => {
      const entry = this.entry(from);
      await mkdir(entry, { recursive: true });
      const put = (name: string, content: string | Buffer) => replace(folder, join(entry, name), content);
      for (const { name, content } of contents) await put(name, content);
      const manifest: Manifest = { format: 1, package: from, modules: modules.map((one) => one.name), files };
      await put('manifest.json', `${JSON.stringify(manifest, null, 2)}\n`);
    });
  }

  /** Packages whose kernels are here, newest first. */
  async packages(): Promise<KernelPackage[]> {
    const found: { from: KernelPackage; written: number }[] = [];
    for (const name of await readdir(this.folder).catch(() => [])) {
      try {
        const file = join(this.folder, name, 'manifest.json');
        const manifest = JSON.parse(await readFile(file, 'utf8')) as Manifest;
        found.push({ from: manifest.package, written: (await stat(file)).mtimeMs });
      } catch {
        // Not an entry.
      }
    }
    return found.sort((a, b) => b.written - a.written).map(({ from }) => from);
  }

  /** Does something in a folder next to the entries, which is gone afterwards. Throws a Problem if there can be none. */
  async inTemporary<T>(work: (folder: string) => Promise<T>): Promise<T> {
    await mkdir(this.folder, { recursive: true }).catch((error: Error) => {
      throw new Problem(`${this.folder} cannot be made (${error.message}); set XDG_CACHE_HOME to a folder of yours.`);
    });
    return inScratch(this.folder, work);
  }

  /** What apt answered for a version, while its package lists are the ones that it answered from. */
  async remembered(version: string, stamp: string): Promise<KernelPackage | undefined> {
    try {
      const answer = JSON.parse(await readFile(join(this.folder, `newest-${version}.json`), 'utf8'));
      return answer.stamp === stamp ? answer.package : undefined;
    } catch {
      return undefined;
    }
  }

  async remember(version: string, stamp: string, found: KernelPackage): Promise<void> {
    const file = join(this.folder, `newest-${version}.json`);
    await this.inTemporary((folder) => replace(folder, file, JSON.stringify({ stamp, package: found })));
  }

  private entry({ name, version }: KernelPackage): string {
    return join(this.folder, `${name}_${version.replaceAll('/', '_')}`);
  }
}

/** Puts a file in its place as a whole, by way of a folder on the same disk. */
async function replace(folder: string, file: string, content: string | Buffer): Promise<void> {
  const draft = join(folder, basename(file));
  await writeFile(draft, content);
  await rename(draft, file);
}

function defaultFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'vfio-conform');
}

function digest(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
