import { casesFor } from '../conformance/running/run.ts';
import type { Selection } from '../conformance/running/selection.ts';
import { assignSlots, mergeNeeds, sameMachine } from '../conformance/suites/suite.ts';
import type { Contract } from '../reference/interpreter/contract.ts';
import { modelEnvironment } from '../reference/model-target.ts';
import type { Adapter, Need } from '../spec/uapi/adapter.ts';
import { Problem } from '../spec/uapi/problem.ts';
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
  /** How they are printed; by default as programs. */
  as?: string;
}

/**
 * `vfio-conform programs`: prints the selected programs, one JSON object a line, and runs none of them. They are made for the
 * machines of a target, or for those that the suites ask for. Throws a Problem.
 */
export async function programsCommand(options: ProgramsOptions, version: string): Promise<void> {
  const { target } = options;
  const { contract, profile } = loadSetting(options, defaultProfile(target ?? 'model'));
  const selected = recordSelection(options);
  const selection = selectionOf(contract.data, selected);
  const asRequests = requestsWanted(options);
  checkNamedRules(contract, profile, selection);
  const plan = { contract: contract.data.hash, profile, parameters: contract.parameters, selection: selected };
  if (asRequests) process.stdout.write(`${visibleJson({ type: 'describe', protocol: 1, plan })}\n`);
  let written = 0;
  for await (const environment of environments(selection, contract, options, version))
    for (const { program } of casesFor(selection, contract, environment)) {
      const slots = asRequests ? assignSlots(program.topology.slots, environment) : {};
      // One that the machine has no groups for is not applicable, which needs no daemon.
      if (!slots) continue;
      process.stdout.write(`${visibleJson(asRequests ? { type: 'run', id: written, slots, program } : program)}\n`);
      written++;
    }
  process.stderr.write(`${written} programs.\n`);
}

/** Whether programs are to be printed as what a daemon is sent. Throws a Problem. */
function requestsWanted({ as, target, environment }: ProgramsOptions): boolean {
  if (as === undefined || as === 'programs') return false;
  if (as !== 'requests') throw new Problem(`--as ${as}: unknown; known are programs and requests.`);
  if (target === undefined && environment === undefined)
    throw new Problem('--as requests: say for which machine, with --environment FILE.');
  return true;
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
