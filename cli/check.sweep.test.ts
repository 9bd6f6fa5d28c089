import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { simulatorAdapter } from '../adapters/simulator/adapter.ts';
import { assignSlots } from '../conformance/suite.ts';
import { compileContract } from '../reference/contract.ts';
import { judge } from '../reference/judge.ts';
import { describeOutcome } from '../reference/outcome.ts';
import type { CheckedProfiles } from '../reports/reference/counterexamples-page.ts';
import { loadContract, parameterSetting } from '../spec/contract/load.ts';
import { packageRoot } from '../spec/uapi/package-root.ts';
import { validator } from '../spec/uapi/validator.ts';
import type { CheckResult, Counterexample } from '../spec/uapi/vocabulary.ts';
import { checkedProfiles } from './checked-profiles.ts';
import { isGenerated, pagesOf } from './spec-command.ts';

/** What was found out about the series by reading it, and breaks an invariant. */
const known = 'L1 L6 L7 L8 B1 B2 B3 B4 V10 V11 V13 V14 P2 P3 U1 U2 U3 U4 U5'.split(' ');

const data = loadContract();
let checked: CheckedProfiles;
let counterexamples: Counterexample[];

beforeAll(() => {
  checked = checkedProfiles(data, () => {})!;
  counterexamples = checked.series.invariants.flatMap((one) => one.counterexamples);
}, 600_000);

describe('the series as posted', () => {
  test.each(known)('%s is found, by at most six ops', (finding) => {
    const shown = counterexamples.filter(({ defects }) => defects.includes(finding));
    expect(shown.length).toBeGreaterThan(0);
    expect(Math.min(...shown.map(({ steps }) => steps))).toBeLessThanOrEqual(6);
  });

  test('every counterexample is answered alike by the simulator, and the contract allows it', async () => {
    for (const { program, outcomes, parameters, invariant, defects } of counterexamples) {
      const setting = parameterSetting(data, 'v1', parameters);
      const { machine = {}, slots } = program.topology;
      const session = await simulatorAdapter(setting).start({ machine, slots: Object.values(slots) });
      const { environment } = session.description;
      const result = await session.run(program, assignSlots(slots, environment)!);
      await session.stop();
      const name = `${invariant} ${defects}`;
      expect(result.outcomes.map(withoutSpan).map(describeOutcome), name).toEqual(outcomes.map(describeOutcome));
      // Where nobody can say what happens, the simulated kernel does not survive it.
      const ends = outcomes.length === program.ops.length;
      expect(result.end, name).toBe(ends ? 'completed' : 'crashed');
      if (!ends) expect(['V5', 'V12', ''], name).toContain(defects.join());
      expect(judge(compileContract(data, setting), environment, { program, ...result }).kind, name).toBe('conforms');
    }
  });

  test('findings that break nothing are told by the rules that differ', () => {
    const told = checked.series.differences.map(({ defect }) => defect);
    const shown = new Set(counterexamples.flatMap(({ defects }) => defects));
    // An empty set of caches and ATS are the same everywhere.
    const silent = [...data.findings.keys()].filter((id) => !told.includes(id) && !shown.has(id));
    expect(silent).toEqual(['C4', 'A5']);
    expect(told.filter((id) => shown.has(id))).toEqual([]);
  });

  test('is looked at on every driver', () => {
    const drivers = checked.series.bases.map(({ parameters }) => parameters.driver);
    expect(drivers[0]).toBe('v10');
    expect(drivers.sort()).toEqual(Object.keys(data.parameters.get('driver')!.values).sort());
  });
});

describe('the repaired contracts', () => {
  test.each(['v1-singleton', 'v1-fixed'])('%s keeps every invariant that it promises', (profile) => {
    const result = checked.keeping.find((one) => one.profile === profile)!;
    expect(result.notAsked).toEqual(profile === 'v1-fixed' ? ['I4'] : []);
    expect(result.invariants.length + result.notAsked.length).toBe(data.invariants.size);
    for (const { id, holds, premise, depth, exhausted, steps } of result.invariants) {
      expect({ id, holds, steps }).toEqual({ id, holds: true, steps: null });
      expect(premise, id).toBeGreaterThan(100);
      expect(exhausted || depth >= 8, id).toBe(true);
    }
    expect(result.holds).toBe(true);
  });
});

test('every rule that the requests bring is taken, or it is said why not', () => {
  for (const { rules } of all()) {
    expect(rules.untaken.filter(({ why }) => why === undefined)).toEqual([]);
    expect(rules.taken).toBeGreaterThan(60);
  }
});

test('what check prints fits its schema', () => {
  const validate = validator(`${packageRoot}/spec/uapi/schema`, 'check-result.schema.json');
  for (const result of all())
    expect(validate(JSON.parse(JSON.stringify(result))), JSON.stringify(validate.errors)).toBe(true);
});

test('what stands in docs/reference is current', () => {
  const folder = join(packageRoot, 'docs/reference');
  const files = pagesOf(data, checked);
  const found = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  expect(found.filter((path) => isGenerated(folder, path)).sort()).toEqual([...files.keys()].sort());
  for (const [path, text] of files) expect(readFileSync(join(folder, path), 'utf8') === text, path).toBe(true);
});

const all = (): CheckResult[] => [checked.series, ...checked.keeping];

const withoutSpan = ({ span: _, ...outcome }: Counterexample['outcomes'][number]) => outcome;
