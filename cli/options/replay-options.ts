import type { Setting } from '../../conformance/assess/divergence.ts';
import type { ContractData } from '../../spec/contract/types.ts';
import { shellWords } from '../../spec/uapi/shell-words.ts';

/** What ran programs, and what they were judged by. */
interface Replayed extends Setting {
  target: string;
  /** Further targets, judged together with it. */
  others?: readonly string[];
  /** The parameters that a target followed which follows what it is judged by; the same by which it is judged, if not given. */
  followed?: Readonly<Record<string, string>>;
  modules?: string;
  boot?: string;
  kernelPackage?: string;
  environment?: string;
  spec?: string;
}

/** The options that make a replay run where a failure was and judge it as it was judged, as they are typed. */
export function replayOptions({
  target,
  others = [],
  followed,
  contract,
  profile,
  modules,
  boot,
  kernelPackage,
  environment,
  spec,
}: Replayed): string {
  const { data, parameters } = contract;
  const parts = ['--target', followed ? following(target, followed, parameters) : target];
  for (const one of others) parts.push('--target', one);
  parts.push('--profile', profile);
  for (const [id, value] of replacements(data, profile, parameters)) parts.push('--set', `${id}=${value}`);
  if (spec !== undefined) parts.push('--spec', spec);
  if (modules !== undefined) parts.push('--modules', modules);
  if (kernelPackage !== undefined) parts.push('--kernel-package', kernelPackage);
  if (boot !== undefined) parts.push('--boot', boot);
  if (environment !== undefined) parts.push('--environment', environment);
  return shellWords(parts);
}

/** What --set has to say so that a profile becomes a setting, without what its values bring along. */
function replacements(
  data: ContractData,
  profile: string,
  parameters: Readonly<Record<string, string>>,
): [id: string, value: string][] {
  const own = data.profiles.get(profile)!.parameters;
  const all = Object.entries(parameters);
  const implied: Record<string, string> = Object.assign(
    {},
    ...all.map(([id, value]) => (own[id] === value ? {} : data.parameters.get(id)!.implies?.[value])),
  );
  return all.filter(([id, value]) => (implied[id] ?? own[id]) !== value);
}

/** The simulator by the parameters that it followed, where it would now follow others. */
function following(
  target: string,
  followed: Readonly<Record<string, string>>,
  parameters: Readonly<Record<string, string>>,
): string {
  const [kind, own] = target.split(/:(.*)/s);
  if (kind !== 'sim') return target;
  const said = Object.entries(followed).flatMap(([id, value]) => (parameters[id] === value ? [] : [`${id}=${value}`]));
  // What the user had set for the simulator alone comes last, so that it counts.
  const all = [...said, ...(own ? [own] : [])];
  return all.length > 0 ? `sim:${all.join()}` : target;
}
