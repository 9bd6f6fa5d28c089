import { createHash } from 'node:crypto';
import type { Case } from '../conformance/running/run.ts';
import { kindOfMachine } from '../conformance/suites/suite.ts';
import type { Environment, RecordMachine } from '../spec/uapi/vocabulary.ts';

/** The line of a record for a machine that is there, with what is to be run on it. */
export function machineLine(environment: Environment, targetVersion: string, cases: readonly Case[]): RecordMachine {
  const units = new Map<string, { programs: number; hash: ReturnType<typeof createHash> }>();
  for (const { place, program } of cases) {
    const unit = units.get(place.unit) ?? { programs: 0, hash: createHash('sha256') };
    units.set(place.unit, unit);
    unit.programs++;
    unit.hash.update(JSON.stringify(program));
  }
  return {
    kind: 'machine',
    machine: kindOfMachine(environment),
    targetVersion,
    environment,
    units: [...units].map(([id, { programs, hash }]) => ({ id, programs, hash: hash.digest('hex') })),
  };
}
