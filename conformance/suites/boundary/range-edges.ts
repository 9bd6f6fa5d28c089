import { toBigInt } from '../../../spec/uapi/integer.ts';
import { distinct, type Edge, type EdgeContext } from './edge.ts';

const PAGE = 4096n;
const TOP = 1n << 64n;

/** I/O virtual addresses at the edges of what can be mapped, and of what is. */
export function iovas({ environment, mappings }: EdgeContext): Edge[] {
  const edges: [string, bigint][] = [
    ['free', 0x40000n],
    ['zero', 0n],
    ['one', 1n],
    ['page_less_1', PAGE - 1n],
    ['page', PAGE],
    ['misaligned', 0x40800n],
    ['half', 1n << 63n],
    ['last_page', TOP - PAGE],
    ['top', TOP - 1n],
  ];
  const last = toBigInt(environment.apertureLast);
  edges.push(['aperture_last_page', last + 1n - PAGE], ['aperture_end', last + 1n]);
  environment.reserved.forEach((range, i) => {
    const [first, end] = [toBigInt(range.first), toBigInt(range.last) + 1n];
    edges.push(
      [`reserved_${i}_before`, first - PAGE],
      [`reserved_${i}_first`, first],
      [`reserved_${i}_last`, end - PAGE],
      [`reserved_${i}_after`, end],
    );
  });
  mappings.forEach(({ iova, size }, i) => {
    edges.push(
      [`mapping_${i}_before`, iova - PAGE],
      [`mapping_${i}_first`, iova],
      [`mapping_${i}_last`, iova + size - PAGE],
      [`mapping_${i}_after`, iova + size],
    );
  });
  const telling = new Set([
    'one',
    'last_page',
    'aperture_end',
    'reserved_0_first',
    'mapping_0_first',
    'mapping_0_last',
    'mapping_1_first',
  ]);
  return distinct(edges.map(([label, value]) => ({ label: `iova_${label}`, value, telling: telling.has(label) })));
}

/** Sizes of nothing, of pages and parts of them, of what is mapped, and of too much. */
export function sizes({ environment, mappings }: EdgeContext): Edge[] {
  const edges: [string, bigint][] = [
    ['page', PAGE],
    ['zero', 0n],
    ['one', 1n],
    ['page_less_1', PAGE - 1n],
    ['page_and_1', PAGE + 1n],
    ['two_pages', 2n * PAGE],
    ['memory', 4n * PAGE],
    ['memory_and_page', 5n * PAGE],
    ['gigabyte', 1n << 30n],
    ['half', 1n << 63n],
    ['aperture', toBigInt(environment.apertureLast) + 1n],
    ['last_page', TOP - PAGE],
    ['top', TOP - 1n],
  ];
  const first = mappings[0];
  const last = mappings.at(-1);
  if (first && last) {
    edges.push(['all_mappings', last.iova + last.size - first.iova], ['beyond_mappings', last.iova + last.size]);
    // Ranges that end at exactly 2^64, from the first byte of a mapping and from inside it.
    edges.push(['top_from_mapping', TOP - first.iova], ['top_from_inside', TOP - (first.iova + first.size - PAGE)]);
  }
  const telling = new Set(['zero', 'one', 'two_pages', 'memory_and_page', 'half', 'last_page']);
  return distinct(edges.map(([label, value]) => ({ label: `size_${label}`, value, telling: telling.has(label) })));
}

/** Sizes of a page that a dirty bitmap counts. */
export function pageSizes(): Edge[] {
  const values = [PAGE, 0n, 1n, PAGE / 2n, PAGE + 1n, 2n * PAGE, 1n << 21n, 1n << 30n, 1n << 63n, TOP - 1n];
  const telling = [0n, 1n, 2n * PAGE];
  return values.map((value) => ({ label: `pgsize_${value.toString(16)}`, value, telling: telling.includes(value) }));
}

/** Bytes of a dirty bitmap: 8 hold 64 pages, and 2^28 are the most. */
export function bitmapSizes(): Edge[] {
  const most = 1n << 28n;
  const values = [8n, 0n, 1n, 7n, 9n, 16n, PAGE, most, most + 1n, 1n << 63n, TOP - 1n];
  const telling = [0n, 7n, most + 1n];
  return values.map((value) => ({ label: `bitmap_${value.toString(16)}`, value, telling: telling.includes(value) }));
}
