import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { inProcess } from './test-in-process.ts';
import { installed } from './test-installed.ts';

const { vfioConform } = inProcess();
/** Without the C parts. */
const { main } = installed();

describe('explain and targets', () => {
  test.each([['map_dma_overlaps'], ['SET_CONTAINER'], ['ENOSPC'], ['untouched_read_map'], ['L1'], ['I4']])(
    'explain %s',
    async (what) => {
      const { status, stdout } = await vfioConform('explain', what);
      expect(stdout).toMatchSnapshot();
      expect(status).toBe(0);
    },
  );

  test.each([
    ['map_dma_overlap', 'map_dma_overlaps'],
    ['map_dma_zero_size', 'map_dma_size_zero'],
    ['untouched_map', 'untouched_read_map'],
    ['SET_CONTANER', 'SET_CONTAINER'],
    ['MAP_DAM', 'MAP_DMA'],
    ['ENOSPACE', 'ENOSPC'],
  ])('%s is answered with %s as the nearest name', async (what, name) => {
    const { status, stderr } = await vfioConform('explain', what);
    expect(stderr).toMatch(new RegExp(`did you mean ${name}\\b`));
    expect(status).toBe(2);
  });

  test('a name like none is answered without guesses', async () => {
    const { status, stderr } = await vfioConform('explain', 'xyzzy');
    expect(stderr).toMatch(/nothing is called alike/);
    expect(status).toBe(2);
  });

  test('targets lists what can be tested', async () => {
    const { status, stdout } = await vfioConform('targets');
    expect(stdout).toMatch(/^sim /m);
    expect(stdout).toMatch(/^kernel:6\.12 /m);
    expect(status).toBe(0);
  });

  test('targets tells everything that is missing for a kernel', () => {
    const { stdout } = spawnSync(process.execPath, [main, 'targets', '--json'], {
      encoding: 'utf8',
      env: { PATH: '/nowhere' },
    });
    const { targets } = JSON.parse(stdout) as { targets: { target: string; missing?: string[] }[] };
    const missing = new Map(targets.map((one) => [one.target, one.missing?.map((text) => text.split(';')[0])]));
    expect(missing.get('kernel:6.12')).toEqual(['QEMU', 'xz', 'the C daemon']);
    expect(missing.get('sim')).toBeUndefined();
  });
});
