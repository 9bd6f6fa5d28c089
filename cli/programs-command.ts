import { casesFor } from '../conformance/running/run.ts';
import type { Selection } from '../conformance/running/selection.ts';
import { mergeNeeds, sameMachine } from '../conformance/suites/suite.ts';
import type { Contract } from '../reference/interpreter/contract.ts';
import { modelEnvironment } from '../reference/model-target.ts';
import type { Adapter, Need } from '../spec/uapi/adapter.ts';
import { visibleJson } from '../spec/uapi/visible.ts';
import type { Environment } from '../spec/uapi/vocabulary.ts';
import { readEnvironment } from './options/environment-option.ts';
import { checkNamedRules, recordSelection, type SelectionOptions, selectionOf } from './options/selection-option.ts';
import { loadSetting, type SettingOptions } from './options/setting.ts';
import { type OverlaidTargetOptions, openOverlaidTarget } from './overlaid-target.ts';
import { defaultProfile } from './target.ts';

interface ProgramsOptions
  extends SettingOptions,
    Omit<OverlaidTargetOptions, 'coverage'>,
    Pick<SelectionOptions, 'suite' | 'only'> {
  target?: string;
}

/**
 * `vfio-conform programs`: prints the selected programs, one JSON object a line, and runs none of them. They are made for the
 * machines of a target, or for those that the suites ask for. Throws a Problem.
 */
export async function programsCommand(options: ProgramsOptions, version: string): Promise<void> {
  const { target } = options;
  const { contract, profile } = loadSetting(options, defaultProfile(target ?? 'model'));
  const selection = selectionOf(contract.data, recordSelection(options));
  checkNamedRules(contract, profile, selection);
  let written = 0;
  for await (const environment of environments(selection, contract, options, version))
    for (const { program } of casesFor(selection, contract, environment)) {
      process.stdout.write(`${visibleJson(program)}\n`);
      written++;
    }
  process.stderr.write(`${written} programs.\n`);
}

/** The machines that programs are made for: those of the target, the one of a file, or those that the suites ask for. */
async function* environments(
  selection: Selection,
  contract: Contract,
  { target, environment: file, ...options }: ProgramsOptions,
  version: string,
): AsyncIterable<Environment> {
  if (target === undefined && file !== undefined) {
    yield readEnvironment(file);
    return;
  }
  const given = { ...options, ...(file !== undefined && { environment: file }) };
  const adapter =
    target === undefined ? undefined : (await openOverlaidTarget(target, contract, version, given)).adapter;
  for (const need of mergeNeeds(selection.suites.flatMap((suite) => suite.needs()))) {
    const [any] = casesFor(selection, contract, modelEnvironment(need));
    if (!any) continue;
    const environment = adapter ? await environmentOf(adapter, need) : modelEnvironment(need);
    if (environment) yield environment;
  }
}

/** What a machine of a target is; undefined if the target does not offer it. */
async function environmentOf(adapter: Adapter, need: Need): Promise<Environment | undefined> {
  if (adapter.offers && !adapter.offers(need)) return undefined;
  const session = await adapter.start(need);
  const { environment } = session.description;
  await session.stop();
  return sameMachine(need.machine, environment.machine) ? environment : undefined;
}
