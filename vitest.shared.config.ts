import { availableParallelism } from 'node:os';
import type { ViteUserConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** How much of a sweep is run: in `npm test` a part that notices the same, in `npm run test:full` all of it. */
    sweep: 'part' | 'whole';
  }
}

/** Those that take longest come first, so that no core waits for the last one. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const long = (file: TestSpecification) => Number(/\.sweep\.test\.ts$/.test(file.moduleId));
    return sorted.sort((a, b) => long(b) - long(a));
  }
}

/** Guards against what hangs; a busy machine may take long for anything else. */
const HANGS = 3_600_000;

/**
 * What the configurations for tests that boot no kernel have in common: they take every core, and files that a worker runs share
 * modules, which saves a third of the time. So no test may change what a module holds.
 */
export const shared = {
  // What is printed is compared as text, also where whoever runs the tests asks for colours.
  env: { FORCE_COLOR: '0' },
  globalSetup: 'scripts/build-for-tests.mjs',
  // A module is what it is to Node.js.
  deps: { interopDefault: false },
  isolate: false,
  maxWorkers: availableParallelism(),
  sequence: { sequencer: LongestFirst },
  testTimeout: HANGS,
  hookTimeout: HANGS,
} satisfies ViteUserConfig['test'];
