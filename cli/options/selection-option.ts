import { namedRules, type Pattern, type Selection } from '../../conformance/running/selection.ts';
import type { Suite } from '../../conformance/suites/suite.ts';
import { chooseSuites, suites } from '../../conformance/suites/suites.ts';
import type { Contract } from '../../reference/interpreter/contract.ts';
import { retired, retirementText } from '../../spec/contract/identifiers.ts';
import type { ContractData } from '../../spec/contract/types.ts';
import { nearest } from '../../spec/uapi/nearest.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import { shellWord } from '../../spec/uapi/shell-words.ts';
import type { RecordSelection } from '../../spec/uapi/vocabulary.ts';
import { namesOf } from '../explain/handler.ts';
import { wholeNumber } from './whole-number.ts';

/** Options that choose a part of the suites. */
export interface SelectionOptions {
  suite?: string;
  only?: string[];
  cases?: string;
  shard?: string;
}

/** The patterns of --only. Throws a Problem for one that names nothing. */
export function parseOnly(data: ContractData, patterns: readonly string[] = []): Pattern[] {
  return patterns.flatMap((text) => parsePattern(data, text));
}

/** More than one for what is the name of a handler and of a rule: all about the one, and the run has to reach the other. */
function parsePattern(data: ContractData, text: string): Pattern[] {
  if (suites.some(({ name }) => name === text)) return [{ kind: 'suite', name: text }];
  if (text.includes('/')) {
    const suite = text.slice(0, text.indexOf('/'));
    if (suites.some(({ name }) => name === suite)) return [{ kind: 'programs', start: text }];
    throw new Problem(
      `--only ${text}: the ids of programs start with the name of a suite: ${suites.map(({ name }) => `${name}/`).join(', ')}.`,
    );
  }
  const handlers = data.handlers.filter((handler) => namesOf(handler).includes(text));
  const patterns: Pattern[] = [
    ...(handlers.length > 0 ? [{ kind: 'handlers', name: text, handlers } as const] : []),
    ...(data.rules.has(text) ? [{ kind: 'rule', id: text } as const] : []),
  ];
  if (patterns.length > 0) return patterns;
  const old = retired(text, ['rule']);
  if (old) throw new Problem(`--only ${text}: ${retirementText(old)}`);
  const known = [...suites.map(({ name }) => name), ...data.handlers.flatMap(namesOf), ...data.rules.keys()];
  const near = nearest(text, known);
  throw new Problem(
    `--only ${text}: names no ioctl, handler, rule or suite, and is no start of a program's id; ${near.length > 0 ? `did you mean ${near.join(', ')}?` : 'give one, as in --only VFIO_IOMMU_BIND.'}`,
  );
}

/** What to select, from the options or from the header of a record. Throws a Problem. */
export function selectionOf(data: ContractData, { suites: names, only }: RecordSelection): Selection {
  const chosen = names.length > 0 ? chooseSuites(names.join()) : [];
  return { suites: chosen, only: parseOnly(data, only) };
}

/** What the options select, as a record keeps it. Throws a Problem. */
export function recordSelection({ suite, only, cases, shard }: SelectionOptions): RecordSelection {
  return {
    suites: chooseSuites(suite).map(({ name }: Suite) => name),
    ...(only && { only }),
    ...(shard !== undefined && { shard: parseShard(shard) }),
    ...(cases !== undefined && { cases: wholeNumber('cases', cases, 1) }),
  };
}

/** Whether nothing of all suites is left out. A limit of time needs no exemption: a run that it cuts off is not complete. */
function isWhole({ suites: names, only, shard, cases, programs }: RecordSelection): boolean {
  return !programs && !only && !shard && cases === undefined && suites.every(({ name }) => names.includes(name));
}

/** The rules that a run of a selection must reach. A shard, or a part that is cut off at a number of cases, need not reach any. */
export function rulesToReach(selection: RecordSelection): 'all' | 'named' | 'none' {
  if (isWhole(selection)) return 'all';
  const { only, shard, cases } = selection;
  return only && !shard && cases === undefined ? 'named' : 'none';
}

/** Throws a Problem for a rule that is asked for and is not there at the contract's setting. */
export function checkNamedRules({ rules }: Contract, profile: string, selection: Selection): void {
  for (const id of namedRules(selection)) {
    if (rules.has(id)) continue;
    throw new Problem(
      `--only ${id}: ${profile} does not have this rule as it is set here; vfio-conform explain ${shellWord(id)} says which profiles and settings have it: choose one with --profile or --set.`,
    );
  }
}

/** What was selected, in one clause; undefined for everything. */
export function selectionText(selection: RecordSelection): string | undefined {
  if (isWhole(selection)) return undefined;
  const { suites: names, only, shard, cases, programs } = selection;
  if (programs) return 'the programs that were given';
  return [
    only ? `what is about ${only.join(', ')}` : '',
    names.length < suites.length ? `of ${names.length > 1 ? 'the suites' : 'the suite'} ${names.join(', ')}` : '',
    shard ? `shard ${shard.index + 1} of ${shard.of}` : '',
    cases === undefined ? '' : `at most ${cases} programs`,
  ]
    .filter(Boolean)
    .join(', ');
}

function parseShard(text: string): { index: number; of: number } {
  const [part, of] = /^\d+\/\d+$/.test(text) ? text.split('/').map(Number) : [];
  if (part === undefined || part < 1 || part > of! || !Number.isSafeInteger(of))
    throw new Problem(`--shard ${text}: write I/N with I from 1 to N, as in 1/4.`);
  return { index: part - 1, of: of! };
}
