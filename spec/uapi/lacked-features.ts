import type { RunResult } from './vocabulary.ts';

/** Features that the profile asks for and the target lacks, as all their probes say, or about which they do not agree. */
export function lackedFeatures({ features, parameters }: Pick<RunResult, 'features' | 'parameters'>): string[] {
  return Object.entries(features).flatMap(([name, state]) =>
    parameters[name] === 'present' && (state === 'absent' || state === 'contradictory') ? [name] : [],
  );
}
