import { expect, it } from 'vitest';
import { Problem } from '../../spec/uapi/problem.ts';
import { allowsUnsafeInterrupts, heeded, moduleParameters, parseBoot } from './boot-parameters.ts';

it.each([
  ['', []],
  ['  iommu.strict=1   quiet ', ['iommu.strict=1', 'quiet']],
  ['dyndbg="file group.c +p" quiet', ['dyndbg="file group.c +p"', 'quiet']],
])('parts %j', (text, words) => {
  expect(parseBoot(text)).toEqual(words);
});

it.each(['dyndbg="file', 'a\nb', 'a=\u00e9', 'a'.repeat(1501)])(
  'refuses what a kernel would read otherwise',
  (text) => {
    expect(() => parseBoot(text)).toThrow(Problem);
  },
);

const boot = parseBoot('iommu.strict=1 vfio-iommu-type1.dma_entry_limit=100 vfio_pci.disable_idle_d3 quiet');

it('gives a module what is for it, dashes being underscores', () => {
  expect(moduleParameters(boot, 'vfio_iommu_type1')).toEqual(['dma_entry_limit=100']);
  expect(moduleParameters(boot, 'vfio_pci')).toEqual(['disable_idle_d3']);
  expect(moduleParameters(boot, 'vfio')).toEqual([]);
});

it('knows where VFIO shows that it heeds them', () => {
  expect(heeded(boot, [])).toEqual([
    '/sys/module/vfio_iommu_type1/parameters/dma_entry_limit',
    '/sys/module/vfio_pci/parameters/disable_idle_d3',
  ]);
  expect(heeded(boot, ['vfio_iommu_type1'])).toEqual(['/sys/module/vfio_pci/parameters/disable_idle_d3']);
});

it.each([
  ['', false],
  ['vfio_iommu_type1.allow_unsafe_interrupts', true],
  ['vfio_iommu_type1.allow_unsafe_interrupts=1', true],
  ['vfio-iommu-type1.allow_unsafe_interrupts=Y quiet', true],
  ['vfio_iommu_type1.allow_unsafe_interrupts=on', true],
  ['vfio_iommu_type1.allow_unsafe_interrupts=0', false],
  ['vfio_iommu_type1.allow_unsafe_interrupts=off', false],
  ['vfio_iommu_type1.allow_unsafe_interrupts=1 vfio_iommu_type1.allow_unsafe_interrupts=n', false],
  ['vfio.allow_unsafe_interrupts=1', false],
])('with %j, whether unsafe interrupts are allowed is %s', (text, allowed) => {
  expect(allowsUnsafeInterrupts(parseBoot(text))).toBe(allowed);
});
