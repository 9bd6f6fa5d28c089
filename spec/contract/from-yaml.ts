import type { YamlChoice, YamlHandler, YamlOutcome, YamlRule, YamlStep } from './contract-yaml-types.ts';
import type { Handler, Rule, RuleOutcome, Step } from './types.ts';

/** A rule as the contract has it, of one that its schema allows. */
export function ruleFromYaml({ outcome, ...rule }: YamlRule): Rule {
  return { ...rule, ...(outcome && { outcome: outcomeFromYaml(outcome) }) };
}

/** The schema allows exactly one key. */
function outcomeFromYaml({ errno, value, range, oneOf, fd }: YamlOutcome): RuleOutcome {
  if (errno !== undefined) return { kind: 'errno', errno };
  if (value !== undefined) return { kind: 'value', value };
  if (range) return { kind: 'range', first: range[0], last: range[1] };
  if (oneOf) return { kind: 'one_of', outcomes: oneOf.map(outcomeFromYaml) };
  return { kind: fd ? 'fd' : 'undefined' };
}

/** A handler as the contract has it, of one that its schema allows. */
export function handlerFromYaml({ steps, ...handler }: YamlHandler): Handler {
  return { ...handler, steps: steps.map(stepFromYaml) };
}

/** The schema allows exactly one of the keys that say what a step is, and asks for what it needs. */
function stepFromYaml(yaml: YamlStep): Step {
  const { refuse, read, write, effect, case: applies, return: result, each, steps = [] } = yaml;
  const common = present({ if: yaml.if, when: yaml.when });
  if (refuse !== undefined) return { kind: 'refuse', rule: refuse, ...common };
  if (effect !== undefined) return { kind: 'effect', rule: effect, ...common };
  if (applies !== undefined) return { kind: 'case', rule: applies, ...common };
  if (result !== undefined) return { kind: 'return', rule: result, ...common };
  if (read !== undefined) return { kind: 'read', rule: read, from: yaml.from!, length: yaml.length!, ...common };
  if (write !== undefined) {
    const { from, length, up_to, on_fault } = yaml;
    return { kind: 'write', rule: write, ...present({ from, length, up_to, on_fault }), ...common };
  }
  if (each === undefined) return { kind: 'block', steps: steps.map(stepFromYaml), ...common };
  if (each !== 'devices') return { kind: 'each', over: each, steps: steps.map(stepFromYaml), ...common };
  const words = {
    stop: choiceFromYaml<DevicesStep['stop']>(yaml.stop),
    result: choiceFromYaml<DevicesStep['result']>(yaml.result),
    undo: choiceFromYaml<DevicesStep['undo']>(yaml.undo),
  };
  return { kind: 'each_device', table: yaml.table!, ...present({ undo_table: yaml.undo_table, ...words }), ...common };
}

type DevicesStep = Extract<Step, { kind: 'each_device' }>;

/** One of the words that the schema allows, and the rule that asks for it. */
function choiceFromYaml<T>(choice: YamlChoice | undefined): T | undefined {
  if (!choice) return undefined;
  const [word, rule] = Object.entries(choice)[0]!;
  return { word, rule } as T;
}

/** An object without the keys that have no value. */
function present<T extends object>(all: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as ReturnType<
    typeof present<T>
  >;
}
