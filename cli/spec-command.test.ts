import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { type SpecOptions, specCommand } from './spec-command.ts';

const out = mkdtempSync(join(tmpdir(), 'vfio-conform-spec-'));
afterAll(() => rmSync(out, { recursive: true }));
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

/** What the command prints, and the exit code that it sets. */
async function spec(options: SpecOptions): Promise<{ printed: string; exitCode: typeof process.exitCode }> {
  let printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  // What check finds is another test's matter.
  await specCommand(options, () => undefined);
  return { printed, exitCode: process.exitCode };
}

test('pages are written, and --check names those that are missing, stale and left over', async () => {
  await spec({ format: 'md', out });
  const page = readFileSync(join(out, 'ioctls/iommu-bind.md'), 'utf8');
  expect(await spec({ format: 'md', out, check: true })).toEqual({ printed: '', exitCode: 0 });

  rmSync(join(out, 'sources.md'));
  writeFileSync(join(out, 'ioctls/iommu-bind.md'), 'changed');
  writeFileSync(join(out, 'ioctls/gone.md'), page);
  mkdirSync(join(out, 'counterexamples'), { recursive: true });
  writeFileSync(join(out, 'counterexamples/x1.json'), '{}');
  writeFileSync(join(out, 'other.json'), 'written by hand');
  writeFileSync(join(out, 'README.md'), 'written by hand');
  const { printed, exitCode } = await spec({ format: 'md', out, check: true });
  expect(exitCode).toBe(1);
  expect(printed.split('\n').filter(Boolean).sort()).toEqual([
    `${join(out, 'counterexamples/x1.json')}: left over`,
    `${join(out, 'ioctls/gone.md')}: left over`,
    `${join(out, 'ioctls/iommu-bind.md')}: stale`,
    `${join(out, 'sources.md')}: missing`,
  ]);

  await spec({ format: 'md', out });
  expect(readFileSync(join(out, 'README.md'), 'utf8')).toBe('written by hand');
  expect((await spec({ format: 'md', out, check: true })).exitCode).toBe(0);
});

test('the contract is printed as a document and as a header', async () => {
  const { printed } = await spec({ format: 'json' });
  expect(Object.keys(JSON.parse(printed)).length).toBeGreaterThan(0);
  expect((await spec({ format: 'h' })).printed).toContain('VFIO_IOMMU_BIND');
});

test('an unknown format, and options that a format does not take, are problems', async () => {
  await expect(spec({ format: 'html' })).rejects.toThrow('--format html: unknown; it can be md, json or h.');
  await expect(spec({ format: 'h', check: true })).rejects.toThrow('takes neither --out nor --check');
});
