import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Problem } from '../../spec/uapi/problem.ts';
import type { Kernel } from './cache.ts';
import { lockKernel, ownKernel, packagedKernel } from './source.ts';

const release = '6.12.1+deb12-amd64';
const content = 'a package';
const checksum = createHash('sha256').update(content).digest('hex');

/** apt and dpkg as scripts: they write down that they were called, and serve one package. */
const tools = {
  'apt-cache': `
    [ -n "$FAKE_UNKNOWN" ] && exit 100
    case "$*" in
      *linux-image-6.12-amd64*) printf 'Package: linux-image-6.12-amd64\\nDepends: linux-image-${release} (= 1)\\n\\n' ;;
      *) printf 'Package: linux-image-${release}\\nVersion: %s\\nSHA256: ${checksum}\\n\\n' "$FAKE_VERSION" ;;
    esac`,
  'apt-get': `
    [ -n "$FAKE_OFFLINE" ] && { echo 'E: no network' >&2; exit 100; }
    printf '${content}%s' "$FAKE_DAMAGE" > kernel.deb`,
  'dpkg-deb': `
    [ "$1" = -f ] && { printf 'Package: linux-image-${release}\\nVersion: 6.12.1-1~deb12u1\\nArchitecture: %s\\n' "\${FAKE_ARCHITECTURE:-amd64}"; exit; }
    mkdir -p "$3/boot" "$3/lib/modules/x"
    printf 'image' > "$3/boot/vmlinuz-${release}"
    for name in vfio-pci vfio_iommu_type1; do printf '\\0depends=vfio\\0' > "$3/lib/modules/x/$name.ko"; done
    printf '\\0depends=\\0' > "$3/lib/modules/x/vfio.ko"`,
};

let folder: string;
let notes: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vfio-conform-test-'));
  mkdirSync(join(folder, 'bin'));
  for (const [name, script] of Object.entries(tools)) {
    const file = join(folder, 'bin', name);
    writeFileSync(file, `#!/bin/sh\necho ${name} >> ${folder}/calls\n${script}\n`);
    chmodSync(file, 0o755);
  }
  vi.stubEnv('PATH', `${join(folder, 'bin')}${delimiter}${process.env.PATH}`);
  vi.stubEnv('XDG_CACHE_HOME', folder);
  vi.stubEnv('FAKE_VERSION', '1');
  notes = [];
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const calls = (): string[] => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');
const get = async (version = '6.12', file?: string): Promise<Kernel> =>
  (await packagedKernel(version, file, (line) => notes.push(line))).kernel;
/** As when apt's lists change: what it answered is not remembered. */
const drop = (): void => rmSync(join(folder, 'vfio-conform/newest-6.12.json'));
const cached = (): string[] => readdirSync(join(folder, 'vfio-conform'));

describe('packagedKernel', () => {
  it('downloads a kernel once, and asks nobody afterwards', async () => {
    const kernel = await get();
    expect(kernel.image).toBe(join(folder, `vfio-conform/linux-image-${release}_1/kernel`));
    expect(readFileSync(kernel.image as string, 'utf8')).toBe('image');
    expect(kernel.modules.map(({ name }) => name)).toEqual(['vfio', 'vfio_pci', 'vfio_iommu_type1']);
    expect(notes).toEqual([`Downloading linux-image-${release} 1 into ${join(folder, 'vfio-conform')}, once.`]);
    expect(calls()).toEqual(['apt-cache', 'apt-cache', 'apt-get', 'dpkg-deb']);
    expect(await get()).toEqual(kernel);
    expect(calls()).toHaveLength(4);
    expect(cached().sort()).toEqual([`linux-image-${release}_1`, 'newest-6.12.json']);
  });

  it('takes nothing with a wrong checksum', async () => {
    vi.stubEnv('FAKE_DAMAGE', 'd');
    await expect(get()).rejects.toThrow(Problem);
    expect(cached()).toEqual(['newest-6.12.json']);
  });

  it('makes do with an older kernel of the version when the newest cannot be had', async () => {
    const old = await get();
    drop();
    vi.stubEnv('FAKE_VERSION', '2');
    vi.stubEnv('FAKE_OFFLINE', 'yes');
    notes = [];
    expect(await get()).toEqual(old);
    expect(notes.at(-1)).toContain('E: no network');
    expect(notes.at(-1)).toContain(`Using linux-image-${release} 1 from the cache.`);
  });

  it('makes do with the cache when apt knows nothing or is not there', async () => {
    const old = await get();
    drop();
    vi.stubEnv('FAKE_UNKNOWN', 'yes');
    expect(await get()).toEqual(old);
    vi.stubEnv('PATH', '/nowhere');
    expect(await get()).toEqual(old);
    expect(notes.at(-1)).toContain('apt-cache was not found');
  });

  it('says what to do when there is no kernel at all', async () => {
    vi.stubEnv('FAKE_UNKNOWN', 'yes');
    await expect(get()).rejects.toThrow('run `sudo apt-get update`');
  });
});

describe('a pinned kernel', () => {
  const lock = (text: string): void => writeFileSync(join(folder, 'kernels.lock.yaml'), text);
  const package_ = (): string => {
    const file = join(folder, 'given.deb');
    writeFileSync(file, content);
    return file;
  };
  const without = (...names: string[]): void => {
    for (const name of names) rmSync(join(folder, 'bin', name));
    vi.stubEnv('PATH', join(folder, 'bin'));
    for (const name of ['sh', 'mkdir', 'cat']) symlinkSync(join('/bin', name), join(folder, 'bin', name));
  };

  beforeEach(() => {
    vi.spyOn(process, 'cwd').mockReturnValue(folder);
    vi.stubEnv('FAKE_VERSION', '6.12.1-1~deb12u1');
  });

  afterEach(() => vi.restoreAllMocks());

  it('is the one that the lock file names, fetched once, then without apt', async () => {
    expect(await lockKernel('6.12')).toEqual({
      from: { name: `linux-image-${release}`, version: '6.12.1-1~deb12u1', sha256: checksum },
      target: 'kernel:6.12.1-1',
    });
    vi.stubEnv('FAKE_UNKNOWN', 'yes');
    const kernel = await get('6.12.1-1');
    expect(calls().filter((name) => name === 'apt-get')).toHaveLength(1);
    without('apt-get', 'apt-cache', 'dpkg-deb');
    expect(await get('6.12.1-1')).toEqual(kernel);
    expect(await get('6.12.1-1~deb12u1')).toEqual(kernel);
  });

  it('comes from a package file without apt, if it is the one that is locked', async () => {
    expect((await lockKernel(package_())).target).toBe('kernel:6.12.1-1');
    without('apt-get', 'apt-cache');
    writeFileSync(join(folder, 'other.deb'), 'another package');
    await expect(get('6.12.1-1', join(folder, 'other.deb'))).rejects.toThrow(
      /other\.deb: has the SHA-256 .* has .* for/,
    );
    await expect(get('6.12', join(folder, 'other.deb'))).rejects.toThrow(/other\.deb: has the SHA-256/);
    const kernel = await get('6.12.1-1', package_());
    expect(readFileSync(kernel.image as string, 'utf8')).toBe('image');
    expect(await get('6.12', package_())).toEqual(kernel);
    expect(await get('6.12.1-1')).toEqual(kernel);
  });

  it('says what to do when it cannot be had', async () => {
    await expect(get('6.12.1-1')).rejects.toThrow(
      /kernels\.lock\.yaml is not in this folder; vfio-conform targets --lock/,
    );
    await lockKernel('6.12');
    await expect(get('6.12.2-1')).rejects.toThrow('has no such version, only 6.12.1-1~deb12u1');
    await expect(get('6.12.1-10')).rejects.toThrow('has no such version');
    vi.stubEnv('FAKE_OFFLINE', 'yes');
    await expect(get('6.12.1-1')).rejects.toThrow(/E: no network.*--kernel-package/);
    await expect(get('6.12.1-1', join(folder, 'none.deb'))).rejects.toThrow(
      /--kernel-package .*none\.deb: cannot be read/,
    );
    await expect(get('6.1', package_())).rejects.toThrow(/6\.12\.1-1~deb12u1, not 6\.1/);
    vi.stubEnv('FAKE_ARCHITECTURE', 'arm64');
    await expect(get('6.12', package_())).rejects.toThrow('for amd64');
  });

  it('is told from others of the same start', async () => {
    const one = (version: string): string =>
      `- { package: linux-image-${release}, version: "${version}", sha256: "${checksum}" }\n`;
    lock(one('6.12.1-1~deb12u2'));
    expect((await lockKernel('6.12')).target).toBe('kernel:6.12.1-1~deb12u1');
    await expect(get('6.12.1-1')).rejects.toThrow(/several such versions: 6\.12\.1-1~deb12u2 .*, 6\.12\.1-1~deb12u1/);
    await get('6.12.1-1~deb12u1');
  });

  it.each([
    ['{', 'not YAML'],
    ['a: 1', '/ must be array'],
    ['- { package: linux-image-6.1, version: "6.1.1-1" }', "/0 must have required property 'sha256'"],
    ['- { package: linux-image-6.1, version: "6.1.1-1", sha256: "aa" }', '/0/sha256 must match'],
    ['- { package: ../x, version: "6.1.1-1", sha256: "aa" }', '/0/package must match'],
  ])('is not looked for in %j', async (text, message) => {
    lock(text);
    await expect(get('6.12.1-1')).rejects.toThrow(Problem);
    await expect(get('6.12.1-1')).rejects.toThrow(message);
  });
});

it('takes a kernel of the user, and says when it is none', async () => {
  const file = join(folder, 'image');
  await expect(ownKernel(file, undefined)).rejects.toThrow('cannot be read');
  writeFileSync(file, 'text');
  await expect(ownKernel(file, undefined)).rejects.toThrow('is not a kernel');
  const image = Buffer.alloc(1024);
  image.write('HdrS', 0x202, 'latin1');
  writeFileSync(file, image);
  expect(await ownKernel(file, undefined)).toEqual({ image: file, modules: [] });
  // Modules beside the image are its own, unless another folder is named.
  mkdirSync(join(folder, 'modules'));
  writeFileSync(join(folder, 'modules/vfio_pci.ko'), '\0depends=\0');
  expect((await ownKernel(file, undefined)).modules.map(({ name }) => name)).toEqual(['vfio_pci']);
  expect((await ownKernel(file, join(folder, 'bin'))).modules).toEqual([]);
});
