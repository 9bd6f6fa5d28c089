import { selected } from '../../spec/contract/selected.ts';
import { stepsWithin } from '../../spec/contract/steps.ts';
import type { ContractData, Handler, RuleOutcome, Step } from '../../spec/contract/types.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import type { Call } from '../call/call.ts';
import type { Condition, Content, Effect } from '../rules/rule-functions.ts';
import { conditions, contents, effects } from '../rules/rules.ts';
import type { Defect } from './defect.ts';
import type { Decision } from './expectation.ts';
import { type DriverTable, type FanOut, fanOut, type Worded } from './fan-out.ts';
import { iterations } from './iterations.ts';

/** A step ready to run: a decision ends the handler. */
type Runnable = (call: Call, note: (rule: string) => void) => Decision | 'handled' | undefined;

/** Whether nothing can come after a step: it is a result, or ends with one. */
function endsHandler(step: Step, parameters: Record<string, string>): boolean {
  if (step.if !== undefined) return false;
  if (step.kind === 'return') return true;
  if (step.kind !== 'block') return false;
  return step.steps.some((one) => selected(one.when, parameters) && endsHandler(one, parameters));
}

/** A step of one kind. */
type StepOf<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>;

/** Makes steps executable at a setting, and notes in `rules` which rules are in them. With a defect, one rule is wrong. */
export class Compiler {
  private readonly data: ContractData;
  private readonly parameters: Record<string, string>;
  private readonly rules: Set<string>;
  private readonly defect: Defect | undefined;

  constructor(data: ContractData, parameters: Record<string, string>, rules: Set<string>, defect: Defect | undefined) {
    this.data = data;
    this.parameters = parameters;
    this.rules = rules;
    this.defect = defect;
  }

  handler(handler: Handler): (call: Call, note: (rule: string) => void) => Decision {
    const steps = this.steps(handler.steps);
    const defect = this.defect;
    if (defect) return this.withDefect(steps, defect);
    return (call, note) => {
      const decision = run(steps, call, note);
      if (decision && decision !== 'handled') return decision;
      throw new Problem(`handler ${handler.id} ends without a result; add a return step to it in handlers/.`);
    };
  }

  /** Later steps rely on what earlier ones excluded: without a rule they may find nothing to work on, or no end. */
  private withDefect(steps: Runnable[], defect: Defect): (call: Call, note: (rule: string) => void) => Decision {
    const senseless: Decision = { rule: this.data.rules.get(defect.rule)!, outcome: { kind: 'one_of', outcomes: [] } };
    return (call, note) => {
      try {
        const decision = run(steps, call, note);
        return decision && decision !== 'handled' ? decision : senseless;
      } catch {
        return senseless;
      }
    };
  }

  /** `turn`: the steps are those of a turn, which a case ends. */
  private steps(steps: readonly Step[], turn = false): Runnable[] {
    const runnables: Runnable[] = [];
    let handled: Runnable[] | undefined;
    let ended = false;
    for (const step of steps) {
      if (!selected(step.when, this.parameters)) continue;
      if (ended) break;
      // A block of which nothing is left.
      const within = stepsWithin(step);
      if (within.length > 0 && within.every(({ when }) => !selected(when, this.parameters))) continue;
      ended = endsHandler(step, this.parameters);
      const runnable = this.step(step, turn);
      if (step.kind !== 'case') {
        handled = undefined;
        runnables.push(runnable);
        continue;
      }
      // Neighbouring cases exclude each other: the first that applies is the only one.
      if (!handled) {
        const group: Runnable[] = [];
        handled = group;
        runnables.push((call, note) => {
          for (const one of group) {
            const decision = one(call, note);
            if (decision) return decision;
          }
          return undefined;
        });
      }
      handled.push(runnable);
    }
    return runnables;
  }

  /** A step that is taken only if a rule holds. */
  private step(step: Step, turn: boolean): Runnable {
    const runnable = this.unconditional(step, turn);
    if (!step.if) return runnable;
    const id = step.if;
    const condition = conditionOf(id);
    const removed = this.removed(id);
    return (call, note) => {
      if (!condition(call)) return undefined;
      note(id);
      return removed ? undefined : runnable(call, note);
    };
  }

  /** The steps of a table: an errno is a refusal, reaching the end or a case is none. */
  table(name: string): DriverTable {
    const handler = this.data.handlers.find(({ table }) => table === name);
    if (!handler) throw new Problem(`the contract has no table ${name}; add one in handlers/.`);
    const steps = this.steps(handler.steps, true);
    return (call, note) => {
      const decision = run(steps, call, note, true);
      return decision === 'handled' ? undefined : decision;
    };
  }

  /** The word of a choice; where its rule is missing, the other one. */
  private word<Word extends string>({ word, rule }: Worded<Word>, otherwise: (word: Word) => Word): Worded<Word> {
    this.rules.add(rule);
    return { rule, word: this.defect?.rule === rule ? otherwise(word) : word };
  }

  private devices({ table, undo_table, stop, result, undo }: StepOf<'each_device'>): Runnable {
    const plan: FanOut = {
      table: this.table(table),
      ...(stop && { stop: this.word(stop, (word) => (word === 'group' ? 'container' : 'group')) }),
      ...(result && { result: this.word(result, (word) => (word === 'last' ? 'first' : 'last')) }),
      ...(undo && { undo: this.word<'all' | 'done_reversed' | 'none'>(undo, () => 'none') }),
      ...(undo_table && { undoTable: this.table(undo_table) }),
    };
    return (call, note) => fanOut(plan, call, note);
  }

  private unconditional(step: Step, turn: boolean): Runnable {
    switch (step.kind) {
      case 'each_device':
        return this.devices(step);
      case 'block': {
        const steps = this.steps(step.steps, turn);
        return (call, note) => run(steps, call, note, turn);
      }
      case 'each': {
        const steps = this.steps(step.steps, true);
        const iterate = iterations[step.over];
        return (call, note) => {
          for (const _ of iterate(call)) {
            const decision = run(steps, call, note, true);
            if (decision && decision !== 'handled') return decision;
          }
          return undefined;
        };
      }
      case 'effect':
        return this.effect(step.rule);
      case 'case':
        return this.case(step.rule);
      case 'return': {
        const decision = this.decision(step.rule);
        return () => decision;
      }
      case 'refuse':
        return this.refuse(step.rule);
      case 'read': {
        const { from, length } = step;
        const decision = this.decision(step.rule);
        const removed = this.removed(step.rule);
        return (call) => {
          const read = call.copyIn(from, length);
          return !read && !removed ? decision : undefined;
        };
      }
      case 'write':
        return this.write(step);
      default:
        return step satisfies never;
    }
  }

  private effect(id: string): Runnable {
    const removed = this.removed(id);
    const effect = effectOf(id);
    return (call, note) => {
      note(id);
      if (!removed) effect(call);
      return undefined;
    };
  }

  private case(id: string): Runnable {
    const removed = this.removed(id);
    const condition = conditionOf(id);
    const effect = effectOf(id);
    const ends = this.data.rules.get(id)!.outcome && this.decision(id);
    return (call, note) => {
      if (!condition(call)) return undefined;
      note(id);
      if (removed) return undefined;
      effect(call);
      return ends ?? 'handled';
    };
  }

  private refuse(id: string): Runnable {
    const decision = this.decision(id);
    const condition = conditionOf(id);
    if (this.removed(id)) {
      return (call, note) => {
        // A failure that may as well not have happened counts as met.
        if (condition(call) || call.allocationMayFail) note(id);
        return undefined;
      };
    }
    // What the condition has worked out may be overwritten before the op ends.
    const { rule, outcome } = decision;
    if (outcome.kind === 'errno' && outcome.errno === 'result')
      return (call) => (condition(call) ? { rule, outcome: { kind: 'errno', errno: call.errno } } : undefined);
    return (call) => (condition(call) ? decision : undefined);
  }

  private write({ rule: id, on_fault }: StepOf<'write'>): Runnable {
    const decision = this.decision(id);
    const removed = this.removed(id);
    const content = contentOf(id);
    const undo = on_fault === undefined ? undefined : effectOf(on_fault);
    if (on_fault !== undefined) this.rules.add(on_fault);
    const kept = on_fault !== undefined && this.defect?.rule === on_fault && this.defect.kind === 'removed';
    return (call, note) => {
      const written = content(call);
      if (!written) return undefined;
      note(id);
      const { address, bytes, learn, accepts, notWritten } = written;
      if (call.op.op === 'ioctl') call.argument.extendTo(address, bytes.length);
      const writable = call.copyFails() ? 0 : call.process.memory.accessible(address, bytes.length, 'write');
      if (writable < bytes.length) {
        call.unspecified = [{ address, length: writable }];
        if (undo) note(on_fault!);
        if (undo && !kept) undo(call);
        else notWritten?.();
        return decision;
      }
      call.stored = true;
      if (!removed) call.process.memory.store(address, bytes);
      if (accepts) call.unspecified = [{ address, length: bytes.length, learn, accepts }];
      return undefined;
    };
  }

  /** Notes that a rule is there, and says whether a defect takes it away. */
  private removed(id: string): boolean {
    this.rules.add(id);
    return this.defect?.rule === id && this.defect.kind === 'removed';
  }

  private decision(id: string): Decision {
    this.rules.add(id);
    const rule = this.data.rules.get(id)!;
    const outcome = rule.outcome!;
    return { rule, outcome: this.defect?.rule === id && this.defect.kind === 'outcome' ? another(outcome) : outcome };
  }
}

function run(
  steps: Runnable[],
  call: Call,
  note: (rule: string) => void,
  turn = false,
): Decision | 'handled' | undefined {
  for (const step of steps) {
    const decision = step(call, note);
    if (decision === undefined) continue;
    if (decision !== 'handled' || turn) return decision;
  }
  return undefined;
}

/** Any outcome that differs from a given one. */
function another(outcome: RuleOutcome): RuleOutcome {
  if (outcome.kind === 'errno') return { kind: 'errno', errno: outcome.errno === 'EINVAL' ? 'ENOSPC' : 'EINVAL' };
  if (outcome.kind === 'value' && outcome.value !== 'result') return { kind: 'value', value: outcome.value + 1 };
  return { kind: 'errno', errno: 'EINVAL' };
}

const conditionOf = (id: string): Condition => known(conditions, id, 'a condition', 'reference/rules/');
const effectOf = (id: string): Effect => known(effects, id, 'an effect', 'reference/rules/');
const contentOf = (id: string): Content => known(contents, id, 'contents to write', 'reference/rules/');

/** The function of a rule; the compiler proves that each rule of this package has one, a copy given with --spec may not. */
function known<T>(table: Record<string, T>, id: string, what: string, file: string): T {
  if (Object.hasOwn(table, id)) return table[id]!;
  throw new Problem(
    `handlers/: rule ${id} stands in a step that needs ${what}, and has none; use it in another kind of step or write one in ${file}.`,
  );
}
