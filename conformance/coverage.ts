import { type Contract, compileContract, type Defect } from '../reference/contract.ts';
import { type Judgement, judge } from '../reference/judge.ts';
import type { Environment, Trace, UnreachedRule } from '../spec/uapi/vocabulary.ts';
import { names } from './failure.ts';

/** Traces kept for each rule and each kind of program that it decides, or takes part in. */
const KEPT = 4;

/** A trace that conforms, and a defect of the contract that it contradicts. */
export interface Dependence extends Witness {
  defect: Defect;
}

interface Witness {
  environment: Environment;
  trace: Trace;
}

/** Collects traces, and tells at the end which rules they depend on. */
export class Coverage {
  readonly #contract: Contract;
  /** Rule -> kind of program -> traces. */
  readonly #witnesses = new Map<string, Map<string, Witness[]>>();

  constructor(contract: Contract) {
    this.#contract = contract;
  }

  /** Notes a trace that was judged, if it conforms. */
  note(judgement: Judgement, environment: Environment, trace: Trace): void {
    if (judgement.kind !== 'conforms') return;
    // suite/handler/situation/what: programs whose `what` starts with the same word are of a kind.
    const kind = /^.*\/[a-z]*/.exec(trace.program.id)![0];
    for (const rule of judgement.decided) this.#keep(rule, `decided ${kind}`, { environment, trace });
    for (const rule of judgement.passed) this.#keep(rule, kind, { environment, trace });
  }

  #keep(rule: string, kind: string, witness: Witness): void {
    let kinds = this.#witnesses.get(rule);
    if (!kinds) {
      kinds = new Map();
      this.#witnesses.set(rule, kinds);
    }
    const kept = kinds.get(kind);
    if (kept === undefined) kinds.set(kind, [witness]);
    else if (kept.length < KEPT) kept.push(witness);
  }

  /** Rules of the contract at its setting that no kept trace depends on. */
  unreached(): UnreachedRule[] {
    return [...this.#contract.rules].filter((rule) => !this.reached(rule)).map((id) => ({ id, why: this.#whyNot(id) }));
  }

  /** How many rules the contract has at its setting. */
  get total(): number {
    return this.#contract.rules.size;
  }

  /**
   * A trace that depends on a rule, if there is one: judged with the rule's outcome changed or the rule removed, it fails
   * and the failure names the rule.
   */
  reached(rule: string): Dependence | undefined {
    for (const kind of ['outcome', 'removed'] as const) {
      if (kind === 'outcome' && !this.#contract.data.rules.get(rule)!.outcome) continue;
      const defect: Defect = { rule, kind };
      const defective = compileContract(this.#contract.data, this.#contract.parameters, defect);
      for (const witnesses of this.#witnesses.get(rule)?.values() ?? []) {
        for (const witness of witnesses) {
          const judgement = judge(defective, witness.environment, witness.trace);
          if (
            judgement.kind === 'violates' &&
            names(defective, witness.environment, witness.trace, judgement.violation, rule)
          ) {
            return { defect, ...witness };
          }
        }
      }
    }
    return undefined;
  }

  #whyNot(id: string): string {
    const outcome = this.#contract.data.rules.get(id)!.outcome;
    if (outcome && 'undefined' in outcome) return 'undefined';
    return this.#witnesses.has(id) ? 'no trace depends on it' : 'no program reaches it';
  }
}
