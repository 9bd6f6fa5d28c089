import type { Call } from '../call/call.ts';
import { backendOf } from '../call/operands.ts';
import type { Device } from '../state/device.ts';
import { type Domain, membersOf } from '../state/state.ts';
import type { Decision } from './expectation.ts';

type Note = (rule: string) => void;

/** What the IOMMU driver does for the device under consideration; a decision is a refusal. */
export type DriverTable = (call: Call, note: Note) => Decision | undefined;

/** A word of the contract, and the rule that asks for it. */
export interface Worded<Word extends string> {
  word: Word;
  rule: string;
}

/** How a request goes over the devices of a container. */
export interface FanOut {
  table: DriverTable;
  /** Left out after a refusal: the rest of the domain, of the container, or nothing. */
  stop?: Worded<'group' | 'container' | 'none'>;
  /** Which domain's result counts. `last`: that of the domain visited last, whatever the others gave. */
  result?: Worded<'first' | 'last'>;
  /** After a refusal: `undoTable` for every device, in the same way as `table`, or for those that were done, in reverse. */
  undo?: Worded<'all' | 'done_reversed' | 'none'>;
  undoTable?: DriverTable;
}

interface Visit {
  device: Device;
  domain: Domain;
}

/** Takes a request to every device of a container: domains, groups, devices, the last attached first. */
export function fanOut(plan: FanOut, call: Call, note: Note): Decision | undefined {
  const { stop, result, undo, undoTable } = plan;
  const walk = visit(plan, plan.table, call, note);
  if (walk.refused.length > 0) for (const one of [stop, result]) if (one) note(one.rule);
  if (walk.decision && undo && undoTable) {
    note(undo.rule);
    if (undo.word === 'all') visit(plan, undoTable, call, note);
    if (undo.word === 'done_reversed') {
      for (const one of walk.done.reverse()) {
        at(call, one);
        undoTable(call, note);
      }
    }
  }
  return walk.decision;
}

/** One loop over the devices; whom it met, and what comes of it. */
function visit(
  { stop, result }: FanOut,
  table: DriverTable,
  call: Call,
  note: Note,
): { done: Visit[]; refused: Visit[]; decision: Decision | undefined } {
  const done: Visit[] = [];
  const refusing: Visit[] = [];
  let decision: Decision | undefined;
  for (const domain of [...backendOf(call).domains]) {
    let failure: Decision | undefined;
    devices: for (const group of domain.groups) {
      for (const device of membersOf(group)) {
        const one = { device, domain };
        at(call, one);
        const outcome = refused(table(call, note), note);
        (outcome ? refusing : done).push(one);
        if (!outcome) continue;
        // Nothing is known of what comes after.
        if (outcome.outcome.kind === 'undefined') return { done, refused: refusing, decision: outcome };
        failure ??= outcome;
        if (stop?.word !== 'none') break devices;
      }
    }
    decision = result?.word === 'last' ? failure : (decision ?? failure);
    if (failure && stop?.word === 'container') break;
  }
  return { done, refused: refusing, decision };
}

function at(call: Call, { device, domain }: Visit): void {
  call.visit.device = device;
  call.visit.domain = domain;
}

/** A decision that is a refusal: an IOMMU driver may also end early and say that all is well. What it says may be overruled. */
function refused(decision: Decision | undefined, note: Note): Decision | undefined {
  if (!decision) return undefined;
  note(decision.rule.id);
  return decision.outcome.kind === 'value' ? undefined : decision;
}
