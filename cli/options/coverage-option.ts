import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CoverageCollector } from '../../adapters/kernel/coverage.ts';
import { toCoverageText } from '../../reports/kernel-coverage.ts';
import { parseExplanations } from '../../reports/kernel-coverage-explanations.ts';
import { toLcov } from '../../reports/kernel-coverage-lcov.ts';
import { checkOutputFolder, outputProblem } from '../../reports/output.ts';
import { packageRoot } from '../../spec/uapi/package-root.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import { packagedVersion } from '../target.ts';

const explanationsFile = join(packageRoot, 'adapters/kernel/own/not-covered.yaml');

/** `--coverage[=DIR]`: what the machines of a run count, and where the reports on it go. */
export class CoverageOption {
  readonly collector: CoverageCollector;
  private readonly folder: string | undefined;

  private constructor(collector: CoverageCollector, folder: string | undefined) {
    this.collector = collector;
    this.folder = folder;
  }

  /** Checks the option before anything runs. Throws a Problem. */
  static async parse(option: string | boolean, target: string): Promise<CoverageOption> {
    const image = packagedVersion(target) === undefined ? /^kernel:(.+)$/.exec(target)?.[1] : undefined;
    if (image === undefined) {
      throw new Problem(
        `--coverage: ${target} does not count what it executes; name a kernel that does with --target kernel:PATH (docs/own-kernel.md).`,
      );
    }
    const { CoverageCollector } = await import('../../adapters/kernel/coverage.ts');
    const collector = await CoverageCollector.for(image);
    const folder = typeof option === 'string' ? option : undefined;
    if (folder !== undefined) checkOutputFolder(`--coverage=${folder}`, folder);
    return new CoverageOption(collector, folder);
  }

  /**
   * The report for people. With a folder, it is also written there, as
   * coverage.txt, and for other tools as coverage.info. Throws a Problem.
   */
  async report(): Promise<string> {
    const coverage = await this.collector.coverage();
    const explanations = parseExplanations(readFileSync(explanationsFile, 'utf8'), explanationsFile);
    const text = toCoverageText(coverage, explanations);
    const folder = this.folder;
    if (folder !== undefined) {
      write(folder, () => {
        writeFileSync(join(folder, 'coverage.txt'), text);
        writeFileSync(join(folder, 'coverage.info'), toLcov(coverage));
      });
    }
    return text;
  }
}

function write(folder: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw outputProblem(`--coverage=${folder}`, folder, error);
  }
}
