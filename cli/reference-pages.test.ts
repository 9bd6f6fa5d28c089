import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compileContract } from '../reference/interpreter/contract.ts';
import { ioctlPage, rulesIn, siteOf } from '../reports/reference/site.ts';
import { loadContract } from '../spec/contract/load.ts';
import { packageRoot } from '../spec/uapi/package-root.ts';
import { pagesOf } from './spec-command.ts';

const data = loadContract();
const files = pagesOf(data);
const pages = new Map([...files].filter(([path]) => path.endsWith('.md')));
const read = (path: string) => readFileSync(join(packageRoot, path), 'utf8');

test('what stands in docs/reference is current, but for what check has to find out', () => {
  const told = ['index.md', 'findings.md'];
  const stale = [...files].filter(([path, text]) => !told.includes(path) && read(`docs/reference/${path}`) !== text);
  expect(stale.map(([path]) => path)).toEqual([]);
});

/** The part of a page between an anchor or heading and the next heading. */
const part = (path: string, heading: string): string => {
  const text = pages.get(path)!;
  const from = text.indexOf(`\n${heading}\n`);
  expect(from, heading).toBeGreaterThan(0);
  const end = text.indexOf('\n## ', from + 1);
  return text.slice(from, end < 0 ? undefined : end);
};

/** The line of a page that has all of some words. */
const line = (text: string, ...words: string[]): string | undefined =>
  text.split('\n').find((one) => words.every((word) => one.includes(word)));

test('the rules that the pages give a profile are those that a run of it answers for', () => {
  const comparison = pages.get('profiles/comparison.md')!;
  const profiles = [...data.profiles.values()];
  const head = comparison.split('\n').find((one) => one.startsWith('| rule |'))!;
  const rows = comparison.split('\n').filter((one) => one.startsWith('| [`') && one.includes('<br>'));
  profiles.forEach(({ id, parameters }, i) => {
    const { rules } = compileContract(data, parameters);
    expect(head.split(' | ')[i + 1], id).toContain(`\`${id}\``);
    const differing = rows.map((row): [string, boolean] => [
      /^\| \[`(\w+)`/.exec(row)![1]!,
      row.split(/ ?\| ?/).slice(2)[i] === '✓',
    ]);
    for (const [rule, ticked] of differing) expect([rule, ticked], id).toEqual([rule, rules.has(rule)]);
    const said = /of its (\d+) rules/.exec(pages.get(`profiles/${id}.md`)!);
    if (said) expect(Number(said[1]), id).toBe(rules.size);
  });
  const compiled = profiles.map(({ parameters }) => compileContract(data, parameters).rules);
  const everywhere = [...data.rules.keys()].filter((rule) => compiled.every((rules) => rules.has(rule)));
  expect(comparison).toContain(`All profiles have ${everywhere.length} of ${data.rules.size} rules.`);
});

describe('rules', () => {
  const site = siteOf(data);

  test('each stands on the page of every handler that has it, with anchors for it and for its sources', () => {
    const sources = pages.get('sources.md')!;
    for (const { id: handler, steps } of data.handlers) {
      const { page, anchor } = site.handlers.get(handler)!;
      const text = pages.get(page)!;
      const start = anchor === undefined ? 0 : text.indexOf(`<a id="${anchor}"></a>`);
      const end = text.indexOf('<a id="handler-', start + 1);
      const own = anchor === undefined ? text : text.slice(start, end < 0 ? undefined : end);
      for (const id of rulesIn(steps)) {
        const row = line(own, `<sub>\`${id}\``);
        expect(row, `${id} of ${handler}`).toBeDefined();
        expect(text).toContain(`<a id="${id}"></a>`);
        for (const { source } of data.rules.get(id)!.sources) {
          expect(row).toContain(`sources.md#${source})`);
          expect(sources).toContain(`<a id="${source}"></a>`);
        }
      }
    }
  });

  test('a row of a handler has the place of its rule in the order of each profile', () => {
    const row = line(pages.get('ioctls/iommu-bind.md')!, '<sub>`bind_reads_data`')!;
    expect(row.split(' | ').slice(0, 5)).toEqual(['| ', '6', '6', '│ reads bytes 8..79', 'EFAULT']);
  });

  test('every finding is stated by a rule or a parameter', () => {
    const stated = [...data.rules.values(), ...data.parameters.values()].flatMap(({ findings = [] }) => findings);
    expect([...data.findings.keys()].filter((id) => !stated.includes(id))).toEqual([]);
  });
});

test('every page says under its heading what no kernel implements', () => {
  for (const [path, text] of pages) {
    const [, , heading, , implemented] = text.split('\n');
    expect(heading, path).toMatch(/^# /);
    expect(implemented, path).toMatch(
      /[Nn]o released kernel implements|Linux 6\.1 implements all|Linux 6\.12 implements all|Linux 6\.1 and 6\.12/,
    );
  }
});

test('the rows of a table have as many cells as its head', () => {
  for (const [path, text] of pages) {
    for (const block of text.split('\n\n').filter((one) => one.startsWith('| '))) {
      const cells = block
        .trimEnd()
        .split('\n')
        .map((row) => row.match(/(?<!\\)\|/g)!.length);
      expect(new Set(cells).size, `${path}: ${block.slice(0, 80)}`).toBe(1);
    }
  }
});

describe('questions of a reader', () => {
  const short = (path: string) => part(path, '## In short');

  test('BIND fails with ENOMEM, EINVAL or nothing that is defined to an unknown version, by profile, driver and size table', () => {
    const answers = short('ioctls/iommu-bind.md');
    expect(
      line(answers, '- `v1`: **ENOMEM**', 'from 2 to 2^31 - 1 has size -22', 'bind_size_is_negative'),
    ).toBeDefined();
    expect(line(answers, '- `v1`: **undefined**', 'version 0', 'bind_version_before_size_table')).toBeDefined();
    expect(line(answers, '- `v1` where `size_table` is `2020-01-28`: **undefined**')).toBeDefined();
    expect(
      line(answers, '- `v1` where `driver` is `v5.10`: **EINVAL**', 'iommu_core_bind_version_unknown'),
    ).toBeDefined();
    expect(line(answers, '- `v1-fixed` and `v1-singleton`: **EINVAL**', 'No mail asks for it')).toBeDefined();
  });

  test('UNMAP_DMA faults at bytes 0 to 23 before anything is done, and again after the mappings are gone', () => {
    expect(short('ioctls/iommu-unmap-dma.md')).toContain('A byte of 0..23 that can be read and not written: EFAULT');
    const faults = part('ioctls/iommu-unmap-dma.md', '## What faults when');
    const [bytes, , read, written] = line(faults, '0..23')!.slice(2).split(' | ');
    expect(bytes).toBe('0..23');
    expect(read).toMatch(/^EFAULT: .*unmap_dma_reads_argument.*nothing has been done$/);
    expect(written).toMatch(/^EFAULT: .*unmap_dma_writes_argument.*\*\*what has been done is not undone\*\*/);
    expect(line(faults, '| 24..47 |')).toMatch(/unmap_dma_reads_bitmap.*nothing has been done \| never written \|$/);
    const stays = faults.slice(faults.lastIndexOf('\n- '));
    expect(stays).toContain('unmap_dma_writes_argument');
    expect(stays).toContain('Nothing is undone');
    expect(stays).toContain('unmap_dma_removes_mappings');
  });

  test('FREE of a PASID of another owner is refused, says who that is, and the example shows it', () => {
    const text = pages.get('ioctls/iommu-pasid-request.md')!;
    expect(short('ioctls/iommu-pasid-request.md')).toContain('Its owner: the address space that chose the backend');
    expect(line(text, '<sub>`pasid_free_of_another_owner`', 'EACCES', 'the address space that chose')).toBeDefined();
    expect(line(text, 'child: ioctl', '**EACCES**', 'pasid_free_of_another_owner')).toBeDefined();
  });

  test('what a close brings about is linked to and fro', () => {
    expect(line(pages.get('ops.md')!, 'What follows', '(#handler-groups_left)')).toBeDefined();
    expect(line(pages.get('ops.md')!, 'Groups leave by: [close](#handler-close)')).toBeDefined();
    expect(pages.get('ioctls/group-unset-container.md')).toContain('(../ops.md#handler-groups_left)');
  });

  test('CACHE_INVALIDATE flushes the IOTLB by DOMAIN on no driver of 2020, and says so on the first only', () => {
    const grid = part('ioctls/iommu-cache-invalidate.md', '## Caches and granularities');
    const head = line(grid, '| cache | granularity |')!.split(' | ');
    const cells = line(grid, 'TYPE_IOTLB`', 'GRANU_DOMAIN')!.split(' | ');
    const of = (setting: string) => cells[head.findIndex((names) => names.includes(`\`${setting}\``))]!;
    expect(of('v10')).toMatch(/^\*\*EINVAL\*\* .*driver_invalidate_combination_unsupported_v10/);
    for (const driver of ['v11', 'v5.8', 'v5.8-aux', 'v5.9', 'v5.10']) expect(of(driver)).toBe('0, nothing is flushed');
    expect(of('v1-fixed')).toMatch(/^0, .*driver_invalidate_flushes_iotlb_of_each_granularity/);
  });

  test('the first page has them', () => {
    const questions = part('index.md', '## Questions');
    for (const rule of [
      'bind_size_is_negative',
      'unmap_dma_writes_argument',
      'pasid_free_of_another_owner',
      'last_backend_frees_pasids',
      'cache_invalidate_combination_unsupported',
    ])
      expect(questions).toContain(`#${rule})`);
  });
});

describe('fields', () => {
  test('each that a rule is about is told with it, in whatever setting the rule is there', () => {
    for (const { ioctl, steps } of data.handlers) {
      const rules = rulesIn(steps).filter((id) => data.rules.get(id)!.about !== undefined);
      if (ioctl === undefined || rules.length === 0) continue;
      const fields = part(ioctlPage(ioctl), '## What the fields are refused for');
      for (const id of rules) {
        expect(fields, id).toContain(`#${id})`);
        for (const field of data.rules.get(id)!.about!)
          expect(fields, `${field} of ${ioctl}`).toContain(`| \`${field}\`, byte`);
      }
    }
  });

  test('of BIND the address of the table is refused by the driver alone, and two fields by nobody', () => {
    const fields = part('ioctls/iommu-bind.md', '## What the fields are refused for');
    expect(
      line(fields, '| `gpgd`, bytes 24..31 | all | **EINVAL**', 'nested_setup_gpgd_beyond_address_width'),
    ).toBeDefined();
    expect(fields).toContain('No rule is about `pat` or `emt`.');
  });

  test('what the kernel writes, what Linux has appended, and what shares bytes is said', () => {
    expect(pages.get('structs/vfio_iommu_type1_pasid_request.md')).toContain(
      '| 8 | 4 | `free_pasid` (in the place of `min`)',
    );
    expect(line(pages.get('structs/vfio_iommu_type1_pasid_request.md')!, '`result`')).toContain(
      'written by the kernel',
    );
    expect(line(pages.get('ioctls/iommu-get-info.md')!, '| 16 | 4 | `cap_offset`')).toContain('written by the kernel');
    expect(line(pages.get('structs/vfio_iommu_type1_info_cap_nesting.md')!, '`id`')).toContain('CAP_NESTING` 2');
    expect(pages.get('structs/switch.md')).toContain("the name is this project's");
  });

  test('the end of what GET_INFO writes is up to argsz, and byte 16 of PASID_REQUEST is written', () => {
    const info = part('ioctls/iommu-get-info.md', '## What faults when');
    expect(line(info, '| 0..15 |')).not.toContain('as far as `argsz` reaches');
    expect(line(info, '| 16..19 |')).toContain('as far as `argsz` reaches');
    expect(line(info, '| 24 and up |')).toContain('get_info_writes_chain');
    const pasid = part('ioctls/iommu-pasid-request.md', '## What faults when');
    expect(line(pasid, '| 8..15 |')).toMatch(/never written \|$/);
    expect(line(pasid, '| 16..19 |')).toContain('pasid_alloc_cannot_write_result');
  });
});

describe('what is said of parameters and findings', () => {
  test('a parameter that says nothing at a profile has a dash there', () => {
    expect(line(pages.get('profiles/comparison.md')!, '#second_member_use)')).toContain(
      '| – | – | – | – | `refused` |',
    );
    expect(line(pages.get('decisions.md')!, '#second_member_use)')).toContain('| – | – | – | – | `refused` |');
  });

  test('each finding says who said it, or that it was derived', () => {
    for (const [id, { said }] of data.findings) {
      const text = pages.get('findings.md')!;
      const [first] = text
        .slice(text.indexOf(`**${id}** `))
        .split('\n\n')[1]!
        .split('\n');
      expect(first, id).toMatch(said ? /^- said by \[.*2020\]\(sources\.md#/ : /^- derived by reading$/);
    }
  });

  test('what Linux does and probably should not has nothing of the ioctls of the 2020 nesting series', () => {
    expect(pages.get('linux-oddities.md')).toContain('unmap_dma_writes_argument');
    expect(pages.get('linux-oddities.md')).not.toContain('guest_table_on_write_only_mapping_is_readable');
  });
});

describe('links', () => {
  const files = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...markdownIn('docs')];

  test.each(files)('of %s lead somewhere', (file) => {
    const broken = linksOf(read(file)).filter((to) => !leadsSomewhere(file, to));
    expect(broken).toEqual([]);
  });

  function leadsSomewhere(file: string, to: string): boolean {
    const [path, fragment] = to.split('#') as [string, string?];
    const target = path === '' ? file : normalize(join(dirname(file), path));
    if (!existsSync(join(packageRoot, target))) return false;
    return fragment === undefined || anchorsOf(read(target)).has(fragment);
  }
});

/** The Markdown files of a folder, and of those in it. */
function markdownIn(folder: string): string[] {
  return readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => `${folder}/${path}`);
}

/** What is no code, in blocks or in lines. */
const withoutCode = (text: string): string => text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');

/** Addresses that a text links to, those on other machines left out. */
function linksOf(text: string): string[] {
  return [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to]) => to!).filter((to) => !/^[a-z]+:/.test(to));
}

const anchors = new Map<string, Set<string>>();

/** The anchors of a text: its own, and those that GitHub gives to headings. */
function anchorsOf(text: string): Set<string> {
  const known = anchors.get(text);
  if (known) return known;
  const found = new Set([...text.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id!));
  for (const [, heading] of text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.*)$/gm)) {
    const plain = heading!.replace(/<[^>]+>/g, '').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
    found.add(
      plain
        .toLowerCase()
        .replace(/[^\p{L}\p{N}_\- ]/gu, '')
        .replaceAll(' ', '-'),
    );
  }
  anchors.set(text, found);
  return found;
}
