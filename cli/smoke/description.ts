import type { Description } from '../../spec/uapi/adapter.ts';
import { nearest } from '../../spec/uapi/nearest.ts';
import { opNames } from '../../spec/uapi/op-names.ts';
import type { SmokeFailure, SmokeStepResult } from '../../spec/uapi/vocabulary.ts';

/** The region that is config space. */
const configRegion = 7;

/** What is wrong with a description that has the form of one. */
export function describeFailures({ ops, environment }: Description): SmokeFailure[] {
  const failures: SmokeFailure[] = [];
  const fail = (fact: string, section: string, op: string, expected: string, came: string): void =>
    void failures.push({ fact, section, op, expected, came, programs: [] });
  for (const op of ops) {
    if ((opNames as readonly string[]).includes(op)) continue;
    const [guess] = nearest(op, opNames);
    fail(
      'a description lists the ops that the target performs',
      'Ops',
      'each of its ops',
      guess ? `one of the table of ops, like ${guess}` : 'one of the table of ops',
      op,
    );
  }
  const { device, pageSize } = environment;
  if ((pageSize & (pageSize - 1)) !== 0)
    fail('pages have a size', 'Environment and slots', 'pageSize', 'a power of two', String(pageSize));
  const bytes = BigInt(device.regions[configRegion]?.size ?? 0);
  for (const name of ['config', 'configWritable', 'configUnknown'] as const) {
    const length = device[name].length / 2;
    if (BigInt(length) !== bytes)
      fail(
        `${name} has as many bytes as config space, which is region 7`,
        'Environment and slots',
        name,
        `${bytes} bytes`,
        `${length}`,
      );
  }
  return failures;
}

/** The step of a target that did not describe itself; `clause` says what it did instead. */
export function noDescription(clause: string): SmokeStepResult {
  const failure: SmokeFailure = {
    fact: 'a daemon answers `describe` with what it is',
    section: 'Messages',
    op: 'its answer',
    expected: 'a description as spec/uapi/schema/protocol.schema.json has it',
    came: `not: ${clause}`,
    programs: [],
  };
  return { step: 'describe', verdict: 'failed', programs: 0, failures: [failure], leftOut: [] };
}
