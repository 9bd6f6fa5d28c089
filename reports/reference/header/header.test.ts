// The header is compiled, alone and beside those of Linux, and with every number of the uapi made wrong.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadContract } from '../../../spec/contract/load.ts';
import { packageRoot } from '../../../spec/uapi/package-root.ts';
import { uapi } from '../../../spec/uapi/uapi.ts';
import { toHeader } from './header.ts';

const folder = mkdtempSync(join(tmpdir(), 'header-'));
afterAll(() => rmSync(folder, { recursive: true }));

const data = loadContract();
const linux = '/usr/include/linux/vfio.h';
const strict = ['-Wall', '-Wextra', '-Werror', '-pedantic'];
const languages = [
  { name: 'C11', file: 'program.c', candidates: ['gcc', 'cc', 'clang'], standard: '-std=c11' },
  { name: 'C++11', file: 'program.cc', candidates: ['g++', 'c++', 'clang++'], standard: '-std=c++11' },
].map((language) => {
  const compiler = language.candidates.find((one) => spawnSync(one, ['--version']).status === 0);
  const version = compiler ? spawnSync(compiler, ['--version'], { encoding: 'utf8' }).stdout : '';
  const flags = [language.standard, ...strict, ...(version.includes('clang') ? ['-ferror-limit=0'] : [])];
  const missing = !compiler
    ? `no ${language.name} compiler; apt-get install gcc g++ libc6-dev`
    : !existsSync(linux)
      ? `${linux} is not there; apt-get install linux-libc-dev`
      : undefined;
  return { ...language, compiler, flags, missing };
});
const [c11] = languages;

interface Compiled {
  status: number | null;
  stderr: string;
}

/** Compiles a program beside the header, further headers, and the output if it is to be linked. */
function compile(
  { compiler, flags, file }: (typeof languages)[number],
  lines: readonly string[],
  {
    header = toHeader(data),
    others = {},
    output,
  }: { header?: string; others?: Record<string, string>; output?: string } = {},
): Compiled {
  const include = mkdtempSync(join(folder, 'include-'));
  for (const [path, text] of Object.entries({ 'vfio-conform.h': header, ...others })) {
    mkdirSync(dirname(join(include, path)), { recursive: true });
    writeFileSync(join(include, path), text);
  }
  writeFileSync(join(include, file), `${lines.join('\n')}\n`);
  const what = output ? ['-o', output] : ['-fsyntax-only'];
  return spawnSync(compiler!, [...flags, '-I', include, ...what, join(include, file)], { encoding: 'utf8' });
}

const own = '#include "vfio-conform.h"';
const main = 'int main(void) { return 0; }';
const clean = { status: 0, stderr: '' };

describe.each(languages)('as $name', (language) => {
  test.runIf(language.missing)('cannot be tried', (context) => context.skip(language.missing));

  describe.skipIf(language.missing)('compiles without a warning', () => {
    test.each([
      ['alone', [own]],
      ['twice', [own, own]],
      ['after <linux/vfio.h>', ['#include <linux/vfio.h>', own]],
      ['before <linux/vfio.h>', [own, '#include <linux/vfio.h>']],
    ])('%s', (_, includes) => {
      expect(compile(language, [...includes, main])).toMatchObject(clean);
    });

    test.each([
      ['version first', 'before', iommuHeader(false)],
      ['version first', 'after', iommuHeader(false)],
      ['argsz first', 'before', iommuHeader(true)],
      ['argsz first', 'after', iommuHeader(true)],
    ])('where <linux/iommu.h> has the data, %s, and comes %s', (_, place, iommu) => {
      const includes = ['#include <linux/iommu.h>', own];
      if (place === 'after') includes.reverse();
      const user = 'struct iommu_gpasid_bind_data theirs; struct vc_iommu_gpasid_bind_data ours;';
      expect(compile(language, [...includes, user, main], { others: { 'linux/iommu.h': iommu } })).toMatchObject(clean);
    });

    test('where <linux/vfio.h> is one of the series and has its requests', () => {
      expect(compile(language, [...series(23), own, main])).toMatchObject(clean);
    });
  });
});

describe.skipIf(c11!.missing)('what other headers define', () => {
  test('is refused if a request of the series has another number', () => {
    const { status, stderr } = compile(c11!, [...series(19), own, main]);
    expect(status).not.toBe(0);
    expect(stderr).toContain('VFIO_IOMMU_BIND');
  });

  test('is refused if the data of the requests of 2020 is laid out in neither way', () => {
    const iommu = iommuHeader(true).replace('#define IOMMU_SVA_VTD_GPASID_LAST (1 << 6)\n', '');
    const { status, stderr } = compile(c11!, [own, main], { others: { 'linux/iommu.h': iommu } });
    expect(status).not.toBe(0);
    expect(stderr).toContain('struct iommu_gpasid_bind_data');
  });

  test('is refused if <linux/vfio.h> is too old', () => {
    const { status, stderr } = compile(c11!, [own, main], { others: { 'linux/vfio.h': '#define VFIO_TYPE 0x3b\n' } });
    expect(status).not.toBe(0);
    expect(stderr).toContain('install newer headers of the kernel');
  });
});

describe.skipIf(c11!.missing)('a wrong number in the uapi', () => {
  test('fails to compile, whatever it is that this <linux/vfio.h> defines as well', () => {
    const shift = (numbers: Record<string, number>) => {
      for (const name of Object.keys(numbers)) numbers[name]!++;
    };
    const wrong = structuredClone(uapi);
    for (const ioctl of Object.values(wrong.ioctls)) ioctl.number++;
    for (const set of [...Object.values(wrong.flags), ...Object.values(wrong.values), wrong.errnos]) shift(set);
    for (const struct of Object.values(wrong.structs)) for (const field of struct.fields) field.at++;
    // Every name that both have: nobody has to keep a list of them.
    const text = readFileSync(linux, 'utf8').replace(/\/\*.*?\*\//gs, '');
    const named = [
      ...Object.keys(uapi.ioctls),
      ...[...Object.values(uapi.flags), ...Object.values(uapi.values)].flatMap(Object.keys),
    ].filter((name) => new RegExp(`\\b${name}\\b`).test(text));
    const placed = Object.entries(uapi.structs).flatMap(([name, { fields }]) =>
      new RegExp(`struct\\s+${name}\\s*\\{`).test(text)
        ? fields.flatMap(({ name: field, extended, member = field }) =>
            extended || member === null ? [] : [`offset of ${member} in struct ${name}`],
          )
        : [],
    );
    expect(named.length).toBeGreaterThan(60);
    expect(placed.length).toBeGreaterThan(50);
    const compiled = compile(c11!, [own, main], { header: toHeader(data, wrong) });
    expect(unnoticed(compiled, [...named, ...placed, ...Object.keys(uapi.errnos)])).toEqual([]);
    // What is in no other header agrees with itself.
    expect(unnoticed(compiled, ['VFIO_IOMMU_PASID_ALLOC'])).toEqual(['VFIO_IOMMU_PASID_ALLOC']);
  });

  test('fails to compile where it is a size or a width', () => {
    const wrong = structuredClone(uapi);
    for (const struct of Object.values(wrong.structs)) {
      struct.size--;
      if (struct.extended) struct.extended--;
    }
    wrong.structs.vfio_iommu_type1_dma_map!.fields[2]!.width = 4;
    const abouts = [
      'width of vaddr in struct vfio_iommu_type1_dma_map',
      'size of struct vfio_iommu_type1_dma_map',
      'size of struct vfio_irq_set',
      'size of struct vc_vfio_iommu_type1_dma_unmap',
      'size of struct vc_vfio_iommu_type1_bind',
      'size of struct vfio_iommu_type1_info_cap_nesting',
    ];
    expect(unnoticed(compile(c11!, [own, main], { header: toHeader(data, wrong) }), abouts)).toEqual([]);
  });

  /** Of what assertions are about, that of those that did not fail. */
  function unnoticed({ status, stderr }: Compiled, abouts: readonly string[]): string[] {
    expect(status).not.toBe(0);
    const errors = stderr.split('\n').filter((line) => /error: static.assert/.test(line));
    return abouts.filter((about) => !errors.some((line) => new RegExp(`\\b${about}\\b`).test(line)));
  }
});

test('names of Linux are spelled as in <linux/vfio.h>, which lacks none but those of 2020 and newer ones', (context) => {
  if (!existsSync(linux)) context.skip(`${linux} is not there; apt-get install linux-libc-dev`);
  const text = readFileSync(linux, 'utf8');
  const lacks = [
    ...Object.keys(uapi.ioctls),
    ...[...Object.values(uapi.flags), ...Object.values(uapi.values)].flatMap(Object.keys),
  ].filter((name) => name.startsWith('VFIO_') && !new RegExp(`\\b${name}\\b`).test(text));
  const requestsOf2020 = /^VFIO_(IOMMU_(PASID|BIND|UNBIND|CACHE)|NESTING_IOMMU_UAPI|IOMMU_TYPE1_INFO_CAP_NESTING)/;
  // Newer than Linux 5.8, which the header asks for; or renamed by Linux 6.13.
  const varying =
    /^VFIO_(UNMAP_ALL|UPDATE_VADDR|DMA_(UN)?MAP_FLAG_(ALL|VADDR)|IOMMU_TYPE1_INFO_DMA_AVAIL|DEVICE_FEATURE_\w+|DEVICE_BIND_IOMMUFD|TYPE1_NESTING_IOMMU)$/;
  expect(lacks.filter((name) => !requestsOf2020.test(name) && !varying.test(name))).toEqual([]);
  expect(lacks.filter((name) => requestsOf2020.test(name)).length).toBeGreaterThan(8);
});

describe('its comments', () => {
  const text = toHeader(data);
  /** The comment above the number of an ioctl. */
  const comment = (name: string) =>
    text.slice(text.indexOf(` * ${name}, of `), text.indexOf(`#ifndef ${name}\n#define ${name} _IO`));

  test('tell the answers in the order of the recommended contract, where it has the request', () => {
    const answers = [
      'EFAULT: bind_reads_header, bytes 0..7',
      'EINVAL: bind_version_unknown',
      'ENOENT: bind_of_unallocated',
    ];
    const places = answers.map((one) => comment('VFIO_IOMMU_BIND').indexOf(one));
    expect(places.every((place) => place > 0)).toBe(true);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(comment('VFIO_IOMMU_BIND')).toContain('No released kernel has it.');
    expect(comment('VFIO_IOMMU_BIND')).toContain('  if bind_flag_unbind:\n *     0: unbind_returns_zero\n');
  });

  test('tell the answers of Linux for the rest', () => {
    expect(comment('VFIO_IOMMU_UNMAP_DMA')).toContain('type1-6.12');
    expect(comment('VFIO_IOMMU_UNMAP_DMA')).toContain('EFAULT: unmap_dma_writes_argument, bytes 0..23');
    expect(comment('VFIO_DEVICE_BIND_IOMMUFD')).not.toContain('No released kernel');
  });

  test('are there for every ioctl', () => {
    for (const [name, { fd }] of Object.entries(uapi.ioctls))
      expect(text, name).toContain(` * ${name}, of ${fd === 'any' ? 'any' : 'a'} `);
  });
});

test.skipIf(c11!.missing)('the program of the page about formats compiles, and asks for what it says', () => {
  const page = readFileSync(join(packageRoot, 'docs/spec-formats.md'), 'utf8');
  const [, program] = /```c\n(.*?)```/s.exec(page)!;
  const output = join(folder, 'example');
  expect(compile(c11!, [program!], { output })).toMatchObject(clean);
  const { status, stderr } = spawnSync(output, ['/dev/null'], { encoding: 'utf8' });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^PASID_REQUEST: /);
});

/** Lines as a <linux/vfio.h> of the series has them, BIND with a number. */
function series(bind: number): string[] {
  return [
    '#include <linux/vfio.h>',
    '#include <linux/types.h>',
    '__extension__ struct vfio_iommu_type1_bind { __u32 argsz; __u32 flags; __extension__ __u8 data[]; };',
    '#define VFIO_IOMMU_BIND_GUEST_PGTBL (1 << 0)',
    `#define VFIO_IOMMU_BIND _IO(VFIO_TYPE, VFIO_BASE + ${bind})`,
  ];
}

/** What <linux/iommu.h> of Linux 5.5 to 5.9, or of 5.10 to 5.17, had of the data, in two kinds of definitions: macros and enumerators. */
function iommuHeader(argszFirst: boolean): string {
  const macros = {
    ...uapi.flags.gpasid_bind_flags,
    ...uapi.flags.gpasid_bind_vtd_flags,
    ...uapi.flags.cache_types,
    ...uapi.flags.invalidate_address_flags,
    ...uapi.flags.invalidate_pasid_flags,
    ...uapi.values.bind_version,
    ...uapi.values.cache_invalidate_version,
    ...(!argszFirst && uapi.values.table_format),
  };
  const union = '__extension__ union { struct iommu_inv_pasid_info pasid_info; struct iommu_inv_addr_info addr_info; }';
  const head = argszFirst ? '__u32 argsz; __u32 version;' : '__u32 version;';
  return `#ifndef TEST_IOMMU_H
#define TEST_IOMMU_H
#include <linux/types.h>
${Object.entries(macros)
  .map(([name, value]) => `#define ${name} (${value})`)
  .join('\n')}
${argszFirst ? '#define IOMMU_SVA_VTD_GPASID_LAST (1 << 6)\nenum iommu_pasid_data_format { IOMMU_PASID_FORMAT_INTEL_VTD = 1, IOMMU_PASID_FORMAT_LAST };' : ''}
enum iommu_inv_granularity { IOMMU_INV_GRANU_DOMAIN, IOMMU_INV_GRANU_PASID, IOMMU_INV_GRANU_ADDR, IOMMU_INV_GRANU_NR };
struct iommu_inv_addr_info { __u32 flags; __u32 archid; __u64 pasid; __u64 addr; __u64 granule_size; __u64 nb_granules; };
struct iommu_inv_pasid_info { __u32 flags; __u32 archid; __u64 pasid; };
struct iommu_cache_invalidate_info { ${head} __u8 cache; __u8 granularity; __u8 padding[${argszFirst ? 6 : 2}]; ${union}${argszFirst ? ' granu' : ''}; };
struct iommu_gpasid_bind_data_vtd { __u64 flags; __u32 pat; __u32 emt; };
struct iommu_gpasid_bind_data {
  ${head} __u32 format; ${argszFirst ? '__u32 addr_width;' : ''}
  __u64 flags; __u64 gpgd; __u64 hpasid; __u64 gpasid;
  ${argszFirst ? '__u8 padding[8];' : '__u32 addr_width; __u8 padding[12];'}
  __extension__ union { struct iommu_gpasid_bind_data_vtd vtd; }${argszFirst ? ' vendor' : ''};
};
#endif
`;
}
