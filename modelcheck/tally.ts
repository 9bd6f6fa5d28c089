import type { Counterexample } from '../spec/uapi/vocabulary.ts';
import { counterexample, type Origin } from './counterexample.ts';
import type { Breach, Inspector } from './inspector.ts';

/** Parameters of what a profile is put on. */
export type Base = Record<string, string>;

/** A base in one word; empty where a profile has no bases. */
export const nameOfBase = (base: Base): string =>
  Object.entries(base)
    .map((pair) => pair.join('='))
    .join(',');

/** What was found in all worlds and on all bases. */
export class CheckTally {
  readonly premises = new Map<string, number>();
  /** Invariant, finding -> the shortest breach, and all bases that show it. */
  private readonly shortest = new Map<
    string,
    Map<string, { breach: Breach; origin: Origin; base: Base; bases: Set<string> }>
  >();

  add({ premises, breaches }: Inspector, origin: Origin, base: Base): void {
    for (const [id, count] of premises) this.premises.set(id, (this.premises.get(id) ?? 0) + count);
    for (const [invariant, byFinding] of breaches) {
      const shortest = this.shortest.get(invariant) ?? new Map();
      this.shortest.set(invariant, shortest);
      for (const [finding, breach] of byFinding) {
        const known = shortest.get(finding);
        const bases: Set<string> = known?.bases ?? new Set();
        bases.add(nameOfBase(base));
        if (!known || breach.depth < known.breach.depth) shortest.set(finding, { breach, origin, base, bases });
      }
    }
  }

  /** For each finding the shortest one, each once, and of those that show none one for each rule that decides in no other. */
  counterexamples(invariant: string): Counterexample[] {
    const all = [...(this.shortest.get(invariant)?.values() ?? [])];
    const explained = new Set(all.flatMap(({ breach }) => (breach.findings.length > 0 ? breach.rule : [])));
    const made = new Map<Breach, Counterexample>();
    for (const { breach, origin, base, bases } of all.filter(
      (one) => one.breach.findings.length > 0 || !explained.has(one.breach.rule),
    ))
      if (!made.has(breach))
        made.set(breach, counterexample(origin, breach, { parameters: base, bases: [...bases].filter(Boolean) }));
    return [...made.values()].sort((a, b) => a.steps - b.steps);
  }
}
