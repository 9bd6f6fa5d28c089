import { defineConfig } from 'vitest/config';
import { shared } from './vitest.shared.config.ts';

/** Every sweep as a whole, and nothing else. */
export default defineConfig({
  test: {
    ...shared,
    include: ['**/*.sweep.test.ts'],
    exclude: ['node_modules/**', 'dist/**'],
    provide: { sweep: 'whole' },
  },
});
