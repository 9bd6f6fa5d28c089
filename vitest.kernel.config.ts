import { defineConfig } from 'vitest/config';

/** Tests that boot real kernels, one file after the other: each machine takes a core of its own. */
export default defineConfig({
  test: {
    globalSetup: 'scripts/build-for-tests.mjs',
    deps: { interopDefault: false },
    include: ['**/*.kernel.test.ts'],
    exclude: ['node_modules/**', 'dist/**'],
    fileParallelism: false,
    testTimeout: 900_000,
    hookTimeout: 600_000,
  },
});
