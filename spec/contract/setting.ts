import { Problem } from '../uapi/problem.ts';
import type { ContractData, Parameter } from './types.ts';

/** A profile's setting with single parameters replaced; throws a Problem for an unknown name or value. */
export function parameterSetting(
  contract: ContractData,
  profile: string,
  replaced: Record<string, string> = {},
): Record<string, string> {
  const known = contract.profiles.get(profile);
  if (!known)
    throw new Problem(`--profile ${profile}: unknown; known are ${[...contract.profiles.keys()].join(', ')}.`);
  let implied: Record<string, string> = {};
  for (const [name, value] of Object.entries(replaced)) {
    checkParameter(name, value, contract.parameters, `--set ${name}=${value}`);
    implied = { ...implied, ...contract.parameters.get(name)!.implies?.[value] };
  }
  const setting = { ...known.parameters, ...implied, ...replaced };
  const impossible = lacking(contract, setting);
  if (impossible) throw new Problem(`--profile ${profile}: ${impossible}; set it otherwise with --set.`);
  return setting;
}

/** Which value of a setting lacks what it needs, in words; undefined if none does. */
export function lacking({ parameters }: ContractData, setting: Record<string, string>): string | undefined {
  for (const { id, needs = {} } of parameters.values()) {
    for (const [name, values] of Object.entries(needs[setting[id]!] ?? {})) {
      if (![values].flat().includes(setting[name]!))
        return `${id}=${setting[id]} needs ${name}=${[values].flat().join(' or ')}`;
    }
  }
  return undefined;
}

/** Checks that a parameter is known and can have a value; throws a Problem at the place. */
export function checkParameter(name: string, value: string, parameters: Map<string, Parameter>, place: string): void {
  const parameter = parameters.get(name);
  if (!parameter)
    throw new Problem(`${place}: parameter ${name} is unknown; known are ${[...parameters.keys()].join(', ')}.`);
  if (!Object.hasOwn(parameter.values, value)) {
    throw new Problem(`${place}: ${name} cannot be ${value}; it can be ${Object.keys(parameter.values).join(', ')}.`);
  }
}
