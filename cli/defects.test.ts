import { describe, expect, test } from 'vitest';
import { simulatorAdapter } from '../adapters/simulator/adapter.ts';
import type { SimulatorDefect } from '../adapters/simulator/defects/defect.ts';
import { defects } from '../adapters/simulator/defects/registry.ts';
import { run } from '../conformance/run.ts';
import type { Suite } from '../conformance/suite.ts';
import { chooseSuites } from '../conformance/suites.ts';
import { type Contract, compileContract } from '../reference/contract.ts';
import { loadContract, parameterSetting } from '../spec/contract/load.ts';
import type { Environment, Program } from '../spec/uapi/vocabulary.ts';

const data = loadContract();

/** The profiles, the one that a user gets first; a defect is looked for by the first in which it makes a difference. */
const contracts = ['v1-singleton', 'v1', 'v1-fixed', 'type1-6.12'].map((profile) => ({
  profile,
  contract: compileContract(data, parameterSetting(data, profile)),
}));

/** Defects that only the edges of arguments show; stories show all others, and sooner. */
const byEdges = new Set([
  'map_accepts_wrapping_vaddr',
  'map_checks_overlap_before_size',
  'read_tells_more_than_it_copied',
  'unmap_cuts_at_end',
]);

/** A suite that makes its programs once for each contract and machine. */
function remembering(suite: Suite): Suite {
  const made = new Map<Contract, Map<string, Program[]>>();
  return {
    ...suite,
    programs(contract: Contract, environment: Environment) {
      const known = made.get(contract) ?? new Map<string, Program[]>();
      made.set(contract, known);
      const programs = known.get(environment.id) ?? [...suite.programs(contract, environment)];
      known.set(environment.id, programs);
      return programs;
    },
  };
}

const [stories, edges] = ['scenarios', 'boundary'].map((name) => remembering(chooseSuites(name)[0]!));

/** The contract of the first profile in which a defect makes a difference. */
function contractFor({ name, needs = {} }: SimulatorDefect) {
  const found = contracts.find(({ contract: { parameters } }) =>
    Object.entries(needs).every(([id, values]) => (values as readonly string[]).includes(parameters[id]!)),
  );
  if (found === undefined) throw new Error(`no profile is for the defect ${name}`);
  return found;
}

/** The first program of a suite that fails on a simulator with a defect, and the rule that it blames. */
async function firstFailure(defect: SimulatorDefect, suite: Suite): Promise<{ id: string; rule: string } | undefined> {
  const { contract } = contractFor(defect);
  const found = new AbortController();
  let first: { id: string; rule: string } | undefined;
  await run(
    {
      contract,
      adapter: simulatorAdapter(contract.parameters, `sim:defect=${defect.name}`, defect),
      strict: true,
      suites: [suite],
      signal: found.signal,
    },
    {
      onSession() {},
      onMissing() {},
      onCase(_, { program }, { failure }) {
        if (failure === undefined) return;
        first ??= { id: program.id, rule: failure.rule };
        found.abort();
      },
    },
  );
  return first;
}

describe.each(defects)('$name', (defect) => {
  const { profile } = contractFor(defect);

  test.skipIf(defect.unnoticed !== undefined)(`is noticed by ${profile}`, async () => {
    expect(await firstFailure(defect, byEdges.has(defect.name) ? edges! : stories!)).toBeDefined();
  });
});
