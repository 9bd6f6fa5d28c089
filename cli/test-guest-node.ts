import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { boot } from '../adapters/kernel/boot.ts';
import { cpio, type Entry } from '../adapters/kernel/cpio.ts';
import { builtPrograms, plan, readGuestPrograms } from '../adapters/kernel/initramfs.ts';
import { layout } from '../adapters/kernel/machine.ts';
import { settings } from '../adapters/kernel/settings.ts';
import { packagedKernel } from '../adapters/kernel/source.ts';
import type { Link } from '../adapters/remote/link.ts';
import { spelledOut } from '../spec/uapi/emulated-machine.ts';
import { packageRoot } from '../spec/uapi/package-root.ts';
import type { Slot } from '../spec/uapi/vocabulary.ts';

/** What the command did in the guest. */
export interface GuestRun {
  status: number | null;
  stdout: string;
  stderr: string;
  /** What is in /tmp/record.jsonl now. */
  record: string;
  /** Configuration of every PCI device, as hexadecimal text, by address. */
  before: Record<string, string>;
  after: Record<string, string>;
  /** The IOMMU group of each device. */
  groups: Record<string, number>;
}

/** A guest with Node.js and this package, as it is built. */
export interface GuestNode {
  /** Runs the command with those words. */
  vfioConform(...words: string[]): Promise<GuestRun>;
  stop(): Promise<void>;
}

/** Node.js, this package and what it needs take that much unpacked. */
const memoryMiB = 1536;

/** Boots a packaged kernel with Node.js inside, and with groups for those slots bound to vfio-pci. */
export async function guestNode(version: string, slots: Slot[]): Promise<GuestNode> {
  const { kernel } = await packagedKernel(version, undefined, () => {});
  const machine = layout({ machine: {}, slots });
  const programs = await readGuestPrograms(builtPrograms);
  const modules = kernel.modules;
  const lines = plan(
    modules.map(({ name }) => name),
    Object.values(machine.groups),
    { programSeconds: 30 },
  ).replace(/^serve (\S+) .*$/m, 'serve $1 /node --max-old-space-size=768 /guest.mjs');
  const { cpus } = settings({});
  const link = await boot({
    memoryMiB,
    cpus,
    parameters: [],
    accelerator: 'tcg',
    machine: spelledOut({}),
    groups: machine.options,
    kernel: kernel.image,
    initramfs: cpio([
      { path: 'dev' },
      { path: 'init', content: programs.init, executable: true },
      { path: 'plan', content: Buffer.from(lines) },
      ...modules.map(({ name, content }) => ({ path: `modules/${name}.ko`, content })),
      ...nodeFiles(),
      ...packageFiles(),
      { path: 'guest.mjs', content: readFileSync(join(packageRoot, 'cli/test-guest-node.mjs')) },
    ]),
  });
  const answers = answersOf(link);
  return {
    async vfioConform(...words) {
      link.output.write(`${JSON.stringify(words)}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error(`the guest is gone: ${(await link.gone).why}\n${link.tail().join('\n')}`);
      return JSON.parse(value) as GuestRun;
    },
    stop: () => link.end(),
  };
}

/** Node.js and the shared libraries that it is linked with. */
function nodeFiles(): Entry[] {
  const libraries = execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
  return [
    { path: 'node', content: readFileSync(process.execPath), executable: true },
    ...libraries.map((path) => ({ path: path.slice(1), content: readFileSync(realpathSync(path)), executable: true })),
  ];
}

/** What a user installs: the built package, and the packages that it depends on. */
function packageFiles(): Entry[] {
  const { dependencies } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const names = new Set<string>();
  const add = (name: string): void => {
    if (names.has(name)) return;
    names.add(name);
    const file = join(packageRoot, 'node_modules', name, 'package.json');
    const needs = JSON.parse(readFileSync(file, 'utf8')) as { dependencies?: Record<string, string> };
    for (const one of Object.keys(needs.dependencies ?? {})) add(one);
  };
  for (const name of Object.keys(dependencies)) add(name);
  return ['dist', 'spec', 'package.json', ...[...names].map((name) => join('node_modules', name))].flatMap((path) =>
    filesBelow(path).map((file) => ({
      path: join('vfio-conform', file),
      content: readFileSync(join(packageRoot, file)),
      executable: file.startsWith('dist/native/'),
    })),
  );
}

function filesBelow(path: string): string[] {
  if (/\.(map|d\.ts|test\.js)$/.test(path)) return [];
  let names: string[];
  try {
    names = readdirSync(join(packageRoot, path));
  } catch {
    return [path];
  }
  return names.flatMap((name) => filesBelow(join(path, name)));
}

async function* answersOf(link: Link): AsyncGenerator<string> {
  let text = '';
  for await (const piece of link.input.setEncoding('utf8')) {
    const lines = (text + piece).split('\n');
    text = lines.pop()!;
    yield* lines;
  }
}
