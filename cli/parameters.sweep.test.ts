import { describe, expect, inject, test } from 'vitest';
import { simulatorAdapter } from '../adapters/simulator/adapter.ts';
import { rulesNamed } from '../conformance/assess/named-rules.ts';
import { type CaseVerdict, decide } from '../conformance/assess/verdict.ts';
import { run } from '../conformance/running/run.ts';
import type { Suite } from '../conformance/suites/suite.ts';
import { chooseSuites } from '../conformance/suites/suites.ts';
import { compileContract } from '../reference/interpreter/contract.ts';
import { judge } from '../reference/judge.ts';
import { loadContract } from '../spec/contract/load.ts';
import { selected } from '../spec/contract/selected.ts';
import { lacking, parameterSetting } from '../spec/contract/setting.ts';
import { rulesOf, stepsWithin } from '../spec/contract/steps.ts';
import type { Parameter, Step } from '../spec/contract/types.ts';
import type { Environment, Trace } from '../spec/uapi/vocabulary.ts';

const data = loadContract();
/** Each parameter shows in one of these; most of them do in the first, which is the smaller one. */
const suites = chooseSuites('scenarios,boundary').sort((a) => (a.name === 'scenarios' ? -1 : 1));

/** Whether a parameter can have a value at a setting, and says something there. */
function counts(setting: Record<string, string>, { id, matters, needs = {} }: Parameter, value: string): boolean {
  const replaced = { ...setting, [id]: value };
  return selected(matters, setting) && selected(needs[value], replaced) && lacking(data, replaced) === undefined;
}

/** Every profile with every single parameter replaced by every other value. */
const all = [...data.profiles.keys()].flatMap((profile) => {
  const setting = parameterSetting(data, profile);
  return [...data.parameters.values()].flatMap((parameter) =>
    Object.keys(parameter.values)
      .filter((value) => value !== setting[parameter.id] && counts(setting, parameter, value))
      .map((value) => [profile, parameter.id, value] as const),
  );
});

/** In part each value of each parameter replaces another one in one profile, and not always in the same. */
const mismatches = { whole: all, part: onePerValue() }[inject('sweep')];

function onePerValue(): typeof all {
  const values = new Set(all.map(([, parameter, value]) => `${parameter}=${value}`));
  return [...values].map((one, nth) => {
    const alike = all.filter(([, parameter, value]) => `${parameter}=${value}` === one);
    return alike[nth % alike.length]!;
  });
}

/** Rules of steps that are selected by some parameters. */
function selectedBy(parameters: readonly string[]): Set<string> {
  const rules = new Set<string>();
  const walk = (steps: readonly Step[], within: boolean) => {
    for (const step of steps) {
      const own = parameters.some((parameter) => step.when && parameter in step.when);
      if (own || within) for (const id of rulesOf(step)) rules.add(id);
      walk(stepsWithin(step), own || within);
    }
  };
  for (const { steps } of data.handlers) walk(steps, false);
  return rules;
}

test('there are mismatches of every parameter that has a choice', () => {
  for (const { id, values } of data.parameters.values())
    if (Object.keys(values).length > 1)
      expect(
        all.some(([, parameter]) => parameter === id),
        id,
      ).toBe(true);
});

/** Whether a case shows that two settings differ. */
type Telling = (trace: Trace, verdict: CaseVerdict, environment: Environment) => boolean;

/** Programs that told a value of a parameter from another one, by suite: they are tried before all others. */
const telling = new Map<string, Map<Suite, Set<string>>>();

/** A suite with a few of its programs. */
const only = (suite: Suite, ids: ReadonlySet<string>): Suite => ({
  ...suite,
  *units(...on) {
    for (const unit of suite.units(...on)) {
      const wanted = [...ids].some((id) => id.startsWith(unit.id));
      if (wanted) yield { ...unit, programs: () => [...unit.programs()].filter(({ id }) => ids.has(id)) };
    }
  },
});

/** Whether a run of a simulator of one setting fails by the rules of another, with a failure that the setting of the simulator explains, or that names a rule of a parameter in which they differ. */
async function notices(
  parameter: string,
  simulated: Record<string, string>,
  expected: Record<string, string>,
): Promise<boolean> {
  const rules = selectedBy(Object.keys(expected).filter((name) => simulated[name] !== expected[name]));
  const known = telling.get(parameter) ?? new Map<Suite, Set<string>>();
  telling.set(parameter, known);
  const own = compileContract(data, simulated);
  const contract = compileContract(data, expected);
  const tells: Telling = (trace, { verdict, failure, judgement }, environment) => {
    const { program, outcomes } = trace;
    // A feature that is asked for and absent is no failure of single programs.
    if (verdict === 'absent') return expected[program.feature!] === 'present';
    if (!failure) return false;
    // What one side leaves undefined may end an implementation of it.
    const ended = { program, outcomes: [...outcomes, { value: 0 }] };
    if (judgement.kind !== 'violates') return judge(own, environment, ended).kind === 'undefined';
    // What a run says beside it: the setting that explains it, or a rule of the parameter.
    if (judge(own, environment, trace).kind === 'conforms') return true;
    const named = rulesNamed(contract, environment, trace, judgement.violation);
    return [...named].some((rule) => rules.has(rule));
  };
  const found = new AbortController();
  const judged = (trace: Trace, environment: Environment) => decide(contract, environment, trace, true);
  const plan = { contract, adapter: simulatorAdapter(simulated), only: [], judge: judged };
  const rounds: [Suite, Suite][] = [
    ...[...known].map(([suite, ids]): [Suite, Suite] => [suite, only(suite, ids)]),
    ...suites.map((suite): [Suite, Suite] => [suite, suite]),
  ];
  for (const [suite, chosen] of rounds) {
    if (found.signal.aborted) break;
    await run(
      { ...plan, suites: [chosen], signal: found.signal },
      {
        onCase({ trace }, verdict, environment) {
          if (found.signal.aborted || !tells(trace, verdict, environment)) return;
          known.set(suite, (known.get(suite) ?? new Set()).add(trace.program.id));
          found.abort();
        },
      },
    );
  }
  return found.signal.aborted;
}

describe.each(mismatches)('%s with %s=%s', (profile, parameter, value) => {
  const setting = parameterSetting(data, profile);
  const other = parameterSetting(data, profile, { [parameter]: value });
  const { permissive } = data.parameters.get(parameter)!;

  // What allows all that the other one asks for finds no fault with it.
  test.skipIf(setting[parameter] === permissive)('fails as a simulator of its own', async () => {
    expect(await notices(parameter, other, setting)).toBe(true);
  });

  test.skipIf(value === permissive)('fails as what is expected', async () => {
    expect(await notices(parameter, setting, other)).toBe(true);
  });
});
