import type { CoverageCollector } from '../adapters/kernel/coverage.ts';
import type { SimulatorDefect } from '../adapters/simulator/defects/defect.ts';
import type { Contract } from '../reference/interpreter/contract.ts';
import { retirementText } from '../spec/contract/identifiers.ts';
import type { Adapter } from '../spec/uapi/adapter.ts';
import { Problem } from '../spec/uapi/problem.ts';
import { visible } from '../spec/uapi/visible.ts';
import { retiredAssignment } from './options/setting.ts';
import { wholeNumber } from './options/whole-number.ts';

/** The profile by which a target is judged by default. */
export function defaultProfile(target: string): string {
  if (!/^kernel(:|$)/.test(target)) return 'v1-singleton';
  return `type1-${/^kernel:(\d+\.\d+)$/.exec(target)?.[1] ?? '6.12'}`;
}

/** Options that say what to test, and how to reach it. */
export interface TargetOptions {
  target: string;
  /** Kernel modules. */
  modules?: string;
  /** Seconds for which the target may say nothing. */
  stall?: string;
}

/** What the target was given beside its name, as a record keeps it. */
export function targetOptions({ modules, stall }: TargetOptions): Record<string, string> {
  return { ...(modules !== undefined && { modules }), ...(stall !== undefined && { stall }) };
}

/** A target by the name that the user gave, and whether it has no reasons of its own to run out of memory. */
export async function openTarget(
  { target, modules, stall }: TargetOptions,
  contract: Contract,
  version: string,
  coverage?: CoverageCollector,
): Promise<{ adapter: Adapter; strict: boolean }> {
  const colon = target.indexOf(':');
  const [kind, rest] = colon < 0 ? [target, undefined] : [target.slice(0, colon), target.slice(colon + 1)];
  if (modules !== undefined && kind !== 'kernel')
    throw new Problem(`--modules ${modules}: only for --target kernel:PATH.`);
  const stallSeconds = stall === undefined ? undefined : wholeNumber('stall', stall, 1);
  if (stallSeconds !== undefined && kind !== 'kernel' && kind !== 'exec')
    throw new Problem(`--stall ${stall}: only for targets in processes of their own, exec:COMMAND and kernel.`);
  switch (kind) {
    case 'sim': {
      const { simulatorAdapter } = await import('../adapters/simulator/adapter.ts');
      const { defect: name, ...parameters } = simulatorParameters(rest);
      for (const [parameter, value] of Object.entries(parameters)) {
        const old = retiredAssignment(contract.data.parameters, parameter, value);
        if (old) throw new Problem(`--target ${target}: ${retirementText(old)}`);
      }
      const defect = name === undefined ? undefined : await simulatorDefect(name);
      return { adapter: simulatorAdapter({ ...contract.parameters, ...parameters }, target, defect), strict: true };
    }
    case 'model': {
      if (rest !== undefined) throw new Problem(`--target ${target}: model takes nothing after it; use --set.`);
      const { modelAdapter } = await import('../reference/model-target.ts');
      return { adapter: modelAdapter(contract, version), strict: true };
    }
    case 'exec': {
      if (!rest) throw new Problem('--target exec: name a command, as in exec:./my-daemon.');
      const { execAdapter } = await import('../adapters/remote/exec.ts');
      return {
        adapter: execAdapter(rest, { ...(stallSeconds && { stallMs: stallSeconds * 1000 }), note }),
        strict: false,
      };
    }
    case 'kernel': {
      const { kernelAdapter } = await import('../adapters/kernel/kernel.ts');
      const isVersion = rest === undefined || /^\d+\.\d+$/.test(rest);
      return {
        adapter: kernelAdapter({
          ...(isVersion ? { version: rest } : { image: rest }),
          modules,
          stallSeconds,
          coverage,
          note,
        }),
        strict: false,
      };
    }
    default:
      throw new Problem(
        `--target ${target}: unknown; known are sim, model, exec:COMMAND, kernel, kernel:6.1, kernel:6.12 and kernel:PATH.`,
      );
  }
}

/** Downloads and fall-backs are for people to know. */
function note(line: string): void {
  process.stderr.write(`vfio-conform: ${visible(line)}\n`);
}

/** Read only when one is asked for: there are many. */
async function simulatorDefect(name: string): Promise<SimulatorDefect> {
  const { defectNamed } = await import('../adapters/simulator/defects/registry.ts');
  return defectNamed(name);
}

function simulatorParameters(text: string | undefined): Record<string, string> {
  if (!text) return {};
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const at = pair.indexOf('=');
      if (at <= 0) throw new Problem(`--target sim:${text}: write sim:PARAMETER=VALUE,...`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}
