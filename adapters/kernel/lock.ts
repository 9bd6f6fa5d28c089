import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '../../spec/uapi/problem.ts';
import { complaint, validator } from '../../spec/uapi/validator.ts';
import type { KernelLock } from '../../spec/uapi/vocabulary.ts';
import { type KernelPackage, startsVersion } from './package.ts';

/** The lock file, in the current folder. */
export const lockFile = 'kernels.lock.yaml';

const howToMake = 'vfio-conform targets --lock VERSION writes it, such as 6.12 for the newest of that version';

/** The packages that the lock file names; undefined if there is no such file. Throws a Problem if it is not one. */
export async function readLock(): Promise<KernelPackage[] | undefined> {
  const text = await readFile(join(process.cwd(), lockFile), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new Problem(`${lockFile}: cannot be read (${error.message}); make it readable.`);
  });
  if (text === undefined) return undefined;
  const { parse } = await import('yaml');
  let lock: unknown;
  try {
    lock = parse(text);
  } catch (error) {
    throw new Problem(`${lockFile}: not YAML: ${(error as Error).message.split('\n')[0]} ${howToMake}.`);
  }
  const valid = validator('kernel-lock.schema.json');
  if (!valid(lock)) {
    const { place, clause } = complaint(valid);
    throw new Problem(`${lockFile}: ${place} ${clause}; ${howToMake}.`);
  }
  return (lock as KernelLock).map(({ package: name, version, sha256 }) => ({ name, version, sha256 }));
}

/** The package that is pinned by the start of its version, such as 6.12.117-1. Throws a Problem unless it is exactly one. */
export async function lockedPackage(version: string): Promise<KernelPackage> {
  const lock = await readLock();
  if (!lock) throw new Problem(`kernel:${version}: ${lockFile} is not in this folder; ${howToMake}.`);
  const found = lock.filter((one) => startsVersion(one.version, version));
  if (found.length === 1) return found[0]!;
  if (found.length === 0) {
    const known = lock.map((one) => one.version).join(', ') || 'none';
    throw new Problem(`kernel:${version}: ${lockFile} has no such version, only ${known}; ${howToMake}.`);
  }
  const versions = found.map((one) => `${one.version} (${one.name})`).join(', ');
  throw new Problem(
    `kernel:${version}: ${lockFile} has several such versions: ${versions}; write more of the one you mean.`,
  );
}

/** Adds a package to the lock file, in place of one of the same name and version. Returns the target that then means it. */
export async function addToLock(added: KernelPackage): Promise<string> {
  const others = ((await readLock()) ?? []).filter(
    ({ name, version }) => name !== added.name || version !== added.version,
  );
  const lines = [...others, added].map(
    ({ name, version, sha256 }) => `- { package: ${name}, version: "${version}", sha256: "${sha256}" }\n`,
  );
  await writeFile(
    join(process.cwd(), lockFile),
    `# Packages of kernels for vfio-conform --target kernel:VERSION, written by vfio-conform targets --lock.\n${lines.join('')}`,
  ).catch((error: Error) => {
    throw new Problem(`${lockFile}: cannot be written (${error.message}); change to a folder of yours.`);
  });
  const short = /^\d+(?:\.\d+)+-\d+/.exec(added.version)?.[0] ?? added.version;
  const unambiguous = others.every(({ version }) => !startsVersion(version, short));
  return `kernel:${unambiguous ? short : added.version}`;
}
