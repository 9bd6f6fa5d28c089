import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { KernelCoverage, SourceCoverage } from '../../spec/uapi/kernel-coverage.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import { Counts } from './coverage-counts.ts';
import type { GuestFiles } from './coverage-handover.ts';
import { runTool } from './tool.ts';

/** Folder beside a kernel's image that holds the compiler's notes of the sources that count, and these sources. */
const notesFolder = 'coverage';

const howToBuild = 'build one with adapters/kernel/own/build.sh (docs/own-kernel.md)';

/** What the machines of a run handed over, and the compiler's notes that say what it means. */
export class CoverageCollector {
  private readonly folder: string;
  /** Notes, as paths below the folder without ending, such as `drivers/vfio/group`. */
  private readonly notes: string[];
  private readonly machines: Promise<GuestFiles | undefined>[] = [];

  private constructor(folder: string, notes: string[]) {
    this.folder = folder;
    this.notes = notes;
  }

  /** Finds the notes beside the image of a kernel. Throws a Problem when they, or gcov, are not there. */
  static async for(image: string): Promise<CoverageCollector> {
    const folder = resolve(dirname(image), notesFolder);
    const entries = await readdir(folder, { recursive: true }).catch(() => []);
    const notes = entries.filter((path) => path.endsWith('.gcno')).map((path) => path.slice(0, -'.gcno'.length));
    if (notes.length === 0) {
      throw new Problem(`--coverage: ${folder} holds no notes of the kernel's compiler (*.gcno); ${howToBuild}.`);
    }
    await runTool('gcov', ['--version']);
    return new CoverageCollector(folder, notes.sort());
  }

  /** Takes what one machine hands over, or undefined if it does not. */
  add(files: Promise<GuestFiles | undefined>): void {
    // coverage() tells of a failure; until then it must not end the process.
    files.catch(() => {});
    this.machines.push(files);
  }

  /** What all machines together reached, when they are gone. Throws a Problem when gcov cannot tell. */
  async coverage(): Promise<KernelCoverage> {
    const handed = (await Promise.all(this.machines)).filter((files) => files !== undefined);
    const silent = this.machines.length - handed.length;
    if (handed.length === 0) {
      throw new Problem('--coverage: no machine lived to hand over what it had counted; run fewer programs at a time.');
    }
    const scratch = await mkdtemp(join(tmpdir(), 'vfio-conform-coverage-'));
    try {
      const sources: SourceCoverage[] = [];
      for (const note of this.notes) sources.push(await this.source(note, handed, scratch));
      return { machines: this.machines.length, silent, sources };
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }

  private async source(note: string, machines: readonly GuestFiles[], scratch: string): Promise<SourceCoverage> {
    const file = `${note}.c`;
    const path = join(this.folder, file);
    const source = await readFile(path, 'utf8').catch(() => {
      throw new Problem(`--coverage: ${path} is not there; ${howToBuild}.`);
    });
    const counts = new Counts();
    const [notes, data] = [join(scratch, 'source.gcno'), join(scratch, 'source.gcda')];
    await symlink(join(this.folder, `${note}.gcno`), notes);
    for (const machine of machines) {
      const counted = [...machine].find(([name]) => name.endsWith(`/${note}.gcda`));
      // A module that was not loaded has counted nothing.
      if (counted) await writeFile(data, counted[1]);
      counts.add(await gcov(scratch), file);
      await rm(data, { force: true });
    }
    await rm(notes);
    return { file, path, text: source.split('\n'), functions: counts.functions, lines: counts.lines };
  }
}

/** What gcov prints of source.gcno and source.gcda in that folder. */
async function gcov(folder: string): Promise<string> {
  const args = ['--json-format', '--branch-probabilities', '--stdout', 'source.gcno'];
  const { status, stdout, stderr } = await runTool('gcov', args, { cwd: folder });
  // Without counts it says so and prints zeros.
  const complaint = stderr.split('\n').find((line) => line !== '' && !line.includes('cannot open data file'));
  if (status === 0 && complaint === undefined) return stdout.toString();
  throw new Problem(
    `--coverage: gcov does not read what the kernel counted (${complaint ?? `status ${status}`}); use the gcov of the compiler that built the kernel, and the notes of the same build.`,
  );
}
