import { describe, expect, it } from 'vitest';
import type { Op } from '../../../spec/uapi/vocabulary.ts';
import {
  ALL,
  attached,
  call,
  close,
  ioctl,
  map,
  mmap,
  number,
  openContainer,
  openDevice,
  opened,
  openGroup,
  outcomesOf,
  ready,
  resultsOf,
  setContainer,
  setIommu,
  unmap,
  unsetContainer,
  VADDR,
} from '../test-programs.ts';

const SET_CONTAINER = number.VFIO_GROUP_SET_CONTAINER!;
const GET_STATUS = number.VFIO_GROUP_GET_STATUS!;
const API = number.VFIO_GET_API_VERSION!;
const GET_DEVICE_FD = number.VFIO_GROUP_GET_DEVICE_FD!;

const status = (group = 'g0'): Op =>
  call(group, GET_STATUS, '08000000ffffffff', undefined, { save: [{ name: 'flags', at: 4, width: 4 }] });

async function flagsOf(setup: Op[], stage = {}): Promise<unknown> {
  const [outcome] = await outcomesOf(setup, [status()], stage);
  return outcome!.saved?.flags ?? outcome!.errno;
}

describe('opening a group', () => {
  it('gives EBUSY while it is open anywhere, and works again after the last close', async () => {
    const ops: Op[] = [
      openGroup('g0', 'again'),
      { op: 'dup', fd: 'g0', as: 'copy' },
      close('g0'),
      openGroup('g0', 'again'),
      close('copy'),
      openGroup('g0', 'again'),
    ];
    expect(await resultsOf(opened(), ops)).toEqual(['EBUSY', 'copy', 0, 'EBUSY', 0, 'again']);
  });

  it('as a path works while it is open, and gives a descriptor of no use', async () => {
    const ops = [openGroup('g0', 'p', { access: 'path' }), ioctl('p', GET_STATUS)];
    expect(await resultsOf(opened(), ops)).toEqual(['p', 'EBADF']);
  });
});

describe('SET_CONTAINER', () => {
  it('gives EFAULT for an unreadable argument, even when attached', async () => {
    const ops = [
      ioctl('g0', SET_CONTAINER),
      { op: 'ioctl', fd: 'g0', number: SET_CONTAINER, argument: { memory: 'args', at: 4093 } } as Op,
    ];
    expect(await resultsOf(opened(), ops)).toEqual(['EFAULT', 'EFAULT']);
    expect(await resultsOf(attached(), ops)).toEqual(['EFAULT', 'EFAULT']);
  });

  it('gives EBADF for a number that is not open, even when attached', async () => {
    const ops = [
      call('g0', SET_CONTAINER, 'ffffffff'),
      call('g0', SET_CONTAINER, '63000000'),
      setContainer('g0', 'none'),
    ];
    expect(await resultsOf(opened(), ops)).toEqual(['EBADF', 'EBADF', 'EBADF']);
    expect(await resultsOf(attached(), ops)).toEqual(['EBADF', 'EBADF', 'EBADF']);
  });

  it('gives EINVAL when attached, to any container, and for any other file', async () => {
    const ops = [openContainer('c2'), setContainer(), setContainer('g0', 'c2'), call('g0', SET_CONTAINER, '00000000')];
    expect(await resultsOf(attached(), ops)).toEqual(['c2', 'EINVAL', 'EINVAL', 'EINVAL']);
  });

  const foreign: Op[] = [
    call('g0', SET_CONTAINER, '00000000'),
    setContainer('g0', 'g0'),
    { op: 'open', what: 'path', path: '/dev/null', as: 'null' },
    setContainer('g0', 'null'),
  ];

  it('gives EBADFD for a file that is not a container', async () => {
    expect(await resultsOf(opened(), foreign)).toEqual(['EBADFD', 'EBADFD', 'null', 'EBADFD']);
  });

  it('gives EINVAL for a file that is not a container with foreign_container_fd=einval', async () => {
    const stage = { parameters: { foreign_container_fd: 'einval' } };
    expect(await resultsOf(opened(), foreign, stage)).toEqual(['EINVAL', 'EINVAL', 'null', 'EINVAL']);
  });

  it('gives EPERM for a group that is not viable, and leaves the container without groups', async () => {
    const stage = { slots: [{ devices: 1, viable: false }] };
    expect(await resultsOf(opened(), [setContainer(), setIommu()], stage)).toEqual(['EPERM', 'EINVAL']);
  });

  it('of a second group works with a backend, and not while a process address is invalid', async () => {
    const joining = [...ready(), openGroup('g1')];
    expect(await resultsOf(joining, [map(), setContainer('g1')])).toEqual([0, 0]);
    const ops = [map(), unmap({ flags: VADDR }), setContainer('g1'), unmap(), setContainer('g1')];
    expect(await resultsOf(joining, ops)).toEqual([0, 0, 'EBUSY', 0, 0]);
  });

  it('works with a container whose file was duplicated and closed', async () => {
    const ops: Op[] = [{ op: 'dup', fd: 'c', as: 'copy' }, close('c'), setContainer('g0', 'copy'), setIommu(3, 'copy')];
    expect(await resultsOf(opened(), ops)).toEqual(['copy', 0, 0, 0]);
  });
});

describe('UNSET_CONTAINER', () => {
  it('gives EINVAL when not attached', async () => {
    expect(await resultsOf(opened(), [unsetContainer()])).toEqual(['EINVAL']);
  });

  it('gives EBUSY while a device of the group is open, whatever becomes of other groups', async () => {
    const setup = [...ready(), openGroup('g1'), setContainer('g1'), openDevice()];
    const ops = [unsetContainer('g0'), unsetContainer('g1'), close('d'), unsetContainer('g0'), unsetContainer('g0')];
    expect(await resultsOf(setup, ops)).toEqual(['EBUSY', 0, 0, 0, 'EINVAL']);
  });
});

describe('GET_STATUS', () => {
  it('says viable, attached, or neither', async () => {
    expect(await flagsOf(opened())).toBe(1);
    expect(await flagsOf(attached())).toBe(3);
    expect(await flagsOf([...ready(), close('c')])).toBe(3);
    expect(await flagsOf(opened(), { slots: [{ devices: 1, viable: false }] })).toBe(0);
  });

  it('faults before it looks at the size, and looks at the size before the group', async () => {
    const ops = [ioctl('g0', GET_STATUS), call('g0', GET_STATUS, '0700000000000000')];
    expect(await resultsOf(opened(), ops)).toEqual(['EFAULT', 'EINVAL']);
    const orphaned: Op[] = [...opened(), { op: 'unbind_driver', slot: 'g0', device: 0 }];
    expect(await resultsOf(orphaned, [...ops, status()])).toEqual(['EFAULT', 'EINVAL', 'ENODEV']);
  });

  it('tells only the flags', async () => {
    const [outcome] = await outcomesOf(opened(), [status()]);
    expect(outcome!.changed).toEqual([{ memory: 'args', at: 4, bytes: '01000000' }]);
  });
});

describe('GET_DEVICE_FD', () => {
  it('works with a backend only', async () => {
    expect(await resultsOf(opened(), [openDevice()])).toEqual(['EINVAL']);
    expect(await resultsOf(attached(), [openDevice()])).toEqual(['EINVAL']);
    expect(await resultsOf(ready(), [openDevice(), openDevice('e')])).toEqual(['d', 'e']);
  });

  it('gives ENODEV for a device of another group, even without a container', async () => {
    const ops = [openDevice('d', 'g0', { slot: 'g1' }), call('g0', GET_DEVICE_FD, '00')];
    expect(await resultsOf(opened(), ops)).toEqual(['ENODEV', 'ENODEV']);
  });

  it('gives EMFILE when no descriptor is free, before it looks for a container', async () => {
    const full: Op[] = [...opened(), { op: 'rlimit', resource: 'nofile', value: 5 }];
    expect(await resultsOf(full, [openDevice(), openDevice('d', 'g0', { slot: 'g1' })])).toEqual(['EMFILE', 'ENODEV']);
  });

  it('gives EFAULT for a name that cannot be read, and EINVAL for one that does not end in 4096 bytes', async () => {
    const name = (memory: string, at: number): Op => ({
      op: 'ioctl',
      fd: 'g0',
      number: GET_DEVICE_FD,
      argument: { memory, at },
    });
    const setup = [...opened(), { op: 'poke', memory: 'm', at: 2 * 4096 - 1, bytes: '00' } as Op];
    const ops = [name('m', 3 * 4096 + 1), name('m', 3 * 4096), name('m', 4095), name('m', 4096)];
    expect(await resultsOf(setup, ops)).toEqual(['EFAULT', 'EINVAL', 'EINVAL', 'ENODEV']);
  });

  it('opens each device of a group', async () => {
    const stage = { slots: [{ devices: 2, viable: true }] };
    const ops = [openDevice('d', 'g0', { device: 1 }), openDevice('e', 'g0', { device: 0 })];
    expect(await resultsOf(ready(), ops, stage)).toEqual(['d', 'e']);
  });

  it('through a descriptor that is not a group is an unknown request', async () => {
    const through = (group: string): Op => ({ op: 'open', what: 'device', slot: 'g0', group, as: 'x' });
    expect(await resultsOf(attached(), [through('c'), through('none')])).toEqual(['EINVAL', 'EBADF']);
    expect(await resultsOf(ready(), [through('c')])).toEqual(['ENOTTY']);
  });
});

describe('unknown requests', () => {
  it.each([0x3b7a, 0x3b7b, 0x3b7c, API, number.VFIO_SET_IOMMU!, 0x5401])(
    '%i gives ENOTTY on a group and on a device',
    async (request) => {
      expect(await resultsOf(opened(), [ioctl('g0', request)])).toEqual(['ENOTTY']);
      expect(await resultsOf([...ready(), openDevice()], [ioctl('g0', request), ioctl('d', request)])).toEqual([
        'ENOTTY',
        'ENOTTY',
      ]);
    },
  );

  it('give ENOTTY on foreign files, and EBADF without a file', async () => {
    const setup: Op[] = [
      mmap('args', 1),
      { op: 'open', what: 'path', path: '/dev/null', as: 'n' },
      { op: 'open', what: 'path', path: '/', access: 'read', as: 'dir' },
    ];
    const ops = [ioctl('n', API), ioctl('dir', API), ioctl('none', API), close('n'), ioctl('n', API)];
    expect(await resultsOf(setup, ops)).toEqual(['ENOTTY', 'ENOTTY', 'EBADF', 0, 'EBADF']);
  });
});

describe('an orphaned group', () => {
  const unbind: Op = { op: 'unbind_driver', slot: 'g0', device: 0 };
  const bind: Op = { op: 'bind_driver', slot: 'g0', device: 0, driver: 'vfio-pci' };

  it('has lost its container, which is as new', async () => {
    const ops = [map(), unbind, unmap({ flags: ALL, iova: 0, size: 0 }), setIommu(), unsetContainer(), setContainer()];
    expect(await resultsOf(ready(), ops)).toEqual([0, 0, 'EINVAL', 'EINVAL', 'EINVAL', 'ENODEV']);
  });

  it('judges the argument of SET_CONTAINER first', async () => {
    const ops = [
      ioctl('g0', SET_CONTAINER),
      call('g0', SET_CONTAINER, 'ffffffff'),
      call('g0', SET_CONTAINER, '00000000'),
    ];
    expect(await resultsOf([...opened(), unbind], ops)).toEqual(['EFAULT', 'EBADF', 'ENODEV']);
  });

  it('has no node until a device is bound again, which makes a new group', async () => {
    const ops = [unbind, openGroup('g0', 'new'), bind, setContainer(), openGroup('g0', 'new'), setContainer('new')];
    expect(await resultsOf(ready(), ops)).toEqual([0, 'ENOENT', 0, 'ENODEV', 'new', 0]);
  });

  it('is not made by unbinding one of two devices', async () => {
    const stage = { slots: [{ devices: 2, viable: true }] };
    const ops = [unbind, map(), openDevice('d', 'g0', { device: 0 }), openDevice('d', 'g0', { device: 1 })];
    expect(await resultsOf(ready(), ops, stage)).toEqual([0, 0, 'ENODEV', 'd']);
  });
});

describe('the drivers of a group', () => {
  const stage = { slots: [{ devices: 1, viable: false }] };
  const unbindClaimed: Op = { op: 'unbind_driver', slot: 'g0', device: 'bound_to_host_driver' };
  const bindClaimed: Op = { op: 'bind_driver', slot: 'g0', device: 'bound_to_host_driver', driver: 'host' };

  it('make it viable when the one that claims it goes', async () => {
    const ops = [
      setContainer(),
      unbindClaimed,
      setContainer(),
      bindClaimed,
      unsetContainer(),
      bindClaimed,
      setContainer(),
    ];
    expect(await resultsOf(opened(), ops, stage)).toEqual(['EPERM', 0, 0, 'EBUSY', 0, 0, 'EPERM']);
  });

  it('do not include a native one for the test device', async () => {
    const ops: Op[] = [{ op: 'bind_driver', slot: 'g0', device: 0, driver: 'host' }];
    expect(await resultsOf(opened(), ops, stage)).toEqual(['ENODEV']);
  });

  it('cannot be bound twice, nor unbound twice', async () => {
    const ops = [bindClaimed, unbindClaimed, unbindClaimed, bindClaimed];
    expect(await resultsOf(opened(), ops, stage)).toEqual(['EBUSY', 0, 'ENODEV', 0]);
  });
});
