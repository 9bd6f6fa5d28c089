import { gunzipSync } from 'node:zlib';
import { runTool } from './tool.ts';

/** Note by which a kernel says where to enter it without firmware: 4-byte name, 8-byte value, type 18, "Xen". */
const entryNote = Buffer.from('04000000080000001200000058656e00', 'hex');

/**
 * The kernel proper inside a boot image. The emulator can start it directly,
 * which saves the emulated machine the work of unpacking it: seconds, for one
 * packed with xz. Undefined when that is not possible here; the image does.
 */
export async function vmlinux(image: Buffer): Promise<Buffer | undefined> {
  if (isStartable(image)) return image;
  const packed = payload(image);
  const kernel = packed && (await unpack(packed));
  return kernel && isStartable(kernel) ? kernel : undefined;
}

function isStartable(kernel: Buffer): boolean {
  return kernel.subarray(0, 4).toString('latin1') === '\x7fELF' && kernel.includes(entryNote);
}

/** Whether the emulator can start this file: a boot image, or a kernel with an entry for it. */
export function isKernel(image: Buffer): boolean {
  return isStartable(image) || image.toString('latin1', 0x202, 0x206) === 'HdrS';
}

/** The packed kernel in a boot image, found through the image's header (the x86 boot protocol, 2.08 or later). */
export function payload(image: Buffer): Buffer | undefined {
  if (image.length < 0x260 || image.toString('latin1', 0x202, 0x206) !== 'HdrS') return undefined;
  if (image.readUInt16LE(0x206) < 0x208) return undefined;
  const setupSectors = image[0x1f1] || 4;
  const start = (setupSectors + 1) * 512 + image.readUInt32LE(0x248);
  // After the packed kernel come four bytes with its unpacked length.
  const length = image.readUInt32LE(0x24c) - 4;
  return length > 4 && start + length <= image.length ? image.subarray(start, start + length) : undefined;
}

async function unpack(packed: Buffer): Promise<Buffer | undefined> {
  const magic = packed.readUInt32BE(0);
  try {
    if (magic >>> 16 === 0x1f8b) return gunzipSync(packed);
    if (magic === 0xfd377a58) return await output('xz', ['-dc', '--single-stream'], packed);
    if (magic === 0x28b52ffd) return await output('zstd', ['-dc'], packed);
  } catch {
    // Without the tool, or with a kernel packed in another way, the machine unpacks it.
  }
  return undefined;
}

async function output(tool: string, args: string[], input: Buffer): Promise<Buffer | undefined> {
  const { status, stdout } = await runTool(tool, args, { input });
  return status === 0 ? stdout : undefined;
}
