import { describe, expect, test } from 'vitest';
import { compileContract } from '../reference/interpreter/contract.ts';
import type { Defect } from '../reference/interpreter/defect.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import type { ContractData, Rule } from '../spec/contract/types.ts';
import type { CheckResult } from '../spec/uapi/vocabulary.ts';
import { type CheckRequest, check } from './check.ts';

const data = loadContract();

/** A contract that is wrong in one place, and the small part of the check that must notice. */
interface Mutant {
  invariant: string;
  what: string;
  request: CheckRequest;
  defect?: Defect;
  /** A rule that says something else. */
  rule?: [id: string, outcome: Rule['outcome']];
}

const singleton = (only: string, depth = 4, set: Record<string, string> = {}): CheckRequest => ({
  profile: 'v1-singleton',
  set,
  depth,
  only: [only],
});
const fixed = (only: string, depth = 4): CheckRequest => ({ profile: 'v1-fixed', set: {}, depth, only: [only] });
const removed = (rule: string): Defect => ({ rule, kind: 'removed' });

const mutants: Mutant[] = [
  {
    invariant: 'I1',
    what: 'a failing BIND leaves what it had done',
    request: fixed('two_groups', 3),
    defect: removed('bind_is_all_or_nothing'),
  },
  {
    invariant: 'I1',
    what: 'a PASID whose number could not be told stays taken',
    request: singleton('one_device', 1),
    defect: removed('pasid_alloc_frees_unreported_pasid'),
  },
  {
    invariant: 'I2',
    what: 'a group joins a container in which something is bound',
    request: fixed('later_group', 2),
    defect: removed('set_container_while_bound'),
  },
  {
    invariant: 'I3',
    what: 'FREE leaves what was bound',
    request: singleton('one_device', 2),
    defect: removed('pasid_free_unbinds'),
  },
  {
    invariant: 'I4',
    what: 'a container of two devices can be bound',
    request: singleton('group_of_two', 2),
    defect: removed('nesting_ioctl_with_second_device'),
  },
  {
    invariant: 'I5',
    what: 'who leaves takes its bindings along',
    request: singleton('two_containers', 4),
    defect: removed('device_detach_unbinds'),
  },
  {
    invariant: 'I5',
    what: 'PASIDs outlive their owner',
    request: singleton('one_device', 3),
    defect: removed('last_backend_unbinds_pasids'),
  },
  {
    invariant: 'I6',
    what: 'anybody can bind anybody’s PASID',
    request: singleton('two_processes', 1),
    defect: removed('bind_of_another_owner'),
  },
  {
    invariant: 'I7',
    what: 'UNMAP_DMA flushes nothing of a guest table',
    request: singleton('one_device', 3),
    defect: removed('unmap_dma_flushes_nested'),
  },
  {
    invariant: 'I7',
    what: 'CACHE_INVALIDATE flushes nothing',
    request: singleton('one_device', 4),
    defect: removed('driver_invalidate_flushes_iotlb_of_each_granularity'),
  },
  {
    invariant: 'I8',
    what: 'a number that user space has no name for',
    request: singleton('one_device', 1),
    rule: ['bind_of_unallocated', { kind: 'errno', errno: '524' }],
  },
  {
    invariant: 'I8',
    what: 'a positive result',
    request: singleton('one_device', 1),
    rule: ['pasid_free_returns_zero', { kind: 'value', value: 1 }],
  },
  {
    invariant: 'I9',
    what: 'a container of two devices announces what it refuses',
    request: singleton('group_of_two', 2),
    defect: removed('get_info_hides_nesting_from_second_device'),
  },
  {
    invariant: 'I9',
    what: 'a container that is not of the nesting type can be bound',
    request: singleton('plain', 3),
    defect: removed('nesting_ioctl_needs_nesting_type'),
  },
  {
    invariant: 'I10',
    what: 'a PASID is cut to 32 bits',
    request: singleton('one_device', 2, { nesting_series: 'as_posted', driver: 'v5.9' }),
  },
  {
    invariant: 'I11',
    what: 'UNBIND of what is not bound fails',
    request: singleton('one_device', 1),
    rule: ['unbind_returns_zero', { kind: 'errno', errno: 'EINVAL' }],
  },
  {
    invariant: 'I11',
    what: 'UNBIND leaves what is bound',
    request: singleton('one_device', 2),
    defect: removed('unbind_visits_every_device'),
  },
];

/** The data with another outcome for one rule. */
function withRule([id, outcome]: NonNullable<Mutant['rule']>): ContractData {
  const rules = new Map(data.rules);
  rules.set(id, { ...rules.get(id)!, outcome: outcome! });
  return { ...data, rules };
}

/** What check finds without a defect, by request: several mutants differ from the same. */
const right = new Map<string, CheckResult>();
function withoutDefect(request: CheckRequest): CheckResult {
  const key = JSON.stringify(request);
  const result = right.get(key) ?? check(data, request);
  right.set(key, result);
  return result;
}

describe('a contract in which', () => {
  test.each(mutants)('$what breaks $invariant', ({ invariant, request, defect, rule }) => {
    const kept = withoutDefect(request).invariants.find(({ id }) => id === invariant)!;
    const wrong = check(rule ? withRule(rule) : data, { ...request, ...(defect && { defect }) });
    const broken = wrong.invariants.find(({ id }) => id === invariant)!;
    if (request.set.nesting_series === undefined) expect(kept.counterexamples).toEqual([]);
    expect(broken.counterexamples.length).toBeGreaterThan(0);
    expect(broken.holds).toBe(false);
    expect(broken.steps).toBe(Math.min(...broken.counterexamples.map(({ steps }) => steps)));
  });

  test('there is one for each invariant', () => {
    expect([...new Set(mutants.map(({ invariant }) => invariant))].sort()).toEqual([...data.invariants.keys()].sort());
    const rules = compileContract(data, parameterSetting(data, 'v1-singleton')).rules;
    for (const { defect, request } of mutants)
      if (defect && request.profile === 'v1-singleton') expect(rules).toContain(defect.rule);
  });
});
