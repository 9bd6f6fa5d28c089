import type { DataLayout } from '../conformance/programs/nesting-ops.ts';
import { readCuts } from '../conformance/suites/boundary/cuts.ts';
import type { EdgeContext } from '../conformance/suites/boundary/edge.ts';
import { singleFields } from '../conformance/suites/boundary/field-edges.ts';
import { atTheEnd, type Form, formsOf } from '../conformance/suites/boundary/forms.ts';
import type { Make } from '../conformance/suites/boundary/probe.ts';
import { pasids } from '../conformance/suites/boundary/request-edges.ts';
import type { Contract } from '../reference/interpreter/contract.ts';
import { execute } from '../reference/interpreter/execute.ts';
import type { Expectation } from '../reference/interpreter/expectation.ts';
import { Recorder } from '../reference/interpreter/recorder.ts';
import { copyWithoutMemory, copyWorld } from '../reference/state/copy-world.ts';
import type { World } from '../reference/state/state.ts';
import { type Field, uapi } from '../spec/uapi/uapi.ts';
import type { Argument, Environment, IoctlOp } from '../spec/uapi/vocabulary.ts';
import { explore } from './explore.ts';
import { allocatesReadOnly } from './read-only-result.ts';
import { type CheckStep, requestStep } from './step.ts';
import { type CheckWorld, PASIDS } from './worlds.ts';

/** States that are so many ops away from the set-up are searched for what decides requests there. */
const SEARCHED = 1;

/**
 * Steps for the rules that no ordinary step takes: of all arguments at their edges, for each rule the first that it
 * decides in some state near the set-up.
 */
export function derivedSteps(
  contract: Contract,
  environment: Environment,
  checked: CheckWorld,
  start: World,
  ordinary: readonly CheckStep[],
  layout: DataLayout,
): CheckStep[] {
  const [first, second] = PASIDS.map((pasid) => new Map(argumentsAtEdges(environment, checked, pasid, layout)));
  const chosen = new Set<string>();
  /** Those that did more than being refused, somewhere. */
  const effective = new Set<string>();
  const states: World[] = [];
  const taken = new Set<string>();
  const bounds = { depth: SEARCHED, states: Number.POSITIVE_INFINITY };
  explore(contract, start, checked, ordinary, bounds, {
    visit: (_, { world }) => states.push(copyWorld(world)) > 0,
    step: ({ step, expectation }) => {
      for (const one of takes(expectation, step)) taken.add(one);
    },
    leave: () => {},
  });
  for (const state of states) {
    let scratch = copyWithoutMemory(state);
    for (const [what, step] of first!) {
      const recorder = new Recorder([]);
      const expectation = execute(contract, scratch, step.ops.at(-1)!, 0, recorder);
      const rules = takes(expectation, step);
      if (rules.some((rule) => !taken.has(rule)) && !givesAnyPasid(expectation, step)) {
        chosen.add(what);
        for (const rule of rules) taken.add(rule);
      }
      if (expectation.effects.length === 0) continue;
      effective.add(what);
      scratch.releaseDevices();
      scratch = copyWithoutMemory(state);
    }
    scratch.releaseDevices();
    state.release();
  }
  // States that differ only in which PASID is which are one: what does something with the one must be tried with the other.
  const again = checked.symmetric ? [...chosen].filter((what) => effective.has(what)) : [];
  return [
    ...[...chosen].flatMap((what) => first!.get(what) ?? []),
    ...again.flatMap((what) => second!.get(what) ?? []),
  ];
}

/** The rule that decides, for each kind of request anew, and those that have an effect. */
function takes({ rule, effects }: Expectation, { act }: CheckStep): string[] {
  return [`${act.kind === 'request' ? act.request.kind : act.kind} ${rule.id}`, ...effects];
}

/** An ALLOC that may give any of several PASIDs would make ever new states. */
const givesAnyPasid = ({ outcome }: Expectation, { act }: CheckStep): boolean =>
  act.kind === 'request' &&
  act.request.kind === 'alloc' &&
  act.request.pasid !== act.request.max &&
  outcome.kind === 'value' &&
  outcome.value === 0;

/**
 * Each request of the first container with each field at each of its edges, with more memory behind it and without, cut
 * off, and where its result cannot be written: by a name for it.
 */
function* argumentsAtEdges(
  environment: Environment,
  { parties }: CheckWorld,
  pasid: number,
  layout: DataLayout,
): Iterable<[what: string, step: CheckStep]> {
  const container = parties[0]!.container;
  const context: EdgeContext = { environment, mappings: [], saved: [] };
  for (const [name, { number, fd, feature, struct, argszFirst }] of Object.entries(uapi.ioctls)) {
    if (fd !== 'container' || feature === undefined) continue;
    const step = (what: string, argument: Argument): [string, CheckStep] => {
      const id = `${name} of ${container}, ${what}`;
      const op: IoctlOp = { op: 'ioctl', fd: container, number, argument };
      return [id, requestStep(`${id}, ${pasid}`, op, layout, undefined, [], bytesOf(argument), false)];
    };
    for (const plain of formsOf((layout === 'argsz_first' && argszFirst) || struct!)) {
      const form: Form = { ...plain, values: { ...plain.values, ...namesOne(plain.values, pasid) } };
      const made: [string, Argument][] = [];
      const make: Make = (what, before, argument) => {
        if (before.length === 0) made.push([what, argument]);
        return { id: what, topology: { slots: {} }, ops: [] };
      };
      if ('min' in form.values)
        for (const { label, value } of pasids({ name: 'only', width: 4 } as Field, context))
          made.push([`${label}${form.suffix}`, atTheEnd(form, { min: value, max: value })]);
      for (const programs of [singleFields(form, make, context), readCuts(form, make, true)]) for (const _ of programs);
      for (const [what, argument] of made) {
        yield step(what, argument);
        if (bytesOf(argument).length === form.size)
          yield step(`${what}, memory behind it`, { ...argument, at: 0 } as Argument);
      }
    }
  }
  if (pasid === PASIDS[0]) yield [READ_ONLY, allocatesReadOnly(container, layout)];
}

const READ_ONLY = 'ALLOC where the result cannot be written';

/** Bytes of an argument that the op stores. */
const bytesOf = (argument: Argument): Buffer => Buffer.from(('bytes' in argument && argument.bytes) || '', 'hex');

/** The field of a request that names a PASID, and that it names one only. */
function namesOne(values: Form['values'], pasid: number): Form['values'] {
  if ('min' in values) return { min: pasid, max: pasid };
  return 'hpasid' in values ? { hpasid: pasid } : { pasid };
}
