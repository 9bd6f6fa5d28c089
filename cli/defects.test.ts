import { describe, expect, test } from 'vitest';
import { simulatorAdapter } from '../adapters/simulator/adapter.ts';
import type { SimulatorDefect } from '../adapters/simulator/defects/defect.ts';
import { defects } from '../adapters/simulator/defects/registry.ts';
import { decide } from '../conformance/assess/verdict.ts';
import { run } from '../conformance/running/run.ts';
import { programsOf, type Suite } from '../conformance/suites/suite.ts';
import { chooseSuites } from '../conformance/suites/suites.ts';
import type { Contract } from '../reference/interpreter/contract.ts';
import { loadContract } from '../spec/contract/load.ts';
import type { Environment, Program } from '../spec/uapi/vocabulary.ts';
import { contractFor } from './test-defects.ts';

const data = loadContract();

/** Defects that only the edges of arguments show; stories show all others, and sooner. */
const byEdges = new Set([
  'map_accepts_wrapping_vaddr',
  'map_checks_overlap_before_size',
  'read_reports_more_than_it_copied',
  'unmap_cuts_at_end',
]);

/** A suite that makes its programs once for each contract and machine. */
function remembering(suite: Suite): Suite {
  const made = new Map<Contract, Map<string, Program[]>>();
  return {
    ...suite,
    units(contract: Contract, environment: Environment) {
      const known = made.get(contract) ?? new Map<string, Program[]>();
      made.set(contract, known);
      const programs = known.get(environment.id) ?? [...programsOf(suite, contract, environment)];
      known.set(environment.id, programs);
      return [{ id: suite.name, ops: [], programs: () => programs }];
    },
  };
}

const [stories, edges] = ['scenarios', 'boundary'].map((name) => remembering(chooseSuites(name)[0]!));

/** The first program of a suite that fails on a simulator with a defect, and the rule that it blames. */
async function firstFailure(defect: SimulatorDefect, suite: Suite): Promise<{ id: string; rule: string } | undefined> {
  const { contract } = contractFor(data, defect);
  const found = new AbortController();
  let first: { id: string; rule: string } | undefined;
  await run(
    {
      contract,
      adapter: simulatorAdapter(contract.parameters, `sim:defect=${defect.name}`, defect),
      suites: [suite],
      only: [],
      judge: (trace, environment) => decide(contract, environment, trace, true),
      signal: found.signal,
    },
    {
      onCase({ trace: { program } }, { failure }) {
        if (failure === undefined) return;
        first ??= { id: program.id, rule: failure.signature.rule };
        found.abort();
      },
    },
  );
  return first;
}

describe.each(defects)('$name', (defect) => {
  const { profile } = contractFor(data, defect);

  test.skipIf(defect.unnoticed !== undefined)(`is noticed by ${profile}`, async () => {
    expect(await firstFailure(defect, byEdges.has(defect.name) ? edges! : stories!)).toBeDefined();
  });
});
