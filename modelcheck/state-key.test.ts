import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { close, ioctlNone, setContainer, setIommu } from '../conformance/programs/build.ts';
import {
  bindTable,
  cache,
  freePasid,
  granularity,
  invalidate,
  layoutOf,
  taggedIn,
  unbindTable,
} from '../conformance/programs/nesting-ops.ts';
import { NESTING } from '../conformance/programs/nesting-setup.ts';
import { firstChoice } from '../reference/call/chooser.ts';
import { compileContract } from '../reference/interpreter/contract.ts';
import { execute } from '../reference/interpreter/execute.ts';
import { modelEnvironment } from '../reference/model-target.ts';
import { copyWorld } from '../reference/state/copy-world.ts';
import type { World } from '../reference/state/state.ts';
import type { Bindings } from '../reference/state/state-key.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import type { Op } from '../spec/uapi/vocabulary.ts';
import { setUp } from './explore.ts';
import { ACROSS, ADDRESSES, ROOTS } from './guest.ts';
import { allocatesReadOnly } from './read-only-result.ts';
import { type StateDescription, stateDescription } from './state-key.ts';
import { allocates, type CheckWorld, PASIDS, worlds } from './worlds.ts';

const data = loadContract();
const contracts = new Map<string, ReturnType<typeof compileContract>>();

/** The contract of a profile, perhaps with another driver: `v1 on complete`. */
function contractOf(setting: string) {
  let contract = contracts.get(setting);
  if (!contract) {
    const [profile, driver] = setting.split(' on ');
    contract = compileContract(data, parameterSetting(data, profile!, driver === undefined ? {} : { driver }));
    contracts.set(setting, contract);
  }
  return contract;
}

const nobodyPromised: Bindings = new Map();

/** Worlds after their set-up. */
const starts = new Map<string, World>();

/** A world after its set-up, in which ops can be done and which can be described. */
class Scene {
  readonly checked: CheckWorld;
  readonly world: World;
  private readonly contract: ReturnType<typeof compileContract>;

  constructor(profile: string, id: string) {
    this.checked = worlds.find((one) => one.id === id)!;
    this.contract = contractOf(profile);
    let start = starts.get(`${profile} ${id}`);
    if (!start) {
      const environment = modelEnvironment({ machine: this.checked.machine, slots: [] });
      start = setUp(this.contract, environment, this.checked).world;
      starts.set(`${profile} ${id}`, start);
    }
    this.world = copyWorld(start);
  }

  /** Does ops; what came of them. */
  do(ops: readonly Op[]): string[] {
    return ops.map((op) => {
      const { rule, outcome, effects, changed } = execute(this.contract, this.world, op, 0, firstChoice);
      return JSON.stringify({ rule: rule.id, outcome, effects, changed });
    });
  }

  describe(promised = nobodyPromised): StateDescription {
    return stateDescription(this.checked, this.world, promised);
  }
}

/** The state after ops in a world. */
function stateAfter(profile: string, id: string, ops: readonly Op[], promised = nobodyPromised): StateDescription {
  const scene = new Scene(profile, id);
  scene.do(ops);
  return scene.describe(promised);
}

const [p, q] = PASIDS;
const bind = (pasid: number, root: number = ROOTS.first, container = 'c') => bindTable(container, { pasid, root });
const unbind = (pasid: number, container = 'c') => unbindTable(container, pasid);
const reads = (pasid: number, device = 'd') => taggedIn(device, pasid, ACROSS.iova, ACROSS.length);
const guest = worlds[0]!.parties[0]!.guest;
const leaves = (group: string) => ioctlNone(group, 'VFIO_GROUP_UNSET_CONTAINER');
const joins = (group: string, container = 'c') => setContainer(group, container);
const moves = (group: string): Op[] => [leaves(group), joins(group)];
const failing = (nth: number): Op => ({ op: 'inject', fault: 'driver', nth });
const ofPage = { addr: ADDRESSES[0] };

/** What can be done with either of two PASIDs, or with none. */
const actions: ((pasid: number) => Op[])[] = [
  (pasid) => [allocates('c', pasid)],
  (pasid) => [freePasid('c', pasid)],
  (pasid) => [bind(pasid)],
  (pasid) => [bind(pasid)],
  (pasid) => [bind(pasid, ROOTS.second)],
  (pasid) => [unbind(pasid)],
  (pasid) => [failing(1), unbind(pasid)],
  (pasid) => [reads(pasid)],
  (pasid) => [reads(pasid)],
  (pasid) => [invalidate('c', { pasid, ...ofPage })],
  (pasid) => [invalidate('c', { pasid, cache: cache.device })],
  () => [guest.lead.a],
  () => [guest.lead.b],
  () => [guest.unmapPage],
  () => [guest.mapPage],
];

describe('two states that differ in which PASID is which', () => {
  const twins: Record<string, (one: number, other: number) => Op[]> = {
    'in which one is bound': (one) => [bind(one)],
    'in which one is allocated': (one) => [freePasid('c', one)],
    'in which one has which table': (one, other) => [bind(one), bind(other, ROOTS.second)],
    'in which one is remembered': (one, other) => [bind(one), bind(other), reads(one)],
    'in which one a page is remembered': (one, other) => [
      bind(one),
      bind(other),
      reads(one),
      reads(other),
      invalidate('c', { pasid: one, ...ofPage }),
    ],
  };

  test.each(Object.entries(twins))('%s, are alike and not the same', (_, ops) => {
    const first = stateAfter('v1-singleton', 'one_device', ops(p, q));
    const second = stateAfter('v1-singleton', 'one_device', ops(q, p));
    expect(second.key).toBe(first.key);
    expect(second.exact).not.toBe(first.exact);
  });

  test('as far as promises go, are alike and not the same', () => {
    const ops = [bind(p), bind(q)];
    const [first, second] = [p, q].map((pasid) =>
      stateAfter('v1-singleton', 'one_device', ops, new Map([[`g.0 ${pasid}`, 'first']])),
    );
    expect(second!.key).toBe(first!.key);
    expect(second!.exact).not.toBe(first!.exact);
  });

  test.each([
    ['v1-singleton', 'one_device'],
    ['v1', 'two_groups'],
    ['v1-fixed', 'two_domains'],
    ['v1', 'two_containers'],
  ])('are alike after whatever was done with the one and the other: %s, %s', (profile, id) => {
    const which = fc.tuple(fc.constantFrom(...actions), fc.boolean());
    fc.assert(
      fc.property(fc.array(which, { maxLength: 12 }), (done) => {
        const [first, second] = [PASIDS, [q, p]].map(([one, other]) =>
          stateAfter(
            profile,
            id,
            done.flatMap(([action, isOther]) => action(isOther ? other! : one!)),
          ),
        );
        expect(second!.key).toBe(first!.key);
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  test('are different states where the PASIDs are not alike', () => {
    const [first, second] = [p, q].map((pasid) => stateAfter('v1', 'two_processes', [bind(pasid)]));
    expect(second!.key).not.toBe(first!.key);
  });

  test('are different states if the PASIDs are none of the two', () => {
    const [first, second] = [3, 4].map((pasid) => stateAfter('v1-singleton', 'one_device', [allocates('c', pasid)]));
    expect(second!.key).not.toBe(first!.key);
  });
});

describe('states are told apart by', () => {
  const bound = [bind(p)];
  const remembered = [bind(p), reads(p)];
  const out = (...ops: Op[]): Op[] => [close('d'), close('e'), ...ops];
  const differences: [what: string, profile: string, id: string, first: Op[], second: Op[]][] = [
    ['a binding', 'v1-singleton', 'one_device', [], bound],
    ['which table is bound', 'v1-singleton', 'one_device', bound, [bind(p, ROOTS.second)]],
    [
      'the levels of a table',
      'v1-singleton',
      'one_device',
      bound,
      [bindTable('c', { pasid: p, root: ROOTS.first, levels: 5 })],
    ],
    [
      'which device has it',
      'v1 on v11',
      'two_domains',
      [bind(p), failing(1), unbind(p)],
      [bind(p), failing(2), unbind(p)],
    ],
    [
      'how many devices of a group have it',
      'v1 on v11',
      'group_of_two',
      [bind(p), failing(1), unbind(p)],
      [bind(p), failing(2), unbind(p)],
    ],
    ['a PASID that is allocated', 'v1-singleton', 'one_device', [], [freePasid('c', p)]],
    [
      'the owner of a PASID',
      'v1-singleton',
      'two_processes',
      [freePasid('c', p), allocates('c', p)],
      [freePasid('c', p), { ...allocates('k', p), actor: 'child' }],
    ],
    ['a page that is mapped', 'v1-singleton', 'one_device', [], [guest.unmapPage]],
    ['an entry of a table', 'v1-singleton', 'one_device', [guest.lead.a], [guest.lead.b]],
    [
      'an entry of the other guest',
      'v1',
      'two_containers',
      [],
      [worlds.find(({ id }) => id === 'two_containers')!.parties[1]!.guest.lead.b],
    ],
    ['what may be remembered', 'v1-singleton', 'one_device', bound, remembered],
    [
      'which page is remembered',
      'v1-singleton',
      'one_device',
      [...remembered, guest.lead.b],
      [...bound, guest.lead.b, reads(p)],
    ],
    [
      'what a device remembers',
      'v1-fixed',
      'two_groups',
      remembered,
      [...remembered, invalidate('c', { pasid: p, cache: cache.device })],
    ],
    [
      'of which page a device remembers something',
      'v1-fixed',
      'two_groups',
      [...remembered, invalidate('c', { pasid: p, cache: cache.device, addr: ADDRESSES[0] })],
      [...remembered, invalidate('c', { pasid: p, cache: cache.device, addr: ADDRESSES[1] })],
    ],
    [
      'the entries on the way that an IOMMU remembers',
      'v1-singleton',
      'one_device',
      [...remembered, invalidate('c', { pasid: p, ...ofPage, leaf: true })],
      [...remembered, invalidate('c', { pasid: p, ...ofPage })],
    ],
    [
      'the pages that an IOMMU remembers',
      'v1-singleton',
      'one_device',
      remembered,
      [...remembered, invalidate('c', { granularity: granularity.domain })],
    ],
    ['which device remembers', 'v1-fixed', 'two_groups', [bind(p), reads(p, 'd')], [bind(p), reads(p, 'e')]],
    [
      'the order of the groups in a domain',
      'v1-fixed',
      'two_groups',
      out(leaves('g'), joins('g'), leaves('h'), joins('h')),
      out(leaves('h'), joins('h'), leaves('g'), joins('g')),
    ],
    [
      'the order of the domains',
      'v1-fixed',
      'two_domains',
      out(leaves('g'), joins('g'), leaves('h'), joins('h')),
      out(leaves('h'), joins('h'), leaves('g'), joins('g')),
    ],
    ['the groups of a container', 'v1-fixed', 'two_groups', out(), out(leaves('h'))],
    [
      'which container a group is in',
      'v1',
      'two_containers',
      [close('e'), leaves('h'), joins('h', 'k')],
      [close('e'), leaves('h'), joins('h', 'c')],
    ],
    ['an open device', 'v1-fixed', 'two_groups', [], [close('d')]],
    ['which device is open', 'v1-fixed', 'two_groups', [close('d')], [close('e')]],
    [
      'a backend',
      'v1-singleton',
      'one_device',
      [close('d'), leaves('g'), joins('g')],
      [close('d'), leaves('g'), joins('g'), setIommu('c', NESTING)],
    ],
    [
      'an open container',
      'v1-singleton',
      'one_device',
      [close('d'), leaves('g')],
      [close('d'), leaves('g'), close('c')],
    ],
    ['an open node', 'v1-singleton', 'one_device', [close('d'), leaves('g')], [close('d'), leaves('g'), close('g')]],
    [
      'a PASID that nobody was told',
      'v1',
      'one_device',
      [],
      allocatesReadOnly('c', layoutOf(contractOf('v1').parameters)).ops,
    ],
    ['how often a device was bound', 'v1 on v11', 'one_device', [bind(p)], [bind(p), bind(p, ROOTS.second)]],
    [
      'what the driver keeps of a device that was out',
      'v1 on v11',
      'two_domains',
      out(leaves('g'), joins('g')),
      out(bind(p), leaves('g'), joins('g'), leaves('h'), joins('h'), leaves('g'), joins('g')),
    ],
    [
      'of which device the driver keeps a domain that is gone',
      'v1 on v11',
      'two_containers',
      out(bind(p), bind(p, ROOTS.first, 'k'), ...moves('h'), ...moves('g'), ...moves('h')),
      out(
        ...moves('h'),
        leaves('g'),
        bind(p),
        joins('g', 'k'),
        setIommu('k', NESTING),
        bind(p, ROOTS.first, 'k'),
        ...moves('g'),
        ...moves('h'),
      ),
    ],
  ];

  test.each(differences)('%s (%s, %s)', (_, profile, id, first, second) => {
    const [one, other] = [stateAfter(profile, id, first), stateAfter(profile, id, second)];
    expect(other.key).not.toBe(one.key);
    expect(other.exact).not.toBe(one.exact);
  });

  test('what is promised', () => {
    const [none, first, second] = [[], [['g.0 1', 'first']], [['g.0 1', 'second']]].map((promised) =>
      stateAfter('v1-singleton', 'one_device', bound, new Map(promised as [string, string][])),
    );
    expect(new Set([none!.key, first!.key, second!.key]).size).toBe(3);
    expect(new Set([none!.exact, first!.exact, second!.exact]).size).toBe(3);
  });
});

test('a description names the tables that devices translate by', () => {
  const { bindings } = stateAfter('v1-fixed', 'two_groups', [bind(p), bind(q, ROOTS.second)]);
  expect(Object.fromEntries(bindings)).toEqual({
    'g.0 1': 'first',
    'h.0 1': 'first',
    'g.0 2': 'second',
    'h.0 2': 'second',
  });
});

test('what is known of PASIDs in one line does not tell what is remembered, mapped or open', () => {
  const { pasids } = stateAfter('v1-singleton', 'one_device', [bind(p)]);
  const others = [[reads(p)], [guest.unmapPage], [guest.lead.b], [close('d')]];
  for (const ops of others) expect(stateAfter('v1-singleton', 'one_device', [bind(p), ...ops]).pasids).toBe(pasids);
  expect(stateAfter('v1-singleton', 'one_device', [bind(q)]).pasids).not.toBe(pasids);
  expect(stateAfter('v1-singleton', 'one_device', [bind(p, ROOTS.second)]).pasids).not.toBe(pasids);
});

test.each([
  ['v1-singleton', 'one_device'],
  ['v1', 'two_groups'],
  ['v1', 'two_containers'],
])('describing changes nothing: %s, %s', (profile, id) => {
  const any = fc.tuple(fc.constantFrom(...actions), fc.constantFrom(...PASIDS));
  fc.assert(
    fc.property(fc.array(any, { maxLength: 12 }), (done) => {
      const ops = done.flatMap(([action, pasid]) => action(pasid));
      const plain = new Scene(profile, id);
      const described = new Scene(profile, id);
      const expected = plain.do(ops);
      const seen = ops.flatMap((op) => {
        expect(described.describe()).toEqual(described.describe());
        return described.do([op]);
      });
      expect(seen).toEqual(expected);
      expect(described.describe()).toEqual(plain.describe());
    }),
    { seed: 1, numRuns: 100 },
  );
});
