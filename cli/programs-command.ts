import { casesFor } from '../conformance/running/run.ts';
import { mergeNeeds, sameMachine } from '../conformance/suites/suite.ts';
import { modelEnvironment } from '../reference/model-target.ts';
import type { Adapter, Need } from '../spec/uapi/adapter.ts';
import { visibleJson } from '../spec/uapi/visible.ts';
import type { Environment } from '../spec/uapi/vocabulary.ts';
import { checkNamedRules, recordSelection, type SelectionOptions, selectionOf } from './options/selection-option.ts';
import { loadSetting, type SettingOptions } from './options/setting.ts';
import { defaultProfile, openTarget, type TargetOptions } from './target.ts';

interface ProgramsOptions
  extends SettingOptions,
    Omit<TargetOptions, 'coverage'>,
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
  const adapter = target === undefined ? undefined : (await openTarget(target, contract, version, options)).adapter;
  let written = 0;
  for (const need of mergeNeeds(selection.suites.flatMap((suite) => suite.needs()))) {
    const [any] = casesFor(selection, contract, modelEnvironment(need));
    if (!any) continue;
    const environment = adapter ? await environmentOf(adapter, need) : modelEnvironment(need);
    if (!environment) continue;
    for (const { program } of casesFor(selection, contract, environment)) {
      process.stdout.write(`${visibleJson(program)}\n`);
      written++;
    }
  }
  process.stderr.write(`${written} programs.\n`);
}

/** What a machine of a target is; undefined if the target does not offer it. */
async function environmentOf(adapter: Adapter, need: Need): Promise<Environment | undefined> {
  if (adapter.offers && !adapter.offers(need)) return undefined;
  const session = await adapter.start(need);
  const { environment } = session.description;
  await session.stop();
  return sameMachine(need.machine, environment.machine) ? environment : undefined;
}
