import { compileContract } from '../reference/interpreter/contract.ts';
import { selected } from '../spec/contract/selected.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import type { ContractData } from '../spec/contract/types.ts';
import type { CheckDifference } from '../spec/uapi/vocabulary.ts';

/** The contract that this project recommends. */
export const RECOMMENDED = 'v1-singleton';

/**
 * The findings that are not shown by a counterexample, by the rules and parameters in which a setting differs from the
 * recommended contract. `rules`: those of the setting, and of all bases that it was put on.
 */
export function differences(
  data: ContractData,
  parameters: Record<string, string>,
  rules: readonly string[],
  shown: ReadonlySet<string>,
): CheckDifference[] {
  if (!data.profiles.has(RECOMMENDED)) return [];
  const setting = parameterSetting(data, RECOMMENDED);
  const recommended = compileContract(data, setting).rules;
  const here = new Set([...rules, ...compileContract(data, parameters).rules]);
  return [...data.findings.values()].flatMap(({ id, sentence }) => {
    if (shown.has(id)) return [];
    const states = (rule: string) => data.rules.get(rule)!.findings?.includes(id) === true;
    const difference: CheckDifference = {
      defect: id,
      sentence,
      here: [...here].filter((rule) => states(rule) && !recommended.has(rule)),
      recommended: [...recommended].filter((rule) => states(rule) && !here.has(rule)),
      parameters: [...data.parameters.values()]
        .filter(({ findings, matters }) => findings?.includes(id) && selected(matters, parameters))
        .filter((parameter) => parameters[parameter.id] !== setting[parameter.id])
        .map((parameter) => `${parameter.id}=${parameters[parameter.id]}/${setting[parameter.id]}`),
    };
    const differs = [difference.here, difference.recommended, difference.parameters].some((all) => all.length > 0);
    return differs ? [difference] : [];
  });
}
