import { expect, it } from 'vitest';
import { cpio } from './cpio.ts';

/** Reads an archive back: path to mode and content. */
function read(archive: Buffer): Record<string, { mode: string; content: string }> {
  const found: Record<string, { mode: string; content: string }> = {};
  for (let at = 0; at < archive.length; ) {
    expect(archive.toString('latin1', at, at + 6)).toBe('070701');
    const field = (index: number): number =>
      Number.parseInt(archive.toString('latin1', at + 6 + 8 * index, at + 14 + 8 * index), 16);
    const nameEnd = at + 110 + field(11);
    const start = (nameEnd + 3) & ~3;
    const end = start + field(6);
    const name = archive.toString('utf8', at + 110, nameEnd - 1);
    found[name] = { mode: field(1).toString(8), content: archive.toString('utf8', start, end) };
    at = (end + 3) & ~3;
  }
  return found;
}

it('holds files, and the folders that they are in', () => {
  const archive = cpio([
    { path: 'dev' },
    { path: 'init', content: Buffer.from('#!'), executable: true },
    { path: 'a/b/c', content: Buffer.from('12345') },
    { path: 'a/b/d', content: Buffer.alloc(0) },
  ]);
  expect(archive.length % 4).toBe(0);
  const entries = read(archive);
  expect(Object.keys(entries)).toEqual(['dev', 'init', 'a', 'a/b', 'a/b/c', 'a/b/d', 'TRAILER!!!']);
  expect(entries).toMatchObject({
    dev: { mode: '40755' },
    init: { mode: '100755', content: '#!' },
    'a/b': { mode: '40755' },
    'a/b/c': { mode: '100644', content: '12345' },
    'a/b/d': { mode: '100644', content: '' },
  });
});
