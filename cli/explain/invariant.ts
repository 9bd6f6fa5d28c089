import { sourceText } from '../../reports/reference/contract-text.ts';
import { selected } from '../../spec/contract/selected.ts';
import { whenClause } from './parameter.ts';
import { placesIn } from './reference-pages.ts';
import type { Subject } from './subject.ts';
import { profilesOfTheSeries } from './where.ts';

/** Invariants: what must hold in every state, and which profiles promise it. */
export const invariantSubject: Subject = {
  kind: 'an invariant',
  names: ({ invariants }) => [...invariants.keys()],
  fits: ({ contract: { data, parameters }, profile }, name) =>
    profilesOfTheSeries(data).some(({ id }) => id === profile) && selected(data.invariants.get(name)!.when, parameters),
  explain({ data, profile }, name) {
    const { id, sentence, premise, when, sources } = data.invariants.get(name)!;
    const series = profilesOfTheSeries(data);
    const asked = series.filter(({ parameters }) => selected(when, parameters));
    return [
      `${id}: ${sentence}`,
      `  applies:  ${premise}`,
      `  asked of: ${asked.map((one) => one.id).join(', ') || 'no profile'}${when ? ` (${whenClause(when)})` : ''}`,
      ...sources.map((source) => `  source:   ${sourceText(data, source)}`),
      `  check:    vfio-conform check --profile ${profile}`,
      ...placesIn(['invariants.md'], id).map((place) => `  pages:    ${place}`),
    ].join('\n');
  },
};
