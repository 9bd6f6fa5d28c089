import { expect, it } from 'vitest';
import { CoverageOption } from './options/coverage-option.ts';

it.each(['sim', 'kernel', 'kernel:6.12', 'exec:kernel:x'])('%s does not count', async (target) => {
  await expect(CoverageOption.parse(true, target)).rejects.toThrow(`--coverage: ${target} does not count what it`);
});

it('a kernel needs the notes of its compiler', async () => {
  await expect(CoverageOption.parse('out', 'kernel:/nowhere/bzImage')).rejects.toThrow(
    '--coverage: /nowhere/coverage holds no notes',
  );
});
