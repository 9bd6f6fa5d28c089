import { describe, expect, test } from 'vitest';
import { simulatorAdapter } from '../adapters/simulator/adapter.ts';
import { run } from '../conformance/run.ts';
import { chooseSuites } from '../conformance/suites.ts';
import { compileContract, selected } from '../reference/contract.ts';
import { lacking, loadContract, parameterSetting } from '../spec/contract/load.ts';
import type { Parameter, Step } from '../spec/contract/types.ts';

const data = loadContract();
/** Each parameter shows in one of these. */
const suites = chooseSuites('scenarios,boundary');

/** Whether a parameter can have a value at a setting, and says something there. */
function counts(setting: Record<string, string>, { id, matters, needs = {} }: Parameter, value: string): boolean {
  const replaced = { ...setting, [id]: value };
  return selected(matters, setting) && selected(needs[value], replaced) && lacking(data, replaced) === undefined;
}

/** Every profile with every single parameter replaced by every other value. */
const mismatches = [...data.profiles.keys()].flatMap((profile) => {
  const setting = parameterSetting(data, profile);
  return [...data.parameters.values()].flatMap((parameter) =>
    Object.keys(parameter.values)
      .filter((value) => value !== setting[parameter.id] && counts(setting, parameter, value))
      .map((value) => [profile, parameter.id, value] as const),
  );
});

/** Rules of steps that are selected by a parameter. */
function selectedBy(parameter: string): Set<string> {
  const rules = new Set<string>();
  const walk = (steps: Step[]) => {
    for (const step of steps) {
      if (step.when && parameter in step.when) for (const key of kinds) if (step[key]) rules.add(step[key]);
      if (step.steps) walk(step.steps);
    }
  };
  for (const { steps } of data.handlers) walk(steps);
  return rules;
}

const kinds = ['refuse', 'read', 'write', 'effect', 'case', 'return'] as const;

test('there are mismatches of every parameter that has a choice', () => {
  for (const { id, values } of data.parameters.values())
    if (Object.keys(values).length > 1)
      expect(
        mismatches.some(([, parameter]) => parameter === id),
        id,
      ).toBe(true);
});

/** Whether a run of a simulator of one setting fails by the rules of another, with a failure that names a rule of the parameter. */
async function notices(
  simulated: Record<string, string>,
  expected: Record<string, string>,
  parameter: string,
): Promise<boolean> {
  const rules = selectedBy(parameter);
  const found = new AbortController();
  const plan = {
    contract: compileContract(data, expected),
    adapter: simulatorAdapter(simulated),
    suites,
    strict: true,
  };
  await run(
    { ...plan, signal: found.signal },
    {
      onSession() {},
      onMissing() {},
      onCase(_, __, { failure }) {
        if (!failure) return;
        const named = [failure.rule, failure.alternative, ...failure.history.map((entry) => entry.rule)];
        if (named.some((rule) => rule !== undefined && rules.has(rule))) found.abort();
      },
    },
  );
  return found.signal.aborted;
}

describe.each(mismatches)('%s with %s=%s', (profile, parameter, value) => {
  const setting = parameterSetting(data, profile);
  const other = { ...setting, [parameter]: value };
  const { permissive } = data.parameters.get(parameter)!;

  // What allows all that the other one asks for finds no fault with it.
  test.skipIf(setting[parameter] === permissive)('fails as a simulator of its own', async () => {
    expect(await notices(other, setting, parameter)).toBe(true);
  });

  test.skipIf(value === permissive)('fails as what is expected', async () => {
    expect(await notices(setting, other, parameter)).toBe(true);
  });
});
