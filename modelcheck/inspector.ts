import type { Op } from '../spec/uapi/vocabulary.ts';
import { advertises, asksForAbility } from './advertised.ts';
import type { ExploreObserver, Visit } from './explore.ts';
import { findingsOf } from './findings.ts';
import { type CheckTransition, ofStates, ofSteps, type Snapshot, succeeded } from './invariants.ts';

/** How an invariant was broken. */
export interface Breach {
  invariant: string;
  findings: string[];
  /** What is wrong, in one sentence. */
  broken: string;
  /** The rule that decided. */
  rule: string;
  /** Ops after the set-up. */
  depth: number;
  /** The state before, and what was done there. */
  from: Visit;
  ops: Op[];
}

/**
 * What follows from a state in which something is broken already is looked at this many steps far: what breaks next there is
 * mostly the same once more.
 */
const BEYOND = 1;

/** Looks for broken invariants while states are explored; of each and each finding the shortest breach stays. */
export class Inspector implements ExploreObserver {
  /** How often each applied. */
  readonly premises = new Map<string, number>();
  /** Invariant, finding -> breach. */
  readonly breaches = new Map<string, Map<string, Breach>>();
  /** What is broken in a state, by its key. */
  private readonly broken = new Map<string, ReadonlySet<string>>();
  private readonly asked: ReadonlySet<string>;
  private readonly posted: boolean;
  /** In the state under consideration: what GET_INFO returned, and the requests that need what it advertises, by container. */
  private infos = new Map<string, { transition: CheckTransition; advertised: boolean }>();
  private requests: { container: string; transition: CheckTransition }[] = [];

  /** `asked`: the invariants that are promised. `posted`: what breaks is held against what was found about the series. */
  constructor(asked: ReadonlySet<string>, posted: boolean) {
    this.asked = asked;
    this.posted = posted;
  }

  visit(visit: Visit, state: Snapshot): boolean {
    this.infos = new Map();
    this.requests = [];
    for (const [id, look] of Object.entries(ofStates))
      if (this.asked.has(id) && look(state) !== undefined) this.met(id);
    this.brokenIn(visit.key, state);
    let beyond = -1;
    for (let one: Visit | undefined = visit; one && this.broken.get(one.key)!.size > 0; one = one.from) beyond++;
    return beyond < BEYOND;
  }

  step(transition: CheckTransition, from: Visit): void {
    const { step, after, before } = transition;
    const unknown = transition.expectation.outcome.kind === 'undefined';
    for (const [id, look] of Object.entries(ofSteps)) {
      if (!this.asked.has(id) || (unknown && id !== 'I8')) continue;
      const broken = look(transition);
      if (broken === undefined) continue;
      this.met(id);
      if (broken) this.breach(id, broken, transition, from);
    }
    if (after.key !== before.key) {
      const known = this.brokenIn(before.key, before);
      for (const id of this.brokenIn(after.key, after))
        if (!known.has(id)) this.breach(id, ofStates[id]!(after)!, transition, from);
    }
    if (step.act.kind === 'info')
      this.infos.set(step.act.container, { transition, advertised: advertises(transition) });
    const container = unknown ? undefined : asksForAbility(transition);
    if (container !== undefined) this.requests.push({ container, transition });
  }

  /** Holds what GET_INFO advertised against what could be done. */
  leave(from: Visit): void {
    if (!this.asked.has('I9')) return;
    for (const { container, transition } of this.requests) {
      const info = this.infos.get(container);
      if (!info) continue;
      this.met('I9');
      if (succeeded(transition.expectation) === info.advertised) continue;
      const broken = info.advertised
        ? 'GET_INFO advertises that PASIDs can be requested, and the request fails.'
        : 'GET_INFO does not advertise that PASIDs can be requested, and the request succeeds.';
      this.breach('I9', broken, transition, from, info.transition);
    }
  }

  private met(id: string): void {
    this.premises.set(id, (this.premises.get(id) ?? 0) + 1);
  }

  private brokenIn(key: string, state: Snapshot): ReadonlySet<string> {
    let broken = this.broken.get(key);
    if (!broken) {
      broken = new Set(Object.keys(ofStates).filter((id) => this.asked.has(id) && ofStates[id]!(state)));
      this.broken.set(key, broken);
    }
    return broken;
  }

  private breach(
    invariant: string,
    broken: string,
    transition: CheckTransition,
    from: Visit,
    info?: CheckTransition,
  ): void {
    const ops = [...(info?.ops ?? []), ...transition.ops];
    const depth = from.depth + ops.length;
    let known = this.breaches.get(invariant);
    if (!known) {
      known = new Map();
      this.breaches.set(invariant, known);
    }
    const findings = this.posted ? findingsOf(invariant, transition, info) : [];
    const rule = transition.expectation.rule.id;
    // One that shows none is known by the rule that decides.
    for (const finding of findings.length > 0 ? findings : [rule]) {
      if ((known.get(finding)?.depth ?? Number.POSITIVE_INFINITY) <= depth) continue;
      known.set(finding, { invariant, findings, broken, rule, depth, from, ops });
    }
  }
}
