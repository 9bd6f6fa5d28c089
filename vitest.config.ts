import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    exclude: [...configDefaults.exclude, 'dist/**', '**/*.kernel.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
