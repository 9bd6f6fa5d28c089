import type { Program } from '../../../spec/uapi/vocabulary.ts';
import { topologyOf } from '../suite.ts';
import { type Graph, type State, shortestWay, type Transition } from './graph.ts';

/** Ops of a tour beside its set-up: the longer tours are, the fewer ops lead only to where something is left to do. */
const LONGEST = 60;

/** Programs that together take every transition of a graph whose outcome the contract knows. */
export function* toursOf({ stage, states }: Graph): Iterable<Program> {
  const left = new Map(states.map((state) => [state, state.transitions.filter(({ to }) => to)]));
  for (let number = 1; ; number++) {
    const tour = tourFrom(states[0]!, left);
    if (tour.length === 0) return;
    yield {
      id: `lifecycle/${stage.id}/tour_${number}`,
      about: stage.about,
      topology: topologyOf(stage),
      ...(stage.changes && { changes: stage.changes }),
      ops: [...stage.ops, ...tour.flatMap(({ step }) => step.ops)],
    };
  }
}

/** Goes to where something is left to do and does it, what stays in place first, until the tour is long enough. */
function tourFrom(start: State, left: Map<State, Transition[]>): Transition[] {
  const tour: Transition[] = [];
  let state = start;
  for (let ops = 0; ops < LONGEST; ) {
    const way = shortestWay(state, (one) => left.get(one)!.length > 0);
    if (!way) break;
    const there = way.at(-1)?.to ?? state;
    const here = left.get(there)!;
    const next = here.find(({ to }) => to === there) ?? here[0]!;
    here.splice(here.indexOf(next), 1);
    tour.push(...way, next);
    ops += [...way, next].reduce((sum, { step }) => sum + step.ops.length, 0);
    state = next.to!;
  }
  return tour;
}
