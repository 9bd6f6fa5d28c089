import { type Contract, compileContract } from '../../reference/contract.ts';
import { modelEnvironment } from '../../reference/model-target.ts';
import { parameterSetting } from '../../spec/contract/load.ts';
import { selected } from '../../spec/contract/selected.ts';
import type { ContractData } from '../../spec/contract/types.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import type { CheckBase, CheckedInvariant, CheckResult, Counterexample } from '../../spec/uapi/vocabulary.ts';
import { layoutOf } from '../nesting-ops.ts';
import { counterexample, type Origin } from './counterexample.ts';
import { derivedSteps } from './derived-steps.ts';
import { differences } from './differences.ts';
import { type Bounds, explore, setUp } from './explore.ts';
import { type Breach, Inspector } from './inspector.ts';
import { ordinarySteps } from './steps.ts';
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
  /** Told before each world. */
  progress?: (base: string, world: string) => void;
}

/** Ops after the set-up. */
const DEPTH = 8;
/** Of a world; more would not end within reason. */
const MOST_STATES = 200_000;
const FEW_STATES = 1_000;
/** Where a profile is put on several bases, less is looked at of each; it breaks early or not at all. */
const MOST_STATES_OF_BASE = 400;
const DEPTH_OF_KIND = 2;

/**
 * Explores what a contract allows and looks for broken invariants. Without any request of 2020 in the profile a Problem is
 * thrown.
 */
export function check(data: ContractData, request: CheckRequest): CheckResult {
  const began = performance.now();
  const { profile, set, progress } = request;
  const parameters = parameterSetting(data, profile, set);
  if (parameters.bind === 'absent')
    throw new Problem(
      `check: profile ${profile} has none of the requests of 2020; choose another with --profile, such as v1-singleton.`,
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
  const tally = new Tally();
  const rules = new Set<string>();
  const taken = new Set<string>();
  const checkedBases: CheckBase[] = [];
  for (const base of bases) {
    const contract = compileContract(data, parameterSetting(data, profile, { ...set, ...base }));
    for (const rule of broughtBy(contract)) rules.add(rule);
    const checkedBase: CheckBase = { parameters: base, worlds: [] };
    checkedBases.push(checkedBase);
    for (const checked of worlds) {
      if (request.only && !request.only.includes(checked.id)) continue;
      progress?.(nameOf(base), checked.id);
      const environment = modelEnvironment({ machine: checked.machine, slots: [] });
      const layout = layoutOf(contract.parameters);
      const { world: start, ops } = setUp(contract, environment, checked);
      const ordinary = ordinarySteps(checked, layout);
      const steps = [...ordinary, ...derivedSteps(contract, environment, checked, start, ordinary, layout)];
      const inspector = new Inspector(asked);
      const explored = explore(contract, start, checked, steps, boundsOf(checked), inspector);
      for (const rule of explored.taken) taken.add(rule);
      tally.add(inspector, { contract, environment, checked, setUp: ops, start }, base);
      const { states, transitions, exhausted } = explored;
      const { id, about } = checked;
      checkedBase.worlds.push({
        id,
        about,
        steps: steps.length,
        states,
        transitions,
        depth: explored.depth,
        exhausted,
      });
    }
  }
  const explorations = checkedBases.flatMap((one) => one.worlds);
  const invariants = [...asked].map((id): CheckedInvariant => {
    const counterexamples = tally.counterexamples(id);
    const premise = tally.premises.get(id) ?? 0;
    return {
      id,
      sentence: data.invariants.get(id)!.sentence,
      holds: counterexamples.length === 0 && premise > 0,
      premise,
      states: explorations.reduce((sum, { states }) => sum + states, 0),
      depth: Math.min(...explorations.map((one) => one.depth)),
      exhausted: explorations.every(({ exhausted }) => exhausted),
      steps: counterexamples.length > 0 ? Math.min(...counterexamples.map(({ steps }) => steps)) : null,
      defects: [...new Set(counterexamples.flatMap(({ defects }) => defects))],
      counterexamples,
    };
  });
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

/** What a profile is put on: every possible value of the parameters that it leaves open and that nobody has set. */
function basesOf(data: ContractData, profile: string, set: Record<string, string>): Record<string, string>[] {
  const open = (data.profiles.get(profile)?.bases ?? []).filter((name) => set[name] === undefined);
  return open.reduce<Record<string, string>[]>(
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

const nameOf = (base: Record<string, string>): string =>
  Object.entries(base)
    .map((pair) => pair.join('='))
    .join(',');

/** The rules that the requests of 2020 bring. */
function broughtBy({ data, parameters, rules }: Contract): string[] {
  const features = { bind: 'absent', pasid_request: 'absent', cache_invalidate: 'absent' };
  const without = compileContract(data, { ...parameters, ...features, driver: 'none' }).rules;
  return [...rules].filter((rule) => !without.has(rule));
}

/** What was found in all worlds and on all bases. */
class Tally {
  readonly premises = new Map<string, number>();
  /** Invariant, finding -> the shortest breach, and all bases that show it. */
  readonly #shortest = new Map<
    string,
    Map<string, { breach: Breach; origin: Origin; base: Record<string, string>; bases: Set<string> }>
  >();

  add({ premises, breaches }: Inspector, origin: Origin, base: Record<string, string>): void {
    for (const [id, count] of premises) this.premises.set(id, (this.premises.get(id) ?? 0) + count);
    for (const [invariant, byFinding] of breaches) {
      const shortest = this.#shortest.get(invariant) ?? new Map();
      this.#shortest.set(invariant, shortest);
      for (const [finding, breach] of byFinding) {
        const known = shortest.get(finding);
        const bases: Set<string> = known?.bases ?? new Set();
        bases.add(nameOf(base));
        if (!known || breach.depth < known.breach.depth) shortest.set(finding, { breach, origin, base, bases });
      }
    }
  }

  /** For each finding the shortest one, each once; and one that shows no finding. */
  counterexamples(invariant: string): Counterexample[] {
    const made = new Map<Breach, Counterexample>();
    for (const { breach, origin, base, bases } of this.#shortest.get(invariant)?.values() ?? [])
      if (!made.has(breach))
        made.set(breach, counterexample(origin, breach, { parameters: base, bases: [...bases].filter(Boolean) }));
    return [...made.values()].sort((a, b) => a.steps - b.steps);
  }
}
