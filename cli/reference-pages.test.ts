import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { generatedMark } from '../reports/reference/markdown.ts';
import { rulesIn, siteOf } from '../reports/reference/site.ts';
import { loadContract } from '../spec/contract/load.ts';
import { packageRoot } from '../spec/uapi/package-root.ts';
import { pagesOf } from './spec-command.ts';

const data = loadContract();
const pages = pagesOf(data);
const read = (path: string) => readFileSync(join(packageRoot, path), 'utf8');

test('what stands in docs/reference is current', () => {
  const folder = join(packageRoot, 'docs/reference');
  const found = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.md'));
  const generated = found.filter((path) => read(`docs/reference/${path}`).startsWith(generatedMark));
  expect(generated.sort()).toEqual([...pages.keys()].sort());
  for (const [path, text] of pages) expect(read(`docs/reference/${path}`) === text, path).toBe(true);
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

describe('rules', () => {
  const site = siteOf(data);

  test('each stands on the page of every handler that has it, with anchors for it and for its sources', () => {
    const sources = pages.get('sources.md')!;
    for (const { id: handler, steps } of data.handlers) {
      const { page, anchor } = site.handlers.get(handler)!;
      const text = pages.get(page)!;
      const start = anchor === undefined ? 0 : text.indexOf(`<a id="${anchor}"></a>`);
      const own = anchor === undefined ? text : text.slice(start, text.indexOf('\n## ', start));
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
    const stated = [...data.rules.values(), ...data.parameters.values()].flatMap(({ lineage = [] }) => lineage);
    expect([...data.findings.keys()].filter((id) => !stated.includes(id))).toEqual([]);
  });
});

test('every page says under its heading what no kernel implements', () => {
  for (const [path, text] of pages) {
    const [, , heading, , implemented] = text.split('\n');
    expect(heading, path).toMatch(/^# /);
    expect(implemented, path).toMatch(
      /[Nn]o released kernel implements|released kernel implements all|Linux 6\.1 and 6\.12/,
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
  test('BIND answers ENOMEM to an unknown version as posted, because of the look-up of sizes, and EINVAL as recommended', () => {
    const fields = part('ioctls/iommu-bind.md', '## What the fields are refused for');
    expect(line(fields, '| `v1` | **ENOMEM** |', 'has size -22', 'bind_size_is_negative')).toBeDefined();
    expect(
      line(fields, '`v1-singleton` | **EINVAL** |', 'A version other than 1', 'bind_version_unknown'),
    ).toBeDefined();
  });

  test('UNMAP_DMA faults at bytes 0 to 23 before anything is done, and again after the mappings are gone', () => {
    const faults = part('ioctls/iommu-unmap-dma.md', '## What faults when');
    const [bytes, , read, written] = line(faults, '0..23')!.slice(2).split(' | ');
    expect(bytes).toBe('0..23');
    expect(read).toMatch(/^EFAULT: .*unmap_dma_reads_argument.*nothing has been done$/);
    expect(written).toMatch(/^EFAULT: .*unmap_dma_writes_argument.*\*\*what has been done is not undone\*\*/);
    const stays = faults.slice(faults.lastIndexOf('\n- '));
    expect(stays).toContain('unmap_dma_writes_argument');
    expect(stays).toContain('Nothing is undone');
    expect(stays).toContain('unmap_dma_removes_mappings');
  });

  test('the result of ALLOC is not said never to be written', () => {
    const faults = part('ioctls/iommu-pasid-request.md', '## What faults when');
    expect(line(faults, '| 8..19 |')).toMatch(/see the last rows \|$/);
  });

  test('FREE of a PASID of another owner is refused, and the example shows it', () => {
    const text = pages.get('ioctls/iommu-pasid-request.md')!;
    expect(line(text, '<sub>`pasid_free_of_another_owner`', 'EACCES')).toBeDefined();
    expect(line(text, 'child: ioctl', '**EACCES**', 'pasid_free_of_another_owner')).toBeDefined();
  });

  test('the first page has them', () => {
    const questions = part('index.md', '## Questions');
    for (const rule of ['bind_size_is_negative', 'unmap_dma_writes_argument', 'pasid_free_of_another_owner'])
      expect(questions).toContain(`#${rule})`);
  });
});

describe('links', () => {
  const files = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...markdownIn('docs')];
  // Written only once there is a result of check to tell.
  const pending = pages.has('counterexamples.md') ? [] : ['docs/reference/counterexamples.md'];

  test.each(files)('of %s lead somewhere', (file) => {
    const broken = linksOf(read(file)).filter((to) => !leadsSomewhere(file, to));
    expect(broken).toEqual([]);
  });

  function leadsSomewhere(file: string, to: string): boolean {
    const [path, fragment] = to.split('#') as [string, string?];
    const target = path === '' ? file : normalize(join(dirname(file), path));
    if (pending.includes(target)) return true;
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
