import { release } from 'node:os';
import type { CoverageCollector } from '../adapters/kernel/coverage.ts';
import type { SimulatorDefect } from '../adapters/simulator/defects/defect.ts';
import type { Contract } from '../reference/interpreter/contract.ts';
import { retirementText } from '../spec/contract/identifiers.ts';
import type { Adapter } from '../spec/uapi/adapter.ts';
import { Problem } from '../spec/uapi/problem.ts';
import { visible } from '../spec/uapi/visible.ts';
import { type DevTargetOptions, parsedDevOptions, refuseDevOptions } from './options/dev-options.ts';
import { parsedAssignments, retiredAssignment } from './options/setting.ts';
import { wholeNumber } from './options/whole-number.ts';

/** The profile by which a target is judged by default. */
export function defaultProfile(target: string): string {
  if (target === 'dev') return /^6\.1(\D|$)/.test(release()) ? 'type1-6.1' : 'type1-6.12';
  if (!/^kernel(:|$)/.test(target)) return 'v1-singleton';
  return `type1-${/^\d+\.\d+/.exec(packagedVersion(target) ?? '')?.[0] ?? '6.12'}`;
}

/** The version that a target names: of a release, as in kernel:6.12, or of a package, as in kernel:6.12.117-1. */
export function packagedVersion(target: string): string | undefined {
  return /^kernel:(\d+\.\d+(?:\.\d[^/]*)?)$/.exec(target)?.[1];
}

/** What a target is given beside its name. */
export interface TargetOptions extends DevTargetOptions {
  /** Further daemons, which are judged together with it. */
  others?: readonly string[];
  modules?: string;
  boot?: string;
  kernelPackage?: string;
  /** Seconds for which the target may say nothing. */
  stall?: string;
  coverage?: CoverageCollector;
  /** Hears lines for people; by default they go to standard error. */
  say?(line: string): void;
}

/** A target that can be started. */
interface OpenedTarget {
  adapter: Adapter;
  /** It has no reasons of its own to run out of memory. */
  strict: boolean;
  /** What it was given and what it took, for the header of a record. */
  options: Record<string, string>;
}

/** Seconds; the timers of Node.js hold no more. */
const longestStall = Math.floor((2 ** 31 - 1) / 1000);

/** Targets that have every machine already. */
const wholeTargets: readonly string[] = ['sim', 'model', 'kernel', 'dev'];

/** A target by the name that the user gave, with further ones if there are. Throws a Problem. */
export async function openTarget(
  target: string,
  contract: Contract,
  version: string,
  { others = [], ...options }: TargetOptions = {},
): Promise<OpenedTarget> {
  if (others.length === 0) return openOne(target, contract, version, options);
  const targets = [target, ...others];
  for (const [index, one] of targets.entries()) {
    if (wholeTargets.includes(one.split(':')[0]!))
      throw new Problem(`--target ${one}: has every machine already; give --target several times for daemons only.`);
    if (targets.indexOf(one) < index) throw new Problem(`--target ${one}: is given twice; give it once.`);
  }
  const opened: OpenedTarget[] = [];
  for (const one of targets) opened.push(await openOne(one, contract, version, options));
  const { severalAdapter } = await import('../adapters/remote/several.ts');
  const given = Object.fromEntries(others.map((one, index) => [otherTarget(index), one]));
  return {
    adapter: severalAdapter(opened.map(({ adapter }) => adapter)),
    strict: false,
    options: { ...opened[0]!.options, ...given },
  };
}

/** Where the options of a record have the further targets. */
const otherTarget = (index: number): string => `target${index + 2}`;

/** The further targets that a record is of. */
export function othersOf(options: Readonly<Record<string, string>>): string[] {
  const others: string[] = [];
  for (let one = options[otherTarget(0)]; one !== undefined; one = options[otherTarget(others.length)])
    others.push(one);
  return others;
}

async function openOne(
  target: string,
  contract: Contract,
  version: string,
  options: TargetOptions,
): Promise<OpenedTarget> {
  const { modules, boot, kernelPackage, stall, coverage, say = toStandardError } = options;
  const colon = target.indexOf(':');
  const [kind, rest] = colon < 0 ? [target, undefined] : [target.slice(0, colon), target.slice(colon + 1)];
  const forKernels = { modules, boot, kernelPackage };
  for (const [name, value] of Object.entries(forKernels))
    if (value !== undefined && kind !== 'kernel')
      throw new Problem(`--${optionName(name)} ${value}: only for --target kernel.`);
  if (kind !== 'dev') refuseDevOptions(options);
  const stallSeconds = stall === undefined ? undefined : wholeNumber('stall', stall, 1, longestStall);
  if (stallSeconds !== undefined && !['kernel', 'dev', 'exec', 'unix', 'ssh'].includes(kind))
    throw new Problem(
      `--stall ${stall}: only for targets in processes of their own, dev, exec:COMMAND, unix:PATH, ssh:HOST and kernel.`,
    );
  const given = Object.fromEntries(
    Object.entries({ ...forKernels, stall }).filter((one): one is [string, string] => one[1] !== undefined),
  );
  // Downloads and fall-backs are for people to know.
  const note = (line: string): void => say(`vfio-conform: ${visible(line)}`);
  switch (kind) {
    case 'sim': {
      const { simulatorAdapter } = await import('../adapters/simulator/adapter.ts');
      const { defect: name, ...parameters } = simulatorParameters(target, rest);
      for (const [parameter, value] of Object.entries(parameters)) {
        const old = retiredAssignment(contract.data.parameters, parameter, value);
        if (old) throw new Problem(`--target ${target}: ${retirementText(old)}`);
      }
      const defect = name === undefined ? undefined : await simulatorDefect(name);
      return {
        adapter: simulatorAdapter({ ...contract.parameters, ...parameters }, target, defect),
        strict: true,
        options: {},
      };
    }
    case 'model': {
      if (rest !== undefined) throw new Problem(`--target ${target}: model takes nothing after it; use --set.`);
      const { modelAdapter } = await import('../reference/model-target.ts');
      return { adapter: modelAdapter(contract, version), strict: true, options: {} };
    }
    case 'exec': {
      if (!rest) throw new Problem('--target exec: name a command, as in exec:./my-daemon.');
      const { execAdapter } = await import('../adapters/remote/exec.ts');
      const adapter = execAdapter(rest, { ...(stallSeconds && { stallMs: stallSeconds * 1000 }), note });
      return { adapter, strict: false, options: given };
    }
    case 'unix': {
      const { socketAdapter } = await import('../adapters/remote/socket.ts');
      const adapter = socketAdapter(rest ?? '', { ...(stallSeconds && { stallMs: stallSeconds * 1000 }), note });
      return { adapter, strict: false, options: given };
    }
    case 'ssh': {
      const { sshAdapter } = await import('../adapters/remote/ssh.ts');
      const adapter = sshAdapter(rest ?? '', { ...(stallSeconds && { stallMs: stallSeconds * 1000 }), note });
      return { adapter, strict: false, options: given };
    }
    case 'dev': {
      if (rest !== undefined) throw new Problem(`--target ${target}: dev takes nothing after it; use --group N.`);
      const { devAdapter } = await import('../adapters/native/dev/dev.ts');
      const { groups, allowed, recorded } = parsedDevOptions(options);
      const adapter = devAdapter({ groups, allowed, ...(stallSeconds && { stallMs: stallSeconds * 1000 }), note });
      return { adapter, strict: false, options: { ...given, ...recorded } };
    }
    case 'kernel': {
      const { kernelAdapter } = await import('../adapters/kernel/kernel.ts');
      const isVersion = rest === undefined || packagedVersion(target) !== undefined;
      const which = isVersion ? { version: rest } : { image: rest };
      const adapter = kernelAdapter({ ...which, package: kernelPackage, modules, boot, stallSeconds, coverage, note });
      const from = await adapter.package();
      const options = {
        ...given,
        ...(from && { package: `${from.name} ${from.version}`, packageSha256: from.sha256 }),
      };
      return { adapter, strict: false, options };
    }
    default:
      throw new Problem(
        `--target ${target}: unknown; known are sim, model, dev, exec:COMMAND, unix:PATH, ssh:HOST[:COMMAND], kernel, kernel:VERSION and kernel:PATH.`,
      );
  }
}

/** An option as it is typed. */
const optionName = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

const toStandardError = (line: string): void => void process.stderr.write(`${line}\n`);

/** Read only when one is asked for: there are many. */
async function simulatorDefect(name: string): Promise<SimulatorDefect> {
  const { defectNamed } = await import('../adapters/simulator/defects/registry.ts');
  return defectNamed(name);
}

function simulatorParameters(target: string, text: string | undefined): Record<string, string> {
  if (text === undefined) return {};
  const malformed = () => `--target ${target}: write sim:PARAMETER=VALUE,...`;
  const parameters = parsedAssignments(text.split(','), malformed, `--target ${target}`);
  const { cache_seed: seed } = parameters;
  if (seed !== undefined && !/^\d{1,15}$/.test(seed))
    throw new Problem(`--target ${target}: cache_seed is a whole number from 0 up, of at most fifteen digits.`);
  return parameters;
}
