import type { Contract } from '../../reference/interpreter/contract.ts';
import { withDefect } from '../../reference/interpreter/contracts.ts';
import type { Defect } from '../../reference/interpreter/defect.ts';
import { type Judgement, judge } from '../../reference/judge.ts';
import { rulesOnModel } from '../../reference/model-target.ts';
import type { Environment, Program, Trace, UnreachedRule } from '../../spec/uapi/vocabulary.ts';
import { names } from './named-rules.ts';

/** Traces kept for each rule and each kind of program that it decides, or takes part in. */
const KEPT = 4;

const NO_TRACE = 'no trace depends on it';
const NO_PROGRAM = 'no program reaches it';

/** Reasons for a rule not being reached that further programs may take away. */
export const laterPrograms: ReadonlySet<string> = new Set([NO_TRACE, NO_PROGRAM]);

/** A trace that conforms, and a defect of the contract that it contradicts. */
export interface Dependence extends WitnessTrace {
  defect: Defect;
}

/** A trace that conforms. */
export interface WitnessTrace {
  environment: Environment;
  trace: Trace;
}

/** Rule -> kind of program -> traces. */
type Kept = Map<string, Map<string, WitnessTrace[]>>;

/** suite/handler/situation/what: programs whose `what` starts with the same word are of a kind. suite/what: each is its own. */
function kindOf(id: string): string {
  let end = id.lastIndexOf('/') + 1;
  if (end === id.indexOf('/') + 1) return id;
  while (end < id.length && id[end] !== '_') end++;
  return id.slice(0, end);
}

/** Into how many parts a kind is divided. */
const depthOf = (kind: string): number => kind.split('/').length;

function keep(all: Kept, rule: string, kind: string, witness: WitnessTrace): void {
  let kinds = all.get(rule);
  if (!kinds) {
    kinds = new Map();
    all.set(rule, kinds);
  }
  const kept = kinds.get(kind);
  if (kept === undefined) kinds.set(kind, [witness]);
  else if (kept.length < KEPT) kept.push(witness);
}

/** Collects traces, and reports at the end which rules they depend on. */
export class Coverage {
  private readonly contract: Contract;
  /** Traces in which a rule decided, and those in which it had its effect. */
  private readonly decided: Kept = new Map();
  private readonly passed: Kept = new Map();
  /** Rule -> why programs that would have reached it could not be run. */
  private readonly excused = new Map<string, string>();
  private readonly contradicted = new Set<string>();

  constructor(contract: Contract) {
    this.contract = contract;
  }

  /** Notes a trace that was judged, if it conforms. */
  note(judgement: Judgement, environment: Environment, trace: Trace): void {
    if (judgement.kind !== 'conforms') return;
    const kind = kindOf(trace.program.id);
    const witness = { environment, trace };
    for (const rule of judgement.decided) keep(this.decided, rule, kind, witness);
    for (const rule of judgement.passed) keep(this.passed, rule, kind, witness);
  }

  /** Notes a rule that a failure blames. */
  contradict(rule: string): void {
    this.contradicted.add(rule);
  }

  /** Notes a program that could not be run for a permitted reason: what it would have reached is excused. */
  excuse(program: Program, environment: Environment, why: string): void {
    for (const rule of rulesOnModel(this.contract, environment, program))
      if (!this.excused.has(rule)) this.excused.set(rule, why);
  }

  /** For each of some rules of the contract at its setting a trace that depends on it, or why there is none. */
  sweep(rules: Iterable<string> = this.contract.rules): {
    reached: Map<string, Dependence>;
    unreached: UnreachedRule[];
  } {
    const reached = new Map<string, Dependence>();
    const unreached: UnreachedRule[] = [];
    for (const id of rules) {
      const dependence = this.reached(id);
      if (dependence) reached.set(id, dependence);
      else unreached.push({ id, why: this.whyNot(id) });
    }
    return { reached, unreached };
  }

  /**
   * A trace that depends on a rule, if there is one: judged with the rule's outcome changed or the rule removed, it fails
   * and the failure names the rule.
   */
  reached(rule: string): Dependence | undefined {
    if (!this.decided.has(rule) && !this.passed.has(rule)) return undefined;
    for (const kind of ['outcome', 'removed'] as const) {
      if (kind === 'outcome' && !this.contract.data.rules.get(rule)!.outcome) continue;
      const defect: Defect = { rule, kind };
      const defective = withDefect(this.contract, defect);
      for (const witness of this.kept(rule)) {
        const { environment, trace } = witness;
        const judgement = judge(defective, environment, trace);
        if (judgement.kind === 'violates' && names(defective, environment, trace, judgement.violation, rule)) {
          return { defect, ...witness };
        }
      }
    }
    return undefined;
  }

  /** A few traces that conform and in which a rule decides or has its effect. */
  *witnesses(rule: string, most: number): Iterable<WitnessTrace> {
    let found = 0;
    for (const witness of this.kept(rule)) {
      if (found++ === most) return;
      yield witness;
    }
  }

  /** The most informative first: of each kind one, and before all others programs that are about a fact of their own. */
  private *kept(rule: string): Iterable<WitnessTrace> {
    for (const kept of [this.decided, this.passed]) {
      const kinds = [...(kept.get(rule) ?? [])].sort(([a], [b]) => depthOf(a) - depthOf(b)).map(([, all]) => all);
      for (let nth = 0; nth < KEPT; nth++) yield* kinds.flatMap((witnesses) => witnesses[nth] ?? []);
    }
  }

  private whyNot(id: string): string {
    if (!this.contract.rules.has(id)) return 'it does not stand in this profile';
    const outcome = this.contract.data.rules.get(id)!.outcome;
    if (outcome?.kind === 'undefined') return 'undefined';
    if (this.contradicted.has(id)) return 'contradicted';
    const excuse = this.excused.get(id);
    if (excuse !== undefined) return excuse;
    return this.decided.has(id) || this.passed.has(id) ? NO_TRACE : NO_PROGRAM;
  }
}
