import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Setting } from '../../conformance/assess/divergence.ts';
import { compileContract } from '../../reference/interpreter/contract.ts';
import { type Identifier, retired, retirementText } from '../../spec/contract/identifiers.ts';
import { loadContract } from '../../spec/contract/load.ts';
import { parameterSetting } from '../../spec/contract/setting.ts';
import type { ContractData } from '../../spec/contract/types.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import type { RecordHeader } from '../../spec/uapi/vocabulary.ts';

/** Options that choose what to judge by. */
export interface SettingOptions {
  profile?: string;
  set?: string[];
  spec?: string;
}

/** The contract that the options ask for. Throws a Problem. */
export function loadSetting(options: SettingOptions, defaultProfile: string): Setting {
  const profile = options.profile ?? defaultProfile;
  const data = loadData(options);
  if (options.profile === undefined && !data.profiles.has(profile)) {
    throw new Problem(
      `there is no profile ${profile}; choose one with --profile: ${[...data.profiles.keys()].join(', ')}.`,
    );
  }
  return settingAt(data, profile, options);
}

/** The data of the contract that the options ask for, at no setting yet. Throws a Problem. */
export function loadData({ spec }: SettingOptions): ContractData {
  return loadContract(specFolder(spec));
}

/** The contract at a profile, with the parameters that the options set. Throws a Problem for what is unknown or impossible. */
export function settingAt(data: ContractData, profile: string, { set }: SettingOptions): Setting {
  refuseRetired(data, profile, assignments(set));
  return { contract: compileContract(data, parameterSetting(data, profile, assignments(set))), profile };
}

/** Throws a Problem for a profile, parameter or value that the contract had once. */
function refuseRetired({ profiles, parameters }: ContractData, profile: string, set: Record<string, string>): void {
  const gone = [
    profiles.has(profile) ? undefined : retired(profile, ['profile']),
    ...Object.entries(set).map(([name, value]) => retiredAssignment(parameters, name, value)),
  ].find((one) => one !== undefined);
  if (gone) throw new Problem(`${gone.kind === 'profile' ? '--profile' : '--set'} ${gone.id}: ${retirementText(gone)}`);
}

/** How a parameter or its value was retired; undefined for what there is, and for what there never was. */
export function retiredAssignment(
  parameters: ContractData['parameters'],
  name: string,
  value: string,
): Identifier | undefined {
  if (parameters.get(name)?.values[value] !== undefined) return undefined;
  return retired(`${name}=${value}`, ['value']) ?? retired(name, ['parameter']);
}

/**
 * The contract that a record was made with, as far as the options do not say otherwise: with another profile, the
 * record's parameters do not count. Throws a Problem.
 */
export function recordedSetting(file: string, header: RecordHeader, options: SettingOptions): Setting {
  const { profile, parameters } = options.profile === undefined ? header : { profile: options.profile, parameters: {} };
  const data = loadData(options);
  const strange = Object.entries(parameters).filter(([name, value]) => !data.parameters.get(name)?.values[value]);
  if (profile === header.profile && !data.profiles.has(profile)) strange.unshift(['profile', profile]);
  if (strange.length > 0) {
    throw new Problem(
      `${file}: was made with ${strange.map((pair) => pair.join('=')).join(', ')}, which the contract does not have; name the one it was made with by --spec.`,
    );
  }
  const replaced = { ...parameters, ...assignments(options.set) };
  return { contract: compileContract(data, parameterSetting(data, profile, replaced)), profile };
}

/** --spec takes a copy of spec/ or of spec/contract/. */
function specFolder(given: string | undefined): string | undefined {
  if (given === undefined) return undefined;
  if (!existsSync(given)) throw new Problem(`--spec ${given}: there is no such folder; copy spec/contract/ there.`);
  if (!statSync(given).isDirectory())
    throw new Problem(`--spec ${given}: is no folder; name one that has a copy of spec/contract/.`);
  return existsSync(join(given, 'contract')) ? join(given, 'contract') : given;
}

/** The PARAMETER=VALUE pairs of --set. Throws a Problem. */
export function assignments(pairs: readonly string[] = []): Record<string, string> {
  return parsedAssignments(pairs, (pair) => `--set ${pair}: write PARAMETER=VALUE.`, '--set');
}

/** NAME=VALUE pairs of an option. Throws a Problem: what `malformed` says, and for a name that is given two values. */
export function parsedAssignments(
  pairs: readonly string[],
  malformed: (pair: string) => string,
  option: string,
): Record<string, string> {
  const values = new Map<string, string>();
  for (const pair of pairs) {
    const [, name, value] = /^([^=]+)=(.+)$/s.exec(pair) ?? [];
    if (name === undefined || value === undefined) throw new Problem(malformed(pair));
    const other = values.get(name);
    if (other !== undefined && other !== value)
      throw new Problem(`${option}: ${name} is to be both ${other} and ${value}; give it one value.`);
    values.set(name, value);
  }
  return Object.fromEntries(values);
}
