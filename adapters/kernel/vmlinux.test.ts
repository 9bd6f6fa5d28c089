import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { isKernel, payload, vmlinux } from './vmlinux.ts';

const kernel = Buffer.concat([
  Buffer.from('\x7fELF and so on', 'latin1'),
  Buffer.from('04000000080000001200000058656e000011223344556677', 'hex'),
]);

/** A boot image with one setup sector and the payload right after it. */
function image(packed: Buffer): Buffer {
  const head = Buffer.alloc(1024);
  head[0x1f1] = 1;
  head.write('HdrS', 0x202, 'latin1');
  head.writeUInt16LE(0x20f, 0x206);
  head.writeUInt32LE(packed.length + 4, 0x24c);
  return Buffer.concat([head, packed, Buffer.alloc(4)]);
}

it('takes the kernel out of a boot image', async () => {
  expect(await vmlinux(image(gzipSync(kernel)))).toEqual(kernel);
  expect(await vmlinux(kernel)).toBe(kernel);
});

it('leaves alone what cannot be started directly', async () => {
  expect(await vmlinux(image(gzipSync(Buffer.from('\x7fELF without a note', 'latin1'))))).toBeUndefined();
  expect(await vmlinux(image(Buffer.from('packed in some other way')))).toBeUndefined();
  expect(await vmlinux(Buffer.from('anything'))).toBeUndefined();
  expect(payload(image(Buffer.from('packed')).subarray(0, 1026))).toBeUndefined();
});

it('tells a kernel from other files', () => {
  expect(isKernel(kernel)).toBe(true);
  expect(isKernel(image(Buffer.from('packed')))).toBe(true);
  expect(isKernel(Buffer.from('\x7fELF without a note', 'latin1'))).toBe(false);
  expect(isKernel(Buffer.from(''))).toBe(false);
});
