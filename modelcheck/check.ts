import { layoutOf } from '../conformance/programs/nesting-ops.ts';
import { type Contract, compileContract } from '../reference/interpreter/contract.ts';
import type { Defect } from '../reference/interpreter/defect.ts';
import { modelEnvironment } from '../reference/model-target.ts';
import { selected } from '../spec/contract/selected.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import type { ContractData, Invariant } from '../spec/contract/types.ts';
import { Problem } from '../spec/uapi/problem.ts';
import type { CheckBase, CheckedInvariant, CheckedWorld, CheckResult } from '../spec/uapi/vocabulary.ts';
import { derivedSteps } from './derived-steps.ts';
import { differences } from './differences.ts';
import { type Bounds, explore, setUp } from './explore.ts';
import { Inspector } from './inspector.ts';
import { ordinarySteps } from './steps.ts';
import { type Base, CheckTally, nameOfBase } from './tally.ts';
import { whyUntaken } from './unexplored.ts';
import { type CheckWorld, worlds } from './worlds.ts';

/** What to check. */
export interface CheckRequest {
  profile: string;
  /** Parameters in place of the profile's. */
  set: Record<string, string>;
  /** Ops after the set-up, unless given 8. */
  depth?: number;
  /** Worlds by id; all unless given. */
  only?: readonly string[];
  /** One rule is wrong: to see whether anything notices. */
  defect?: Defect;
  /** Called before each world. */
  progress?: (base: string, world: string) => void;
}

/** Ops after the set-up. */
const DEPTH = 8;
/** Of a world; more would not end within reason. */
const MOST_STATES = 200_000;
/** A world that has no more is explored beyond the depth. */
const FEW_STATES = 1_000;
/** Where a profile is put on several bases, less is looked at of each; it breaks early or not at all. */
const MOST_STATES_OF_BASE = 400;
const DEPTH_OF_KIND = 2;

/**
 * Explores what a contract allows and looks for broken invariants. Without any request of the 2020 nesting series in the profile a Problem is
 * thrown.
 */
export function check(data: ContractData, request: CheckRequest): CheckResult {
  const began = performance.now();
  const { profile, set, progress } = request;
  const parameters = parameterSetting(data, profile, set);
  for (const feature of ['bind', 'pasid_request', 'cache_invalidate'])
    if (parameters[feature] === 'absent')
      throw new Problem(
        `check: profile ${profile} has ${feature}=absent, and a contract for guest page tables needs it; choose another with --profile, such as v1-singleton.`,
      );
  const bases = basesOf(data, profile, set);
  const boundsOf = ({ kind }: CheckWorld): Bounds => ({
    depth: request.depth ?? (bases.length > 1 && kind ? DEPTH_OF_KIND : DEPTH),
    states: bases.length > 1 && request.depth === undefined ? MOST_STATES_OF_BASE : MOST_STATES,
    few: bases.length > 1 || request.depth !== undefined ? 0 : FEW_STATES,
  });
  const asked = new Set(
    [...data.invariants.values()].filter(({ when }) => selected(when, parameters)).map(({ id }) => id),
  );
  const tally = new CheckTally();
  const rules = new Set<string>();
  const taken = new Set<string>();
  const checkedBases = bases.map((base): CheckBase => {
    const contract = compileContract(data, parameterSetting(data, profile, { ...set, ...base }), request.defect);
    for (const rule of broughtBy(contract)) rules.add(rule);
    const chosen = worlds.filter(({ id }) => request.only?.includes(id) ?? true);
    return {
      parameters: base,
      worlds: chosen.map((checked) => {
        progress?.(nameOfBase(base), checked.id);
        const { inspector, origin, explored, steps } = inspect(contract, checked, boundsOf(checked), asked);
        for (const rule of explored.taken) taken.add(rule);
        tally.add(inspector, origin, base);
        const { states, transitions, depth, exhausted } = explored;
        return { id: checked.id, about: checked.about, steps, states, transitions, depth, exhausted };
      }),
    };
  });
  const invariants = [...asked].map((id) => judged(data.invariants.get(id)!, tally, checkedBases));
  const untaken = [...rules]
    .filter((rule) => !taken.has(rule))
    .map((id) => {
      const why = whyUntaken(id);
      return why === undefined ? { id } : { id, why };
    });
  return {
    profile,
    parameters,
    holds: invariants.every(({ holds }) => holds) && untaken.every(({ why }) => why !== undefined),
    seconds: Math.round(performance.now() - began) / 1000,
    bases: checkedBases,
    invariants,
    notAsked: [...data.invariants.keys()].filter((id) => !asked.has(id)),
    rules: { total: rules.size, taken: rules.size - untaken.length, untaken },
    differences: differences(data, parameters, [...rules], new Set(invariants.flatMap(({ defects }) => defects))),
  };
}

/** Explores one world, and looks at what is found there. */
function inspect(contract: Contract, checked: CheckWorld, bounds: Bounds, asked: ReadonlySet<string>) {
  const environment = modelEnvironment({ machine: checked.machine, slots: [] });
  const layout = layoutOf(contract.parameters);
  const { world: start, ops } = setUp(contract, environment, checked);
  const ordinary = ordinarySteps(checked, layout);
  const steps = [...ordinary, ...derivedSteps(contract, environment, checked, start, ordinary, layout)];
  const inspector = new Inspector(asked, contract.parameters.nesting_series === 'as_posted');
  const explored = explore(contract, start, checked, steps, bounds, inspector);
  return { inspector, explored, steps: steps.length, origin: { contract, environment, checked, setUp: ops, start } };
}

/** What comes of an invariant. */
function judged({ id, sentence }: Invariant, tally: CheckTally, bases: readonly CheckBase[]): CheckedInvariant {
  const explorations = bases.flatMap((one) => one.worlds);
  const counterexamples = tally.counterexamples(id);
  const premise = tally.premises.get(id) ?? 0;
  return {
    id,
    sentence,
    holds: counterexamples.length === 0 && premise > 0,
    premise,
    states: explorations.reduce((sum, { states }) => sum + states, 0),
    depth: depthOf(explorations),
    exhausted: explorations.every(({ exhausted }) => exhausted),
    steps: counterexamples.length > 0 ? Math.min(...counterexamples.map(({ steps }) => steps)) : null,
    defects: [...new Set(counterexamples.flatMap(({ defects }) => defects))],
    counterexamples,
  };
}

/** Ops within which every state of every world was visited. A world without further states has all of any depth. */
function depthOf(explorations: readonly CheckedWorld[]): number {
  const open = explorations.filter(({ exhausted }) => !exhausted).map(({ depth }) => depth);
  return open.length > 0 ? Math.min(...open) : Math.max(...explorations.map(({ depth }) => depth));
}

/** What a profile is put on: every possible value of the parameters that it leaves open and that nobody has set. */
function basesOf(data: ContractData, profile: string, set: Record<string, string>): Base[] {
  const open = (data.profiles.get(profile)?.bases ?? []).filter((name) => set[name] === undefined);
  return open.reduce<Base[]>(
    (bases, name) =>
      bases.flatMap((base) => valuesOf(data, profile, name).map((value) => ({ ...base, [name]: value }))),
    [{}],
  );
}

/** Values of a parameter, that of the profile first. */
function valuesOf({ parameters, profiles }: ContractData, profile: string, name: string): string[] {
  const own = profiles.get(profile)!.parameters[name]!;
  return [own, ...Object.keys(parameters.get(name)!.values).filter((value) => value !== own)];
}

/** The rules that the ioctls of the 2020 nesting series bring. */
function broughtBy({ data, parameters, rules }: Contract): string[] {
  const features = { bind: 'absent', pasid_request: 'absent', cache_invalidate: 'absent' };
  const without = compileContract(data, { ...parameters, ...features, driver: 'none' }).rules;
  return [...rules].filter((rule) => !without.has(rule));
}
