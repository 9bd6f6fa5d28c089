import { expect, it } from 'vitest';
import { Problem } from '../../spec/uapi/problem.ts';
import { initramfs, plan, readGuestPrograms } from './initramfs.ts';
import { layout } from './machine.ts';

it('plans what the guest does', () => {
  const groups = [
    { devices: ['0000:00:03.0'] },
    { devices: ['0000:00:04.0/01.0', '0000:00:04.0/02.0'], bound_to_host_driver: '0000:00:04.0/03.0' },
  ];
  expect(plan(['vfio', 'vfio_pci'], groups, { programSeconds: 30 })).toBe(
    [
      'insert /modules/vfio.ko',
      'insert /modules/vfio_pci.ko',
      'bind vfio-pci 0000:00:03.0',
      'bind vfio-pci 0000:00:04.0/01.0',
      'bind vfio-pci 0000:00:04.0/02.0',
      'serve vfio-conform.0 /vfio-conformd --config /config.json --timeout 30',
      '',
    ].join('\n'),
  );
});

it('plans to give modules their parameters, and to see that VFIO heeds them', () => {
  const parameters = ['quiet', 'vfio_iommu_type1.dma_entry_limit=100', 'vfio.enable=1'];
  const lines = (leftOut: string[]): string[] =>
    plan(['vfio', 'vfio_pci'], [], { programSeconds: 30, parameters, leftOut }).split('\n').slice(0, -2);
  expect(lines([])).toEqual([
    'insert /modules/vfio.ko enable=1',
    'insert /modules/vfio_pci.ko',
    'need /sys/module/vfio_iommu_type1/parameters/dma_entry_limit',
    'need /sys/module/vfio/parameters/enable',
  ]);
  expect(lines(['vfio_iommu_type1'])).not.toContain('need /sys/module/vfio_iommu_type1/parameters/dma_entry_limit');
});

it('plans to hand over what the kernel counted, after all else', () => {
  const counts = '/sys/kernel/debug/gcov';
  expect(plan(['vfio'], [], { programSeconds: 30, coverage: true }).split('\n')).toEqual([
    `need ${counts}`,
    ...plan(['vfio'], [], { programSeconds: 30 }).trimEnd().split('\n'),
    `hand-over vfio-conform.1 ${counts}`,
    '',
  ]);
});

it('leaves out the type1 backend on a machine without it', () => {
  const modules = ['vfio', 'vfio_iommu_type1'].map((name) => ({ name, content: Buffer.from(name) }));
  const programs = { init: Buffer.from('i'), daemon: Buffer.from('d') };
  const files = (type1Module: boolean): string =>
    initramfs(layout({ machine: { type1Module }, slots: [] }), modules, programs, { programSeconds: 30 }).toString(
      'latin1',
    );
  expect(files(true)).toContain('modules/vfio_iommu_type1.ko');
  expect(files(false)).not.toContain('vfio_iommu_type1.ko');
  expect(files(false)).toContain('modules/vfio.ko');
});

it('says how to make the guest programs', async () => {
  const failure = await readGuestPrograms('/nowhere').catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(Problem);
  expect(String(failure)).toContain('apt-get install gcc libc6-dev');
  expect(String(failure)).toContain('npm run build');
});
