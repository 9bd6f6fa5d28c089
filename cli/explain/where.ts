import type { Setting } from '../../conformance/assess/divergence.ts';
import { compileContract } from '../../reference/interpreter/contract.ts';
import { parameterSetting } from '../../spec/contract/setting.ts';
import type { ContractData, Profile } from '../../spec/contract/types.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import { uapi } from '../../spec/uapi/uapi.ts';
import type { SettingOptions } from '../options/setting.ts';

/** The profiles that have a rule, in words; where none has, the single parameters that bring it. */
export function profilesText(data: ContractData, rule: string): string {
  const having = [...data.profiles.keys()].filter((profile) => rulesAt(data, profile).has(rule));
  if (having.length === data.profiles.size) return 'in every profile';
  if (having.length > 0) return `in ${having.join(', ')}`;
  const settings = settingsThatBring(data, rule);
  return ['in no profile as it is', ...settings.map((one) => `in ${one}`)].join('; ');
}

/** The rules of a profile, with single parameters replaced; none where the setting is impossible. */
export function rulesAt(
  data: ContractData,
  profile: string,
  replaced: Record<string, string> = {},
): ReadonlySet<string> {
  const key = `${profile} ${Object.entries(replaced)}`;
  const known = compiled.get(data) ?? new Map<string, ReadonlySet<string>>();
  compiled.set(data, known);
  if (!known.has(key)) known.set(key, compiledRules(data, profile, replaced));
  return known.get(key)!;
}

/** Rules by contract data and setting: the same are asked for again and again. */
const compiled = new WeakMap<ContractData, Map<string, ReadonlySet<string>>>();

function compiledRules(data: ContractData, profile: string, replaced: Record<string, string>): ReadonlySet<string> {
  try {
    return compileContract(data, parameterSetting(data, profile, replaced)).rules;
  } catch (error) {
    if (error instanceof Problem) return new Set();
    throw error;
  }
}

/** Profiles with one parameter replaced that have a rule, in words: the first profile that will do. */
function settingsThatBring(data: ContractData, rule: string): string[] {
  return [...data.parameters.values()].flatMap(({ id, values }) => {
    const brings = (profile: string) =>
      Object.keys(values).filter((value) => rulesAt(data, profile, { [id]: value }).has(rule));
    const profile = [...data.profiles.keys()].find((one) => brings(one).length > 0);
    return profile === undefined ? [] : [`${profile} with ${id}=${brings(profile).join(' or ')}`];
  });
}

/** The profiles with requests of the 2020 nesting series. */
export function profilesOfTheSeries(data: ContractData): Profile[] {
  const features = Object.values(uapi.ioctls).flatMap(({ fd, feature }) =>
    fd === 'container' && feature ? [feature] : [],
  );
  return [...data.profiles.values()].filter(({ parameters }) => features.some((one) => parameters[one] === 'present'));
}

/** A profile, and what was set in it, in words. */
export function labelOf({ profile }: Setting, { set }: SettingOptions): string {
  return set ? `${profile} with ${set.join(' and ')}` : profile;
}
