import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '../../spec/uapi/problem.ts';
import { runTool } from './tool.ts';

/** A Debian package of a kernel. */
export interface KernelPackage {
  name: string;
  version: string;
  /** SHA-256 of the package file, from the signed package lists. */
  sha256: string;
}

/** A paragraph of a package list: field to value. */
export type Paragraph = Record<string, string>;

/** Cuts what `apt-cache show` prints into paragraphs; of a field over several lines the first is kept. */
export function paragraphs(text: string): Paragraph[] {
  return text
    .split(/\n{2,}/)
    .map((part) =>
      Object.fromEntries([...part.matchAll(/^([A-Za-z0-9-]+): ?(.*)$/gm)].map(([, key, value]) => [key, value])),
    )
    .filter((paragraph) => paragraph.Package !== undefined);
}

/** Name of the package that holds the newest kernel of a version, from the meta packages that depend on such. */
export function newestKernel(metaPackages: Paragraph[], version: string): string | undefined {
  for (const { Depends = '' } of metaPackages) {
    const name = /\blinux-image-\d[^\s,|]*/.exec(Depends)?.[0];
    if (name && startsVersion(name.slice('linux-image-'.length), version)) return name;
  }
  return undefined;
}

/** Whether a version starts with another one: 6.12.117-1 starts with 6.12, but not with 6.1. */
export function startsVersion(version: string, start: string): boolean {
  return version.startsWith(start) && !/^\d/.test(version.slice(start.length));
}

/** Whether a version pins one package, such as 6.12.117-1, and does not stand for the newest of a release, such as 6.12. */
export function isPinned(version: string): boolean {
  return /^\d+\.\d+\.\d/.test(version);
}

/** What a package file says that it is, and its checksum. Throws a Problem if it is none of a kernel. */
export async function readPackageFile(file: string): Promise<KernelPackage> {
  const place = `--kernel-package ${file}`;
  const sum = await sha256(file).catch((error: Error) => {
    throw new Problem(`${place}: cannot be read (${error.message}); name a .deb file.`);
  });
  const { status, stdout, stderr } = await runTool('dpkg-deb', ['-f', file, 'Package', 'Version', 'Architecture']);
  const [fields] = paragraphs(stdout.toString());
  if (status !== 0 || !fields?.Version) {
    throw new Problem(`${place}: is no Debian package (${stderr.trim().split('\n')[0]}); name a .deb file.`);
  }
  const { Package: name = '', Version: version, Architecture: architecture } = fields;
  if (!/^linux-image-\d/.test(name) || architecture !== 'amd64') {
    throw new Problem(
      `${place}: is ${name} for ${architecture}; name the package of a kernel for amd64, linux-image-*.`,
    );
  }
  return { name, version, sha256: sum };
}

/** Finds the package of the newest kernel of a version, such as 6.12. Throws a Problem when apt does not know one. */
export async function findPackage(version: string): Promise<KernelPackage> {
  const series = version.split('.').slice(0, 2).join('.');
  const metaPackages = await show([`linux-image-${series}-amd64`, 'linux-image-amd64']);
  const name = newestKernel(metaPackages, version);
  const [found] = name ? await show([name]) : [];
  if (!found?.Version || !found.SHA256) {
    throw new Problem(
      `kernel:${version}: apt knows no package with this kernel; run \`sudo apt-get update\`, or name a kernel of your own with kernel:PATH.`,
    );
  }
  return { name: found.Package!, version: found.Version, sha256: found.SHA256 };
}

async function show(names: string[]): Promise<Paragraph[]> {
  // Packages that apt does not know make it fail, but it shows the others.
  const { stdout } = await runTool('apt-cache', ['show', '--no-all-versions', ...names]);
  return paragraphs(stdout.toString());
}

/** Downloads a package into a folder and checks it. Needs no privilege. Returns the file. */
export async function downloadPackage(wanted: KernelPackage, folder: string): Promise<string> {
  const { status, stderr } = await runTool('apt-get', ['download', '-qq', `${wanted.name}=${wanted.version}`], {
    cwd: folder,
  });
  const file = (await readdir(folder)).find((name) => name.endsWith('.deb'));
  if (status !== 0 || !file) {
    const why = stderr.split('\n').find((line) => line.startsWith('E: ')) ?? 'apt-get gave no file';
    throw new Problem(
      `${wanted.name} ${wanted.version} cannot be downloaded (${why.trim()}); check the network and run \`sudo apt-get update\`, or give its file with --kernel-package (snapshot.debian.org keeps old ones).`,
    );
  }
  const path = join(folder, file);
  if ((await sha256(path)) !== wanted.sha256) {
    throw new Problem(`${wanted.name} arrived with a wrong checksum; run \`sudo apt-get update\` and try again.`);
  }
  return path;
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file)) hash.update(piece);
  return hash.digest('hex');
}

/** Unpacks a package file into a folder. */
export async function unpackPackage(file: string, folder: string): Promise<void> {
  const { status, stderr } = await runTool('dpkg-deb', ['-x', file, folder]);
  if (status !== 0) throw new Problem(`${file} cannot be unpacked (${stderr.trim()}); is there room on the disk?`);
}
