import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../spec/uapi/package-root.ts';
import { mutated, randomNumbers } from './mutator.ts';
import { corpus, parsers } from './parsers.ts';

const folder = mkdtempSync(join(tmpdir(), 'vfio-conform-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(parsers)('$name', ({ name, parse }) => {
  const texts = corpus(name);

  it.each(texts)('takes or refuses $file', ({ text }) => {
    parse(text, join(folder, name));
  });

  it('takes or refuses what is made of them', () => {
    const random = randomNumbers(1);
    const all = texts.map(({ text }) => text);
    for (let i = 0; i < 300; i++) parse(mutated(all[i % all.length]!, all, random), join(folder, name));
  });
});

it('the same seed makes the same texts', () => {
  const make = () => {
    const random = randomNumbers(7);
    return Array.from({ length: 20 }, () => mutated('{"a":[1,2]}', ['other'], random));
  };
  expect(make()).toEqual(make());
  expect(new Set(make()).size).toBeGreaterThan(10);
});

const driver = join(packageRoot, 'dist/native/fuzz-daemon');
it.skipIf(!existsSync(driver))('the C daemon reads its corpus', () => {
  const files = corpus('daemon').map(({ file }) => file);
  const { status, stdout, stderr } = spawnSync(driver, ['0', '1', ...files], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(stdout).toBe(`${files.length}\n`);
  expect(status).toBe(0);
});
