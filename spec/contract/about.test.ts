import { expect, test } from 'vitest';
import { checkAbout } from './about.ts';
import { loadContract } from './load.ts';
import type { Rule } from './types.ts';

const { rules, handlers } = loadContract();

/** Checks the contract with another `about` of one rule. */
const checking = (id: string, about: string[]) => () =>
  checkAbout(new Map<string, Rule>([...rules, [id, { ...rules.get(id)!, about }]]), handlers, () => 'rules.yaml:1:1');

test.each([
  ['fields of both layouts of an argument', 'iommu_core_bind_argsz_too_small', ['data_argsz', 'hpasid']],
  ['another name of a field in a union', 'pasid_free_of_unallocated', ['free_pasid', 'min']],
  ['fields that all ioctls have that share a rule', 'dirty_bitmap_range_below_page', ['size', 'pgsize']],
])('a rule may be about %s', (_, id, about) => {
  expect(checking(id, about)).not.toThrow();
});

test.each([
  [
    'a field that there is not',
    'map_dma_overlaps',
    ['size', 'length'],
    'length is no field of the argument of VFIO_IOMMU_MAP_DMA',
  ],
  ['a field of one of its ioctls', 'container_ioctl_needs_backend', ['vaddr'], 'vaddr is no field of the argument of'],
  [
    'a field of a number',
    'set_iommu_needs_group',
    ['argsz'],
    'the argument of VFIO_SET_IOMMU has no fields; leave out what',
  ],
  [
    'a field of an op',
    'close_returns_zero',
    ['argsz'],
    'no ioctl has rule close_returns_zero; leave out what it is about.',
  ],
])('a rule about %s is a Problem', (_, id, about, message) => {
  expect(checking(id, about)).toThrow(`rules.yaml:1:1: ${message}`);
});

test('what a rule writes is a field of the argument, too', () => {
  const written = { ...rules.get('get_info_chain_fits')!, writes: ['flags', 'colour'] };
  expect(() =>
    checkAbout(new Map([...rules, [written.id, written]]), handlers, (_, key) => `rules.yaml ${key}`),
  ).toThrow(
    'rules.yaml writes: colour is no field of the argument of VFIO_IOMMU_GET_INFO; it has argsz, flags, iova_pgsizes.',
  );
});
