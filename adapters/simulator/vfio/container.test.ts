import { describe, expect, it } from 'vitest';
import {
  attached,
  call,
  close,
  ioctl,
  map,
  number,
  openContainer,
  opened,
  openGroup,
  ready,
  resultsOf,
  setContainer,
  setIommu,
  unmap,
  unsetContainer,
} from '../test-programs.ts';

const GET_API_VERSION = number.VFIO_GET_API_VERSION!;
const CHECK_EXTENSION = number.VFIO_CHECK_EXTENSION!;
const DIRTY_PAGES = number.VFIO_IOMMU_DIRTY_PAGES!;
const TYPE1_REQUESTS = [
  number.VFIO_IOMMU_GET_INFO!,
  number.VFIO_IOMMU_MAP_DMA!,
  number.VFIO_IOMMU_UNMAP_DMA!,
  DIRTY_PAGES,
];

describe('GET_API_VERSION', () => {
  it.each([
    ['without a group', opened()],
    ['without a backend', attached()],
    ['with a backend', ready()],
  ])('gives 0 %s, whatever the argument', async (_, setup) => {
    expect(await resultsOf(setup, [ioctl('c', GET_API_VERSION), ioctl('c', GET_API_VERSION, '0xdead0000')])).toEqual([
      0, 0,
    ]);
  });
});

describe('SET_IOMMU', () => {
  it.each([1, 3])('accepts type %i', async (type) => {
    expect(await resultsOf(attached(), [setIommu(type)])).toEqual([0]);
  });

  it.each([6, 9])('gives EINVAL for extension %i, which is no type that works here', async (type) => {
    expect(await resultsOf(attached(), [setIommu(type), setIommu(3)])).toEqual(['EINVAL', 0]);
  });

  it.each([0, 2, 4, 5, 7, 8, 10, 11, 99, '0xffffffffffffffff', '0x100000003'])(
    'gives ENODEV for %s, which no backend claims',
    async (type) => {
      expect(await resultsOf(attached(), [setIommu(type), setIommu(1)])).toEqual(['ENODEV', 0]);
    },
  );

  it('gives EINVAL without a group, even for a type that does not exist', async () => {
    expect(await resultsOf(opened(), [setIommu(3), setIommu(99)])).toEqual(['EINVAL', 'EINVAL']);
  });

  it('gives EINVAL when a backend is set, even for a type that does not exist', async () => {
    expect(await resultsOf(ready(), [setIommu(3), setIommu(99)])).toEqual(['EINVAL', 'EINVAL']);
  });

  it('gives EPERM for working types without interrupt remapping, after the check of nesting', async () => {
    const stage = { machine: { interruptRemapping: false } };
    const ops = [setIommu(1), setIommu(3), setIommu(6), setIommu(99)];
    expect(await resultsOf(attached(), ops, stage)).toEqual(['EPERM', 'EPERM', 'EINVAL', 'ENODEV']);
  });

  it('gives ENODEV for every type without the type1 module', async () => {
    const ops = [setIommu(1), setIommu(3), setIommu(6)];
    expect(await resultsOf(attached(), ops, { machine: { type1Module: false } })).toEqual([
      'ENODEV',
      'ENODEV',
      'ENODEV',
    ]);
  });

  it('can choose another type after the last group has left', async () => {
    expect(await resultsOf(ready(3), [unsetContainer(), setIommu(1), setContainer(), setIommu(1)])).toEqual([
      0,
      'EINVAL',
      0,
      0,
    ]);
  });
});

describe('a container without a backend', () => {
  it.each(TYPE1_REQUESTS)('gives EINVAL for the type1 request 0x%s and reads no memory', async (request) => {
    const ops = [ioctl('c', request), ioctl('c', request, '0xffff000000000000')];
    expect(await resultsOf(opened(), ops)).toEqual(['EINVAL', 'EINVAL']);
    expect(await resultsOf(attached(), ops)).toEqual(['EINVAL', 'EINVAL']);
  });

  it.each([0x3b7a, 0x3b7b, 0x3b7c, 0x5401, 0xdeadbeef])('gives EINVAL for the unknown number %i', async (request) => {
    expect(await resultsOf(opened(), [ioctl('c', request)])).toEqual(['EINVAL']);
    expect(await resultsOf(attached(), [ioctl('c', request)])).toEqual(['EINVAL']);
  });
});

describe('a container with a backend', () => {
  it.each([0x3b7a, 0x3b7b, 0x3b7c, number.VFIO_GROUP_GET_STATUS!, 0x3b73, 0x5401])(
    'gives ENOTTY for the unknown number %i',
    async (request) => {
      expect(await resultsOf(ready(), [ioctl('c', request), call('c', request, '0800000000000000')])).toEqual([
        'ENOTTY',
        'ENOTTY',
      ]);
    },
  );

  it('compares all 32 bits of a request, and no more', async () => {
    const known = number.VFIO_GET_API_VERSION!;
    const ops = [
      ioctl('c', known + 0x4000_0000),
      { ...ioctl('c', 0), number: `0x1${known.toString(16).padStart(8, '0')}` },
    ];
    expect(await resultsOf(ready(), ops)).toEqual(['ENOTTY', 0]);
  });

  it('gives EACCES for DIRTY_PAGES with type 1, before reading memory', async () => {
    expect(await resultsOf(ready(1), [ioctl('c', DIRTY_PAGES)])).toEqual(['EACCES']);
  });

  it('loses its mappings with its last group, and knows no type1 request then', async () => {
    const ops = [map(), unsetContainer(), unmap(), setContainer(), setIommu(), map()];
    expect(await resultsOf(ready(), ops)).toEqual([0, 0, 'EINVAL', 0, 0, 0]);
  });

  it('keeps its mappings while one of two groups is left', async () => {
    const ops = [openGroup('g1'), setContainer('g1'), map(), unsetContainer('g0'), map(), unsetContainer('g1'), map()];
    expect(await resultsOf(ready(), ops)).toEqual(['g1', 0, 0, 0, 'EEXIST', 0, 'EINVAL']);
  });

  it('is independent of other containers', async () => {
    const ops = [
      openContainer('c2'),
      openGroup('g1'),
      setContainer('g1', 'c2'),
      setIommu(3, 'c2'),
      map(),
      map({ fd: 'c2' }),
    ];
    expect(await resultsOf(ready(), ops)).toEqual(['c2', 'g1', 0, 0, 0, 0]);
  });
});

describe('CHECK_EXTENSION', () => {
  const extensions = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, '0x100000001', '0xffffffffffffffff'];
  const check = extensions.map((extension) => ioctl('c', CHECK_EXTENSION, extension));

  it('speaks for the module when there is no backend', async () => {
    const expected = [0, 1, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0];
    expect(await resultsOf(opened(), check)).toEqual(expected);
    expect(await resultsOf(attached(), check)).toEqual(expected);
  });

  it('speaks for the backend when there is one', async () => {
    expect(await resultsOf(ready(), check)).toEqual([0, 1, 0, 1, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0]);
    const withSnoopControl = await resultsOf(ready(), check, { machine: { snoopControl: true } });
    expect(withSnoopControl).toEqual([0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0]);
  });

  it('gives 0 for everything without the module', async () => {
    const answers = await resultsOf(opened(), check, { machine: { type1Module: false } });
    expect(answers).toEqual(extensions.map(() => 0));
  });
});

describe('a descriptor of a container', () => {
  it.each(['read', 'write'])('works when opened for %s only', async (access) => {
    const setup = [...opened(), openContainer('ro', { access }), openGroup('g1', 'rog', { access })];
    const ops = [setContainer('rog', 'ro'), setIommu(3, 'ro'), map({ fd: 'ro' }), unmap({ fd: 'ro' })];
    expect(await resultsOf(setup, ops)).toEqual([0, 0, 0, 0]);
  });

  it('is no descriptor to any call when opened as a path', async () => {
    const setup = [...opened(), openContainer('p', { access: 'path' })];
    expect(await resultsOf(setup, [ioctl('p', GET_API_VERSION), setContainer('g0', 'p'), close('p')])).toEqual([
      'EBADF',
      'EBADF',
      0,
    ]);
  });

  it('can neither be read, nor written, nor mapped', async () => {
    const at = { memory: 'args', at: 0, length: 1, offset: 0 };
    const ops = [
      { op: 'pread', fd: 'c', ...at },
      { op: 'pwrite', fd: 'c', ...at },
      { op: 'mmap', as: 'x', length: 4096, backing: 'fd', fd: 'c' },
    ] as const;
    expect(await resultsOf(opened(), [...ops])).toEqual(['EINVAL', 'EINVAL', 'ENODEV']);
  });

  it('takes the requests that every file takes, before its driver sees them', async () => {
    const ops = [ioctl('c', 0x5451), ioctl('c', 0x5450), call('c', 0x5421, '01000000'), ioctl('c', 0x5421)];
    expect(await resultsOf(opened(), ops)).toEqual([0, 0, 0, 'EFAULT']);
  });
});
