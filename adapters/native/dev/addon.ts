import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { packageRoot } from '../../../spec/uapi/package-root.ts';
import { Problem } from '../../../spec/uapi/problem.ts';

/** A process that runs programs, as the addon knows it. */
export type Helper = object;

/** What the native addon offers (adapters/native/addon/addon.c). */
export interface Addon {
  /** Starts a program with shared memory; `errors` is a descriptor to read from what it says to people. */
  start(program: string, words: readonly string[]): { helper: Helper; pid: number; errors: number };
  /** Hands it a message. One at a time; null when the helper is gone. */
  exchange(helper: Helper, message: string): Promise<string | null>;
  /** Kills it: the exchange under way, or the next one, then gives null. */
  end(helper: Helper): void;
  /** How it went, once an exchange gave null; undefined if it is not gone for all that is known. */
  how(helper: Helper): { status: number } | { signal: number } | undefined;
}

const folder = join(packageRoot, 'dist/native');

/** The program that the addon starts as a helper. */
export const helperProgram = join(folder, 'vfio-conformd');
const addonFile = join(folder, 'vfio-conform.node');

/** What of the addon is missing, with the remedy; undefined if nothing is. */
export function missingAddon(): string | undefined {
  if (existsSync(addonFile) && existsSync(helperProgram)) return undefined;
  return 'the native addon; install a compiler with: apt-get install gcc libc6-dev, then run: npm run build';
}

/** Loads the addon. Throws a Problem if it is not built. */
export function loadAddon(): Addon {
  const missing = missingAddon();
  if (missing !== undefined) throw new Problem(`--target dev needs ${missing}.`);
  return createRequire(import.meta.url)(addonFile) as Addon;
}
