import { toToken } from '../conformance/running/token.ts';
import { check } from '../modelcheck/check.ts';
import { toCheckText } from '../reports/check-text.ts';
import { shellWords } from '../spec/uapi/shell-words.ts';
import { visibleJson } from '../spec/uapi/visible.ts';
import type { CheckResult, Counterexample } from '../spec/uapi/vocabulary.ts';
import { assignments, loadData, type SettingOptions } from './options/setting.ts';
import { wholeNumber } from './options/whole-number.ts';
import { defaultProfile } from './target.ts';

interface CheckOptions extends SettingOptions {
  depth?: string;
  json?: boolean;
}

/** `vfio-conform check`: holds a contract against its invariants, sets the exit code. Throws a Problem. */
export function checkCommand(options: CheckOptions): void {
  const profile = options.profile ?? defaultProfile('sim');
  const set = assignments(options.set);
  const result = check(loadData(options), {
    profile,
    set,
    ...(options.depth !== undefined && { depth: wholeNumber('depth', options.depth, 1) }),
    progress: (base, world) => process.stderr.write(`${[base, world].filter(Boolean).join(' ')}\n`),
  });
  (options.json ? process.stderr : process.stdout).write(
    toCheckText(result, (one) => replay(profile, set, options.spec, one)),
  );
  if (options.json) process.stdout.write(`${visibleJson(result)}\n`);
  process.exitCode = exitCode(result);
}

/** 1: an invariant is broken. 3: none is, but one never applied, or a rule was not taken and nothing explains that. */
function exitCode({ holds, invariants }: CheckResult): 0 | 1 | 3 {
  if (invariants.some(({ counterexamples }) => counterexamples.length > 0)) return 1;
  return holds ? 0 : 3;
}

/** How to run a counterexample again. */
function replay(
  profile: string,
  set: Record<string, string>,
  spec: string | undefined,
  { program, parameters }: Counterexample,
): string {
  const settings = Object.entries({ ...set, ...parameters }).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
  const from = spec === undefined ? [] : ['--spec', spec];
  return shellWords(['vfio-conform', 'replay', toToken(program), '--profile', profile, ...settings, ...from]);
}
