import { describe, expect, test } from 'vitest';
import { simulatorAdapter } from '../adapters/simulator/adapter.ts';
import { nestingScenarios } from '../conformance/suites/scenarios/nesting.ts';
import { toProgram } from '../conformance/suites/scenarios/scenario.ts';
import { assignSlots } from '../conformance/suites/suite.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import { uapi } from '../spec/uapi/uapi.ts';
import type { IoctlOp, Op, Outcome } from '../spec/uapi/vocabulary.ts';

/**
 * What the series of 22 March 2020 answers, by IOMMU driver, as its code and the mails about it say: written down here without the
 * contract, so that both the simulator and the contract are held against it.
 *
 * An answer for each request (alloc, free, bind, unbind, flush for CACHE_INVALIDATE, info, check), the ALLOC of the set-up left out;
 * d+ and e-: what the device writes with the PASID arrives, or does not. `*`: nobody says; `...`: nor of anything that follows.
 */
type Answers = string | Record<string, string>;

const before59 = 'v10 v11 v5.8 v5.8-aux';
const every = `${before59} v5.9`;
/** One answer that is EINVAL up to Linux 5.8 for what is not bound, and 0 later. */
const untilNotBound = (before: string, after = ''): Answers => ({
  [before59]: `${before}, unbind EINVAL${after}`,
  'v5.9': `${before}, unbind 0${after}`,
});

const loop: Record<string, Answers> = {
  l1_both_domains_bind: {
    v10: 'bind EINVAL, d-, e-, unbind EINVAL, d-, e-',
    'v11 v5.8 v5.8-aux v5.9': 'bind 0, d+, e+, unbind 0, d-, e-',
  },
  l1_newer_domain_fails: 'bind 0, d+, e-, unbind 0, d-, e-',
  l1_newer_domain_of_a_platform_device: 'bind 0, d+, unbind 0, d-',
  l1_newer_domain_of_short_pasids: 'bind 0, d+, e-, unbind 0, d-, e-',
  l2_older_domain_fails: untilNotBound('bind ENOSPC, d-, e-'),
  l2_older_domain_of_a_platform_device: 'bind 524, e-',
  l2_older_domain_of_short_pasids: 'bind EINVAL, d-, e-',
  l3_both_domains_fail: 'bind ENOSPC, d-, e-',
  l3_short_pasids_before_a_platform_device: 'bind 524',
  l3_platform_device_before_short_pasids: 'bind EINVAL',
  l4_older_group_of_the_domain_is_not_visited: untilNotBound('bind EIO, d-, e-'),
  l4_older_domain_is_visited: 'bind 0, d+, e-',
  l5_rollback_within_a_group: untilNotBound('bind EIO, d-'),
  l6_unbind_stops_at_a_new_group: {
    [before59]: 'bind 0, d+, e-, unbind EINVAL, d+, e-',
    'v5.9': 'bind 0, d+, e-, unbind 0, d-, e-',
  },
  l6_unbind_goes_on_with_the_older_domain: 'bind 0, unbind 0, d-, e-',
  l6_unbind_fails_by_injection: 'bind 0, unbind 0, d-, unbind ENOSPC',
  l7_later_group_is_not_bound: 'bind 0, d+, e-',
  l8_invalidation_stops_in_its_domain: 'bind 0, flush EIO, flush ENOSPC, d+',
  l8_invalidation_goes_on_with_the_older_domain: 'bind 0, flush 0, flush ENOSPC, d+',
  // Only the first two revisions ask for ATS.
  l8_group_without_ats: { 'v10 v11': 'bind 0, flush EINVAL, d+', 'v5.8 v5.8-aux v5.9': 'bind 0, flush 0, d+' },
  l8_domain_without_ats: 'bind 0, flush 0, d+',
};

const counted = 'bind 0, bind 0, d+, unbind 0, d+, unbind 0, d-';
const rollback: Record<string, Answers> = {
  b1_duplicate: {
    v10: 'bind 0, bind EINVAL, d-, unbind EINVAL, d-, unbind EINVAL, d-',
    'v11 v5.8-aux': counted,
    'v5.8': 'bind 0, bind EBUSY, d-, unbind EINVAL, d-, unbind EINVAL, d-',
    'v5.9': 'bind 0, bind EBUSY, d-, unbind 0, d-, unbind 0, d-',
  },
  b1_duplicate_with_another_guest_pasid: { 'v10 v11 v5.8-aux': counted },
  b1_duplicate_with_the_same_guest_pasid: { v10: 'bind 0, bind EINVAL, d-, unbind EINVAL' },
  b1_failure_takes_the_older_binding: untilNotBound('alloc 0, bind 0, bind 0, bind EIO, d-, d+'),
  b1_early_failure_keeps_the_older_binding: 'bind 0, bind EINVAL, other EINVAL, other EINVAL, d+, unbind 0',
  b2_format: untilNotBound('bind 0, bind EINVAL, d-'),
  b2_address_width: notChecked(),
  b2_gpgd_beyond_address_width: notChecked(),
  b3_rollback_of_a_long_pasid: untilNotBound('bind 0, bind EINVAL, d-'),
  b4_bind_again_with_a_new_group: bindAgain('bind EINVAL, d+, e-, unbind EINVAL, d+, e-'),
  b4_bind_again_with_a_new_domain: bindAgain('bind EINVAL, d-, e-, unbind EINVAL, d-, e-'),
  b4_rollback_stops_in_its_domain: untilNotBound('bind 0, bind EIO, d-, e-'),
  b5_rollback_fails: 'bind EIO, d-, e+',
  b5_rollback_of_a_part: untilNotBound('bind EIO, d-, e-'),
};

/** BIND after a group came, which the first driver tells from the others by where it came to. */
function bindAgain(first: string): Answers {
  return {
    v10: `bind 0, ${first}`,
    'v11 v5.8-aux': 'bind 0, bind 0, d+, e+, unbind 0, d+, e-',
    'v5.8': 'bind 0, bind EBUSY, d-, e-, unbind EINVAL, d-, e-',
    'v5.9': 'bind 0, bind EBUSY, d-, e-, unbind 0, d-, e-',
  };
}

/** A duplicate is found before, or counted without, a look at the table. */
function notChecked(): Answers {
  return {
    v10: 'bind 0, bind EINVAL, d-, unbind EINVAL',
    'v11 v5.8-aux': 'bind 0, bind 0, d+, unbind 0',
    'v5.8': 'bind 0, bind EBUSY, d-, unbind EINVAL',
    'v5.9': 'bind 0, bind EBUSY, d-, unbind 0',
  };
}

const bound = 'bind 0, d+, unbind 0';
const arguments_: Record<string, Answers> = {
  v1_argsz_of_the_header_is_enough: 'bind 0, d+, unbind 0, d-',
  v1_data_that_argsz_does_not_name: 'bind EFAULT, unbind EFAULT, d-',
  v1_argsz_beyond_the_struct: bound,
  v2_unknown_flags_of_bind: 'bind 0, d+, unbind 0, d-, bind 0, d+, unbind 0, d-',
  v3_no_flag_or_both: 'other EINVAL, other EINVAL, other EINVAL, other EFAULT, other EFAULT, d-',
  v3_no_flag_and_a_later_version: 'other ENOMEM, other ENOMEM',
  v4_later_version_of_bind: 'bind 0, bind ENOMEM, bind ENOMEM, unbind ENOMEM, d+, unbind 0',
  v8_unbind_ignores_what_it_reads: 'bind 0, unbind EFAULT, d+, unbind 0, d-',
  v8_unbind_without_table: 'bind 0, unbind 0, d-',
  v9_unknown_padding: bound,
  v9_unknown_data_flags: bound,
  v9_unknown_high_data_flags: bound,
  v10_container_of_type1: { v10: 'bind 0, *, unbind 0, d-', 'v5.8': 'bind EINVAL, d-, ...' },
  v10_container_of_type1_v2: { v10: 'bind 0, *, unbind 0, d-', 'v5.8': 'bind EINVAL, d-, ...' },
  v11_pasid_of_another_process: 'bind 0, unbind 0, bind 0',
  v11_pasid_that_another_process_bound: 'bind 0, bind 0, unbind 0, d+, unbind 0',
  v12_pasid_that_nobody_has: { 'v10 v11 v5.9': 'bind ENOENT, d-, unbind ENOENT, bind 0, d+' },
  v13_platform_device: untilNotBound('bind 524'),
};

const unbinding: Record<string, Answers> = {
  u2_long_pasid: untilNotBound('bind 0, unbind 0, d-', ', d-'),
  u3_never_bound: {
    [before59]: 'unbind EINVAL, unbind ENOENT, bind 0, unbind 0, unbind EINVAL, d-',
    'v5.9': 'unbind 0, unbind ENOENT, bind 0, unbind 0, unbind 0, d-',
  },
  u3_bound_on_another_device: {
    v10: 'bind 0, unbind EINVAL, d+, bind EINVAL, d+, unbind EINVAL, d+',
    'v11 v5.8 v5.8-aux': 'bind 0, unbind EINVAL, d+, bind 0, d+, unbind 0, d+',
    'v5.9': 'bind 0, unbind 0, d+, bind 0, d+, unbind 0, d+',
  },
  u4_last_group_leaves_one_of_two_containers: 'bind 0, alloc EFAULT, ...',
  u4_last_container_closes: 'bind 0, alloc 0, d-, bind 0, d+',
  u4_process_dies: 'bind 0, alloc 0, d-, bind 0, d+',
  u5_free_of_a_bound_pasid: 'bind 0, free 0, flush 0, d+, unbind ENOENT, d+',
  u5_freed_pasid_is_given_again: { v10: 'bind 0, free 0, bind ENOENT, alloc 0, bind EBUSY, d+, ...' },
};

const pasids: Record<string, Answers> = {
  p1_failures_of_alloc: 'alloc EFAULT, alloc EFAULT, alloc 0, alloc EFAULT',
  p2_v14_result_cannot_be_written: 'alloc 4, alloc 2, alloc EFAULT, alloc EFAULT',
  p3_number_0: 'alloc EFAULT, alloc EFAULT, free 0, free ENOENT, alloc EFAULT',
  p3_negative_number: 'alloc EFAULT, alloc EFAULT',
  p4_argsz_of_the_header_is_enough: 'free 0, alloc EFAULT, free EFAULT, free EFAULT, free ENOENT',
  p4_container_that_does_not_nest: 'free 0',
  p4_without_domain: 'free EFAULT, alloc EFAULT, free 0',
  p4_after_the_last_group: 'free EINVAL, alloc EINVAL',
  p5_containers_of_a_process_share_pasids: 'alloc EFAULT, alloc 0, free 0, alloc EFAULT, free 0, alloc 0, alloc 0',
  p5_pasids_of_another_process: 'free EACCES, alloc EFAULT, free ENOENT, alloc 0, free EACCES, alloc 0',
  p6_quota_counts_at_the_next_alloc: 'alloc EFAULT, alloc 0, alloc EFAULT',
  p6_quota_of_each_process: 'alloc EFAULT, alloc 0, alloc EFAULT',
  p7_quota_below_use: 'alloc 0, alloc 0, alloc EFAULT, free 0, free 0, free 0, alloc 0, alloc 0',
};

const information: Record<string, Answers> = {
  g1_container_without_domain: 'info EINVAL',
  g2_container_of_the_nesting_type: { [every]: 'info 0, ...', none: 'info EINVAL, ...' },
  g2_version_of_the_uapi: 'check 1, check 1, ...',
};

/** For each set of caches from 1 to 7 those of a domain, a PASID and addresses: 0, or - for EINVAL. */
const flushes = (marks: string): string =>
  ['bind 0', ...marks.split(/,? /).map((mark) => `flush ${mark === '-' ? 'EINVAL' : mark}`)].join(', ');
const anything = flushes(Array.from({ length: 21 }, () => '0').join(' '));
const invalidation: Record<string, Answers> = {
  c1_argsz_of_the_header_is_enough:
    'bind 0, flush 0, flush EINVAL, flush EFAULT, flush EFAULT, flush EFAULT, flush EINVAL, flush EINVAL',
  c1_container_of_type1: { v10: 'flush 0', 'v5.8': 'flush EINVAL' },
  c2_container_without_domain: 'flush 0, bind EINVAL',
  c3_pairs_of_cache_and_granularity: {
    v10: flushes('- 0 0, 0 0 -, - 0 -, 0 0 -, - 0 -, 0 0 -, - 0 -'),
    'v5.8 v5.8-aux': anything,
  },
  c3_pairs_without_pasid_flag: {
    v10: flushes('- 0 0, 0 0 -, - 0 0, 0 0 -, - 0 0, 0 0 -, - 0 0'),
    'v5.8 v5.8-aux': anything,
  },
  v5_version_0_of_an_invalidation: { 'v10 v5.8 v5.8-aux': 'bind 0, flush EINVAL, flush EFAULT, d+' },
  c3_addresses: {
    'v10 v5.8 v5.8-aux': 'bind 0, flush 0, flush ERANGE, flush 0, flush 0, flush 0, flush 0, ...',
    'v5.9': 'bind 0, flush 0, flush 0, flush 0, flush 0, flush 0, flush 0, ...',
  },
  c3_device_platform: 'flush ENODEV, flush ENODEV, flush ENODEV',
  c4_no_cache: 'bind 0, flush 0, flush 0',
};

const refused = (errno: string): string =>
  `alloc ${errno}, free ${errno}, bind ${errno}, unbind ${errno}, flush ${errno}`;
const situations: Record<string, Answers> = {
  situation_before_set_iommu: `${refused('EINVAL')}, ${refused('EINVAL')}`,
  situation_argsz_too_small: `${refused('EINVAL')}, ${refused('EINVAL')}`,
  situation_unknown_flag: 'alloc EINVAL, free EINVAL, bind 0, unbind 0, flush EINVAL',
  situation_no_flag: 'bind 0, other EINVAL, other EINVAL, other EINVAL, other EINVAL, flush 0',
  situation_both_flags: 'bind 0, other EINVAL, other EINVAL, other EINVAL, other EINVAL, flush EINVAL',
  situation_no_domain: 'alloc EFAULT, free EFAULT, bind EINVAL, unbind EINVAL, flush 0',
  situation_ordinary: { none: 'alloc 0, free 0, bind ENODEV, unbind ENODEV, flush ENODEV' },
  situation_later_version: 'bind ENOMEM, unbind ENOMEM, flush ENOMEM',
};

/** The first flaw of two decides. */
const first: Record<string, string> = {
  header_unreadable: 'EFAULT',
  argsz_too_small: 'EINVAL',
  version_unreadable: 'EFAULT',
  version_unknown: 'ENOMEM',
  data_unreadable: 'EFAULT',
  flags_missing: 'EINVAL',
  container_empty: 'EINVAL',
};
const programs = new Map(nestingScenarios('version_first').map((one) => [toProgram(one).id, one]));
const precedence = [...programs.keys()].flatMap((id) => {
  const [, flaw] = /precedence_(.*)_before_/.exec(id) ?? [];
  return flaw === undefined ? [] : [[id, first[flaw]!] as const];
});

const words: Record<number, (flags: number) => string> = {
  [uapi.ioctls.VFIO_IOMMU_PASID_REQUEST!.number]: (flags) => ['other', 'alloc', 'free', 'other'][flags & 3]!,
  [uapi.ioctls.VFIO_IOMMU_BIND!.number]: (flags) => ['other', 'bind', 'unbind', 'other'][flags & 3]!,
  [uapi.ioctls.VFIO_IOMMU_CACHE_INVALIDATE!.number]: () => 'flush',
  [uapi.ioctls.VFIO_IOMMU_GET_INFO!.number]: () => 'info',
  [uapi.ioctls.VFIO_CHECK_EXTENSION!.number]: () => 'check',
};

/** The flags of a request, as far as they are there; an argument that was stored before is one of ALLOC. */
function flagsOf({ argument }: IoctlOp): number {
  if (!('memory' in argument)) return 0;
  if (argument.bytes === undefined) return 1;
  return Buffer.from(argument.bytes.padEnd(16, '0'), 'hex').readUInt32LE(4);
}

/** What an op answered, in the words of the tables; undefined for ops that they leave out. */
function answer(op: Op, { errno, value, changed = [] }: Outcome): string | undefined {
  if (op.op === 'dma' && op.pasid !== undefined && op.direction === 'to-memory')
    return `${op.device}${changed.some(({ memory }) => memory === 'ram') ? '+' : '-'}`;
  const word = op.op === 'ioctl' ? words[Number(op.number)] : undefined;
  return word && `${word(flagsOf(op as IoctlOp))} ${errno ?? value}`;
}

const data = loadContract();

/** Runs a program on a simulator of the series as posted, with a driver. */
async function resultOf(id: string, driver: string): Promise<{ ops: Op[]; outcomes: Outcome[] }> {
  const program = toProgram(programs.get(id)!);
  const adapter = simulatorAdapter(parameterSetting(data, 'v1', { driver }));
  const { machine = {}, slots } = program.topology;
  const session = await adapter.start({ machine, slots: Object.values(slots) });
  const { outcomes, end, detail } = await session.run(program, assignSlots(slots, session.description.environment)!);
  await session.stop();
  expect({ end, detail }).toEqual({ end: 'completed', detail: undefined });
  return { ops: program.ops, outcomes };
}

async function answersOf(id: string, driver: string): Promise<string[]> {
  const { ops, outcomes } = await resultOf(id, driver);
  const all = ops.flatMap((op, i) => answer(op, outcomes[i]!) ?? []);
  return all[0] === 'alloc 0' ? all.slice(1) : all;
}

const rows = [loop, rollback, arguments_, unbinding, pasids, information, invalidation, situations]
  .flatMap((table) => Object.entries(table))
  .flatMap(([id, answers]) =>
    Object.entries(typeof answers === 'string' ? { [every]: answers } : answers).flatMap(([drivers, expected]) =>
      drivers.split(' ').map((driver) => [id, driver, expected] as const),
    ),
  );

describe('the series as posted', () => {
  test.each(rows)('%s on %s: %s', async (id, driver, expected) => {
    const got = await answersOf(`scenarios/findings/${id}`, driver);
    const words = expected.split(', ');
    const asked = words.at(-1) === '...' ? got.slice(0, words.length - 1) : got;
    expect(asked.map((one, i) => (words[i] === '*' ? '*' : one))).toEqual(words.filter((word) => word !== '...'));
  });

  test.each(precedence)('%s: %s', async (id, errno) => {
    const got = await answersOf(id, 'v10');
    expect(got.at(-1)).toBe(`${got.at(-1)!.split(' ')[0]} ${errno}`);
  });

  // The id is 2 and the version 1; then what can be asked for, and the format of the tables, 1 for VT-d.
  test.each([
    ['g2_container_of_the_nesting_type', '02000100', '0100000001000000'],
    ['g2_container_of_another_type', '02000100', '0000000001000000'],
  ])('the capability of %s', async (id, header, body) => {
    const { outcomes } = await resultOf(`scenarios/findings/${id}`, 'v10');
    const told = outcomes.flatMap(({ changed = [] }) => changed.filter(({ memory }) => memory === 'info'));
    const info = Buffer.alloc(256, 0xff);
    for (const { at, bytes } of told) info.write(bytes, at, 'hex');
    let at = info.readUInt32LE(16);
    while (at !== 0 && info.toString('hex', at, at + 4) !== header) at = info.readUInt32LE(at + 4);
    expect(info.toString('hex', at + 8, at + 16)).toBe(body);
  });
});
