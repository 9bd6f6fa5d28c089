import { configDefaults, defineConfig } from 'vitest/config';
import { shared } from './vitest.shared.config.ts';

/** All tests that need no kernel, with a part of every sweep. */
export default defineConfig({
  test: {
    ...shared,
    exclude: [...configDefaults.exclude, 'dist/**', '**/*.kernel.test.ts'],
    provide: { sweep: 'part' },
  },
});
