import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { uapi } from './uapi.ts';

describe.each(Object.entries(uapi.structs))('struct %s', (_, { size, extended, extendedBy, fields }) => {
  test('has fields that do not overlap, are aligned to their width, and lie inside it', () => {
    const bytes = new Set<number>();
    for (const { name, at, width, extended: beyond } of fields) {
      expect(at % width, name).toBe(0);
      expect(at + width, name).toBeLessThanOrEqual(beyond ? extended! : size);
      expect(at < size, name).toBe(!beyond);
      for (let i = at; i < at + width; i++) {
        expect(bytes.has(i), `${name}, byte ${i}`).toBe(false);
        bytes.add(i);
      }
    }
  });

  test('has fields of distinct names in ascending order that fill it', () => {
    expect(new Set(fields.map(({ name }) => name)).size).toBe(fields.length);
    expect(fields.map(({ at }) => at)).toEqual(fields.map(({ at }) => at).sort((a, b) => a - b));
    expect(fields.reduce((sum, { width }) => sum + width, 0)).toBe(extended ?? size);
  });

  test('starts with argsz where it has one', () => {
    for (const { at, width, holds } of fields) if (holds === 'argsz') expect([at, width]).toEqual([0, 4]);
  });

  test('has flags of a set that is there, and an example that uses only these', () => {
    for (const { flags, holds, example } of fields) {
      expect(flags !== undefined).toBe(holds === 'flags' || holds === 'bits');
      if (flags === undefined) continue;
      const all = Object.values(uapi.flags[flags]!).reduce((a, b) => a | b, 0);
      expect(example! & ~all).toBe(0);
    }
  });

  test('goes on, where it does, by a flag of its own', () => {
    expect(extended === undefined).toBe(extendedBy === undefined);
    if (extended === undefined) return;
    expect(extended).toBeGreaterThan(size);
    expect(fields.some(({ flags }) => flags !== undefined && extendedBy! in uapi.flags[flags]!)).toBe(true);
  });
});

test.each(Object.entries(uapi.flags))('the flags of %s are distinct single bits', (_, flags) => {
  const values = Object.values(flags);
  expect(new Set(values).size).toBe(values.length);
  for (const value of values) expect([value > 0, value & (value - 1)]).toEqual([true, 0]);
});

test.each(Object.entries(uapi.values))('the values of %s are distinct', (_, values) => {
  expect(new Set(Object.values(values)).size).toBe(Object.values(values).length);
});

/** Numbers of the uapi header as `base + n`; written down here a second time. */
const offsets: Record<string, number> = {
  VFIO_GET_API_VERSION: 0,
  VFIO_CHECK_EXTENSION: 1,
  VFIO_SET_IOMMU: 2,
  VFIO_GROUP_GET_STATUS: 3,
  VFIO_GROUP_SET_CONTAINER: 4,
  VFIO_GROUP_UNSET_CONTAINER: 5,
  VFIO_GROUP_GET_DEVICE_FD: 6,
  VFIO_DEVICE_GET_INFO: 7,
  VFIO_DEVICE_GET_REGION_INFO: 8,
  VFIO_DEVICE_GET_IRQ_INFO: 9,
  VFIO_DEVICE_SET_IRQS: 10,
  VFIO_DEVICE_RESET: 11,
  VFIO_DEVICE_GET_PCI_HOT_RESET_INFO: 12,
  VFIO_IOMMU_GET_INFO: 12,
  VFIO_DEVICE_PCI_HOT_RESET: 13,
  VFIO_IOMMU_MAP_DMA: 13,
  VFIO_IOMMU_UNMAP_DMA: 14,
  VFIO_DEVICE_IOEVENTFD: 16,
  VFIO_DEVICE_FEATURE: 17,
  VFIO_IOMMU_DIRTY_PAGES: 17,
  VFIO_IOMMU_PASID_REQUEST: 22,
  VFIO_IOMMU_BIND: 23,
  VFIO_IOMMU_CACHE_INVALIDATE: 24,
};

describe('ioctls', () => {
  test('are numbered type << 8 | base + n', () => {
    const { type, base } = uapi.requests;
    for (const [name, n] of Object.entries(offsets))
      expect(uapi.ioctls[name]?.number, name).toBe((type << 8) | (base + n));
    for (const [name, { number, fd }] of Object.entries(uapi.ioctls)) {
      if (fd === 'any') continue;
      expect(number >> 8, name).toBe(type);
      expect(number & 0xff, name).toBeGreaterThanOrEqual(base);
    }
  });

  test('have numbers of their own among those of their kind of descriptor', () => {
    for (const kind of ['container', 'group', 'device']) {
      const numbers = Object.values(uapi.ioctls)
        .filter(({ fd }) => fd === kind)
        .map(({ number }) => number);
      expect(numbers.length).toBeGreaterThan(0);
      expect(new Set(numbers).size).toBe(numbers.length);
    }
  });

  test('name a struct or a set of values that is there, as their argument asks', () => {
    for (const [name, { argument, struct, values }] of Object.entries(uapi.ioctls)) {
      expect(struct !== undefined && struct in uapi.structs, name).toBe(argument === 'struct');
      if (values !== undefined) expect([argument, values in uapi.values], name).toEqual(['value', true]);
    }
  });
});

test.skipIf(process.platform !== 'linux')('errnos are those of this machine', () => {
  const known: Record<string, number> = constants.errno;
  const shared = Object.entries(uapi.errnos).filter(([name]) => name in known);
  expect(shared.length).toBeGreaterThan(15);
  for (const [name, value] of shared) expect(value, name).toBe(known[name]);
});

test('errnos are distinct', () => {
  expect(new Set(Object.values(uapi.errnos)).size).toBe(Object.values(uapi.errnos).length);
});

const header = '/usr/include/linux/vfio.h';
const compiler = ['cc', 'gcc', 'clang'].find((name) => spawnSync(name, ['--version']).status === 0);
const missing = !existsSync(header)
  ? `${header} is not there; install the kernel's user headers`
  : !compiler
    ? 'no C compiler is there'
    : undefined;

describe('the installed kernel header', () => {
  test.skipIf(missing !== undefined)(
    `agrees in numbers, offsets, sizes and flags${missing ? ` (skipped: ${missing})` : ''}`,
    () => {
      const claims = headerClaims();
      const { status, stderr } = compile(claims);
      expect(stderr).toBe('');
      expect(status).toBe(0);
    },
  );

  test.skipIf(missing !== undefined)(
    `would disagree with a wrong number${missing ? ` (skipped: ${missing})` : ''}`,
    () => {
      const { status, stderr } = compile(headerClaims().map((line) => line.replace('== 15217,', '== 15218,')));
      expect(stderr).toContain('VFIO_IOMMU_MAP_DMA');
      expect(status).not.toBe(0);
    },
  );

  test.skipIf(missing !== undefined)(
    `defines most of what is claimed${missing ? ` (skipped: ${missing})` : ''}`,
    () => {
      const text = readFileSync(header, 'utf8');
      for (const name of [
        'VFIO_IOMMU_MAP_DMA',
        'VFIO_IOMMU_UNMAP_DMA',
        'VFIO_SET_IOMMU',
        'VFIO_GROUP_SET_CONTAINER',
        'VFIO_DMA_MAP_FLAG_READ',
        'VFIO_TYPE1v2_IOMMU',
      ]) {
        expect(text).toMatch(new RegExp(`#define\\s+${name}\\b`));
      }
    },
  );
});

/** Structs that end in a capability offset since some release. */
const grown = ['vfio_iommu_type1_info', 'vfio_device_info'];

/** Structs that the header does not have. */
const absent = [
  'group_set_container',
  'switch',
  'vfio_device_bind_iommufd',
  'vfio_iommu_type1_pasid_request',
  'vfio_iommu_type1_bind',
  'vfio_iommu_type1_cache_invalidate',
  'vfio_iommu_type1_info_cap_nesting',
];

/** uapi.yaml in C: what the header defines must be equal, what it does not yet or no longer define is left out. */
function headerClaims(): string[] {
  const claims: string[] = [];
  const claim = (name: string, value: number) =>
    claims.push(`#ifdef ${name}`, `_Static_assert((${name}) == ${value}, "${name}");`, '#endif');
  claim('VFIO_TYPE', uapi.requests.type);
  claim('VFIO_BASE', uapi.requests.base);
  for (const [name, { number }] of Object.entries(uapi.ioctls)) claim(name, number);
  for (const values of [...Object.values(uapi.flags), ...Object.values(uapi.values)])
    for (const [name, value] of Object.entries(values)) claim(name, value);
  for (const [struct, { size, fields }] of Object.entries(uapi.structs)) {
    // Not a struct of the header, or one of the series that the header does not have.
    if (absent.some((one) => struct.startsWith(one))) continue;
    // Where the header has grown the struct since, the fixed part is what counts.
    if (!grown.includes(struct))
      claims.push(`_Static_assert(sizeof(struct ${struct}) == ${size}, "sizeof ${struct}");`);
    for (const { name, at, width, extended, member = name } of fields) {
      if (extended || member === null) continue;
      claims.push(
        `_Static_assert(offsetof(struct ${struct}, ${member}) == ${at}, "offsetof ${struct}.${member}");`,
        `_Static_assert(sizeof(((struct ${struct} *)0)->${member}) == ${width}, "sizeof ${struct}.${member}");`,
      );
    }
  }
  return claims;
}

function compile(claims: string[]): { status: number | null; stderr: string } {
  const folder = mkdtempSync(join(tmpdir(), 'uapi-'));
  try {
    const file = join(folder, 'claims.c');
    writeFileSync(file, ['#include <stddef.h>', '#include <linux/vfio.h>', ...claims, ''].join('\n'));
    return spawnSync(compiler!, ['-std=c11', '-fsyntax-only', file], { encoding: 'utf8' });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
