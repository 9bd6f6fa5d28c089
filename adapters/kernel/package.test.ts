import { expect, it } from 'vitest';
import { newestKernel, paragraphs } from './package.ts';

const shown = `Package: linux-image-amd64
Version: 6.1.192-2
Depends: linux-image-6.1.0-56-amd64 (= 6.1.192-2)
Description: Linux for 64-bit PCs (meta-package)
 more of it
SHA256: 45457b

Package: linux-image-6.12-amd64
Version: 6.12.117-1~deb12u1
Depends: linux-image-6.12.117+deb12-amd64 (= 6.12.117-1~deb12u1)
SHA256: 5b85fb

`;

it('reads what apt shows', () => {
  const [first, second, ...rest] = paragraphs(shown);
  expect(first).toMatchObject({ Package: 'linux-image-amd64', Version: '6.1.192-2', SHA256: '45457b' });
  expect(second).toMatchObject({ Package: 'linux-image-6.12-amd64' });
  expect(rest).toEqual([]);
  expect(paragraphs('')).toEqual([]);
});

it.each([
  ['6.1', 'linux-image-6.1.0-56-amd64'],
  ['6.12', 'linux-image-6.12.117+deb12-amd64'],
  ['6.12.117', 'linux-image-6.12.117+deb12-amd64'],
  ['6.12.11', undefined],
  ['6', 'linux-image-6.1.0-56-amd64'],
  ['5.10', undefined],
])('finds the package for %s', (version, name) => {
  expect(newestKernel(paragraphs(shown), version)).toBe(name);
});
