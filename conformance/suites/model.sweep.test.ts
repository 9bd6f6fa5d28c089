import { beforeAll, describe, expect, inject, test } from 'vitest';
import { type Contract, compileContract } from '../../reference/interpreter/contract.ts';
import { judge } from '../../reference/judge.ts';
import { modelAdapter } from '../../reference/model-target.ts';
import { loadContract } from '../../spec/contract/load.ts';
import { parameterSetting } from '../../spec/contract/setting.ts';
import type { Environment, Trace } from '../../spec/uapi/vocabulary.ts';
import { Coverage } from '../assess/coverage.ts';
import { rulesNamed } from '../assess/named-rules.ts';
import { decide } from '../assess/verdict.ts';
import { run } from '../running/run.ts';
import { type Pattern, selectedUnits } from '../running/selection.ts';
import type { Unit } from './suite.ts';
import { chooseSuites, suites } from './suites.ts';

const data = loadContract();
const profiles = [...data.profiles.keys()];

/** Of these profiles a part takes a few suites: they reach the rules that stand in no other profile. */
const few = new Map(
  inject('sweep') === 'whole'
    ? []
    : [
        ['type1-6.1', 'scenarios'],
        ['v1-fixed', 'scenarios,faults'],
        ['v1-singleton', 'scenarios,isolation'],
      ],
);
const undefinedRules = new Set(
  [...data.rules.values()].flatMap(({ id, outcome }) => (outcome?.kind === 'undefined' ? id : [])),
);
const reached = new Set<string>();

/** Whether the failure of a trace that a contract does not allow names a rule. */
function isNamed(rule: string, contract: Contract, environment: Environment, trace: Trace): boolean {
  const judgement = judge(contract, environment, trace);
  return judgement.kind === 'violates' && rulesNamed(contract, environment, trace, judgement.violation).has(rule);
}

describe.each(profiles)('the contract as an implementation, profile %s', (profile) => {
  const contract = compileContract(data, parameterSetting(data, profile));
  const coverage = new Coverage(contract);
  const odd: unknown[] = [];
  const units = new WeakMap<Trace, { suite: string; unit: string }>();
  let programs = 0;
  beforeAll(async () => {
    await run(
      {
        contract,
        adapter: modelAdapter(contract, '0'),
        suites: few.has(profile) ? chooseSuites(few.get(profile)) : suites,
        only: [],
        judge: (trace, environment) => decide(contract, environment, trace, true),
      },
      {
        onCase({ suite, place, trace }, { verdict, judgement, reason, failure }, environment) {
          if (verdict !== 'pass' && verdict !== 'absent') odd.push([trace.program.id, reason, failure?.signature.rule]);
          coverage.note(judgement, environment, trace);
          units.set(trace, { suite, unit: place.unit });
          programs++;
        },
      },
    );
  });

  test('conforms to itself', () => {
    expect(programs).toBeGreaterThan(few.has(profile) ? 100 : 10_000);
    expect(odd).toEqual([]);
  });

  test('with a rule changed or removed some trace fails, and the failure names the rule', () => {
    const unreached: string[] = [];
    for (const rule of [...contract.rules].filter((id) => !undefinedRules.has(id))) {
      const dependence = coverage.reached(rule);
      if (!dependence) {
        unreached.push(rule);
        continue;
      }
      reached.add(rule);
      const { defect, environment, trace } = dependence;
      expect(defect.rule).toBe(rule);
      expect(judge(contract, environment, trace).kind, rule).toBe('conforms');
      const defective = compileContract(data, contract.parameters, defect);
      expect(isNamed(rule, defective, environment, trace), rule).toBe(true);
    }
    if (!few.has(profile)) expect(unreached).toEqual([]);
  });

  test('what is chosen for being about a rule has the program that shows the rule', () => {
    const missed: string[] = [];
    const made = new Map<string, Unit[]>();
    for (const id of contract.rules) {
      const { environment, trace } = coverage.reached(id) ?? {};
      if (!environment || !trace) continue;
      const { suite: name, unit } = units.get(trace)!;
      const suite = chooseSuites(name)[0]!;
      const key = `${name} ${environment.id}`;
      const all = made.get(key) ?? [...suite.units(contract, environment)];
      made.set(key, all);
      const it = { ...suite, units: () => all.filter((one) => one.id === unit) };
      const only: Pattern[] = [{ kind: 'rule', id }];
      const [about] = selectedUnits({ suites: [it], only }, it, contract, environment);
      if (!about) missed.push(`${id}: ${trace.program.id}`);
    }
    expect(missed).toEqual([]);
  });
});

test('every rule that any profile has is reached on one of them, but for those whose outcome is undefined', () => {
  const rules = profiles.flatMap((profile) => [...compileContract(data, parameterSetting(data, profile)).rules]);
  expect(rules.filter((rule) => !reached.has(rule) && !undefinedRules.has(rule))).toEqual([]);
});
