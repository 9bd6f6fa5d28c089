import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Problem } from '../../spec/uapi/problem.ts';
import { runTool } from './tool.ts';

/** A kernel module, uncompressed, by the name that the kernel gives it. */
export interface Module {
  name: string;
  content: Buffer;
}

/** What the guest needs, unless it is built in: the way to the host, and VFIO. */
export const wantedModules = ['virtio_pci', 'virtio_console', 'vfio_pci', 'vfio_iommu_type1'];

/** The modules in a folder and the folders below it: name to file. */
async function findModules(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const entries = await readdir(folder, { recursive: true }).catch((error: Error) => {
    throw new Problem(`${folder} cannot be read (${error.message}); name a folder that holds *.ko files.`);
  });
  for (const path of entries) {
    const name = /([^/]+)\.ko(\.xz|\.gz|\.zst)?$/.exec(path)?.[1];
    if (name) found.set(canonical(name), join(folder, path));
  }
  return found;
}

/**
 * The wanted modules and what they depend on, in an order in which they can be
 * loaded. One that is not there is taken to be built in: the guest finds out.
 */
export async function loadOrder(
  wanted: string[],
  read: (name: string) => Promise<Buffer | undefined>,
): Promise<Module[]> {
  const order: Module[] = [];
  const seen = new Set<string>();
  const visit = async (name: string): Promise<void> => {
    if (seen.has(name)) return;
    seen.add(name);
    const content = await read(name);
    if (!content) return;
    for (const dependency of dependenciesOf(content)) await visit(dependency);
    order.push({ name, content });
  };
  for (const name of wanted) await visit(canonical(name));
  return order;
}

/** Reads the wanted modules, and what they depend on, from a folder. */
export async function readModules(folder: string): Promise<Module[]> {
  const files = await findModules(folder);
  return loadOrder(wantedModules, async (name) => {
    const file = files.get(name);
    return file === undefined ? undefined : uncompressed(file);
  });
}

/**
 * What a module says it depends on. Read from the module, as packages come
 * without modules.dep: that is made when they are installed.
 */
export function dependenciesOf(content: Buffer): string[] {
  const key = Buffer.from('\0depends=');
  const at = content.indexOf(key);
  if (at < 0) return [];
  const start = at + key.length;
  const list = content.toString('latin1', start, content.indexOf(0, start));
  return list
    .split(',')
    .filter((name) => name !== '')
    .map(canonical);
}

/** File names have dashes where the kernel has underscores. */
export function canonical(name: string): string {
  return name.replaceAll('-', '_');
}

async function uncompressed(file: string): Promise<Buffer> {
  if (file.endsWith('.gz')) return gunzipSync(await readFile(file));
  const tool = file.endsWith('.xz') ? 'xz' : file.endsWith('.zst') ? 'zstd' : undefined;
  if (!tool) return readFile(file);
  const { status, stdout, stderr } = await runTool(tool, ['-dc', file]);
  if (status !== 0) throw new Problem(`${file} cannot be unpacked (${stderr.trim()}); is it a whole file?`);
  return stdout;
}
