import { describe, expect, it } from 'vitest';
import { farewell, faultIn, plain, withFaults } from './console.ts';

describe('faultIn', () => {
  it.each([
    '[   12.3] WARNING: CPU: 0 PID: 1 at drivers/vfio/container.c:10 vfio_x+0x1/0x2',
    'WARNING: possible circular locking dependency detected',
    'BUG: KASAN: slab-use-after-free in vfio_group_put',
    'kernel BUG at mm/slub.c:1!',
    'Oops: 0000 [#1] PREEMPT SMP',
    'general protection fault, probably for non-canonical address 0x1: 0000 [#1]',
    'Kernel panic - not syncing: Fatal exception',
    'UBSAN: shift-out-of-bounds in drivers/iommu/intel/iommu.c:1',
    'INFO: task vfio:1 blocked for more than 120 seconds.',
    'watchdog: BUG: soft lockup - CPU#0 stuck for 26s!',
    'rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:',
  ])('sees %s', (line) => {
    expect(faultIn(['fine', line])).toBe(line);
  });

  it.each([
    'vfio_pin_pages_remote: RLIMIT_MEMLOCK (65536) exceeded',
    'vfio_iommu_type1_attach_group: No interrupt remapping support.  Use the module param "allow_unsafe_interrupts"',
    'DMAR: [DMA Write NO_PASID] Request device [00:03.0] fault addr 0x1000 [fault reason 0x05] PTE Write access is not set',
    'traps: main[12] general protection fault ip:1 sp:2 error:0',
    'vfio-pci 0000:00:03.0: enabling device (0000 -> 0002)',
    'FAULT_INJECTION: forcing a failure.',
    'vfio-conformd: page allocation failure: order:0, mode:0xcc0(GFP_KERNEL), nodemask=(null)',
    "DMAR: Can't allocate dmar_domain",
  ])('lets pass %s', (line) => {
    expect(faultIn([line])).toBeUndefined();
  });
});

it('a fault of the kernel is told beside the end and the outcomes of the program, for the judge to weigh', () => {
  const result = { end: 'completed' as const, outcomes: [{ value: 0 }], log: ['a', ' BUG: b ', 'WARNING: c'] };
  expect(withFaults(result)).toEqual({ ...result, faults: ['BUG: b', 'WARNING: c'] });
  expect(withFaults({ ...result, log: ['a'] })).toEqual({ ...result, log: ['a'] });
});

it('takes from the console what moves cursors', () => {
  expect(plain('\x1bc\x1b[?7l\x1b[2J\x1b[0mSeaBIOS\r')).toBe('SeaBIOS');
});

const status = (status: number) => ({ kind: 'status', status }) as const;

describe('farewell', () => {
  it.each([
    [['x', 'BUG: y', 'vfio-conform-init: z'], status(0), 'crashed', 'the kernel reported BUG: y'],
    [['vfio-conform-init: no', '[1.0] reboot: Power down'], status(0), 'crashed', 'in the guest no'],
    [['x'], { kind: 'signal', signal: 'SIGKILL' }, 'lost', 'the emulator was killed by SIGKILL'],
    [['BUG: y'], { kind: 'signal', signal: 'SIGABRT' }, 'lost', 'the emulator was killed by SIGABRT'],
    [['x'], { kind: 'not-run', errno: 'EACCES' }, 'lost', 'the emulator could not be run (EACCES)'],
    [['x'], status(1), 'lost', 'the emulator ended with status 1'],
    [['x'], status(0), 'crashed', 'the guest powered off'],
  ] as const)('says why, and who is to blame: %j %j', (lines, how, end, why) => {
    expect(farewell(lines, how)).toEqual({ end, why });
  });
});
