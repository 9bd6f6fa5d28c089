import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    globalSetup: 'scripts/build-for-tests.mjs',
    exclude: [...configDefaults.exclude, 'dist/**', '**/*.kernel.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
