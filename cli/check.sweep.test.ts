import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { simulatorAdapter } from '../adapters/simulator/adapter.ts';
import { assignSlots } from '../conformance/suites/suite.ts';
import { check } from '../modelcheck/check.ts';
import { compileContract } from '../reference/interpreter/contract.ts';
import { describeOutcome } from '../reference/interpreter/outcome.ts';
import { judge } from '../reference/judge.ts';
import type { CheckedProfiles } from '../reports/reference/pages/counterexamples-page.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import { packageRoot } from '../spec/uapi/package-root.ts';
import { validator } from '../spec/uapi/validator.ts';
import type { CheckResult, Counterexample } from '../spec/uapi/vocabulary.ts';
import { checkedProfiles } from './checked-profiles.ts';
import { isGenerated, pagesOf } from './spec-command.ts';

/** What was found out about the series by reading it, and breaks an invariant. */
const known = 'L1 L6 L7 L8 B1 B2 B3 B4 V10 V11 V13 V14 P2 P3 U1 U2 U3 U4 U5'.split(' ');

const data = loadContract();
const whole = inject('sweep') === 'whole';
/** Of a part, ops after the set-up of the profiles that keep what they promise. */
const DEPTH = 3;

let checked: CheckedProfiles | undefined;
let series: CheckResult[];
let keeping: readonly CheckResult[];
let counterexamples: Counterexample[];

/** The series breaks early: of each driver one op and what follows from it are enough, but for one finding. */
const seriesInPart = (): CheckResult[] => [
  check(data, { profile: 'v1', set: {}, depth: 1 }),
  check(data, { profile: 'v1', set: { driver: 'v11' }, depth: 3, only: ['two_domains'] }),
];

beforeAll(() => {
  if (whole) {
    checked = checkedProfiles(data, () => {})!;
    series = [checked.series];
    keeping = checked.keeping;
  } else {
    series = seriesInPart();
    keeping = ['v1-singleton', 'v1-fixed'].map((profile) => check(data, { profile, set: {}, depth: DEPTH }));
  }
  counterexamples = series.flatMap(({ parameters, invariants }) =>
    invariants.flatMap((one) =>
      one.counterexamples.map((shown) => ({ ...shown, parameters: { ...parameters, ...shown.parameters } })),
    ),
  );
});

describe('the series as posted', () => {
  test('every invariant that it is asked for is broken', () => {
    const broken = new Set(counterexamples.map(({ invariant }) => invariant));
    expect([...broken].sort()).toEqual(series[0]!.invariants.map(({ id }) => id).sort());
  });

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
    const told = series.flatMap(({ differences }) => differences).map(({ defect }) => defect);
    const shown = new Set(counterexamples.flatMap(({ defects }) => defects));
    // An empty set of caches and ATS are the same everywhere.
    const silent = [...data.findings.keys()].filter((id) => !told.includes(id) && !shown.has(id));
    expect(silent).toEqual(['C4', 'A5']);
    if (whole) expect(told.filter((id) => shown.has(id))).toEqual([]);
  });

  test('is looked at on every driver', () => {
    const drivers = series[0]!.bases.map(({ parameters }) => parameters.driver);
    expect(drivers[0]).toBe('v10');
    expect(drivers.sort()).toEqual(Object.keys(data.parameters.get('driver')!.values).sort());
  });
});

describe('the repaired contracts', () => {
  test.each(['v1-singleton', 'v1-fixed'])('%s keeps every invariant that it promises', (profile) => {
    const result = keeping.find((one) => one.profile === profile)!;
    expect(result.notAsked).toEqual(profile === 'v1-fixed' ? ['I4'] : []);
    expect(result.invariants.length + result.notAsked.length).toBe(data.invariants.size);
    for (const { id, holds, premise, depth, exhausted, steps } of result.invariants) {
      expect({ id, holds, steps }).toEqual({ id, holds: true, steps: null });
      expect(premise, id).toBeGreaterThan(whole ? 100 : 50);
      expect(exhausted || depth >= (whole ? 8 : DEPTH), id).toBe(true);
    }
    expect(result.holds).toBe(true);
  });
});

test('every rule that the requests bring is taken, or it is said why not', () => {
  const takes = ({ parameters, rules }: CheckResult, rule: string) =>
    compileContract(data, parameters).rules.has(rule) && !rules.untaken.some(({ id }) => id === rule);
  for (const same of [series, ...keeping.map((one) => [one])]) {
    const { rules } = same[0]!;
    const left = rules.untaken.filter(({ id, why }) => why === undefined && !same.some((one) => takes(one, id)));
    expect(left).toEqual([]);
    expect(rules.taken).toBeGreaterThan(60);
  }
});

test('what check prints fits its schema', () => {
  const validate = validator('check-result.schema.json');
  for (const result of [...series, ...keeping])
    expect(validate(JSON.parse(JSON.stringify(result))), JSON.stringify(validate.errors)).toBe(true);
});

test.runIf(whole)('what stands in docs/reference is current', () => {
  const folder = join(packageRoot, 'docs/reference');
  const files = pagesOf(data, checked!);
  const found = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  expect(found.filter((path) => isGenerated(folder, path)).sort()).toEqual([...files.keys()].sort());
  for (const [path, text] of files) expect(readFileSync(join(folder, path), 'utf8') === text, path).toBe(true);
});

const withoutSpan = ({ span: _, ...outcome }: Counterexample['outcomes'][number]) => outcome;
