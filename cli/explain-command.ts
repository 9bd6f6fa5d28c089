import { existsSync } from 'node:fs';
import type { Setting } from '../conformance/assess/divergence.ts';
import { isToken } from '../conformance/running/token.ts';
import { type Identifier, retired, retirementText } from '../spec/contract/identifiers.ts';
import type { ContractData } from '../spec/contract/types.ts';
import { nearest } from '../spec/uapi/nearest.ts';
import { Problem } from '../spec/uapi/problem.ts';
import { errnoSubject } from './explain/errno.ts';
import { findingSubject } from './explain/finding.ts';
import { handlerSubject } from './explain/handler.ts';
import { invariantSubject } from './explain/invariant.ts';
import { parameterSubject } from './explain/parameter.ts';
import { profileSubject } from './explain/profile.ts';
import { explainProgram, isOfTheSeries } from './explain/program.ts';
import { ruleSubject } from './explain/rule.ts';
import type { Subject } from './explain/subject.ts';
import { labelOf, profilesOfTheSeries } from './explain/where.ts';
import { loadData, type SettingOptions, settingAt } from './options/setting.ts';
import { readProgram } from './read-program.ts';
import { defaultProfile } from './target.ts';

const subjects: Subject[] = [
  ruleSubject,
  handlerSubject,
  errnoSubject,
  parameterSubject,
  profileSubject,
  invariantSubject,
  findingSubject,
];

/** `vfio-conform explain`: shows what the contract says about something that has a name, or about a program. Throws a Problem. */
export async function explainCommand(what: string, options: SettingOptions): Promise<void> {
  process.stdout.write(`${await explanation(what, options)}\n`);
}

/** What the contract says about something, for people to read. Throws a Problem. */
export async function explanation(what: string, options: SettingOptions): Promise<string> {
  const data = loadData(options);
  const asking = (setting: Setting) => ({ data, options, label: labelOf(setting, options), ...setting });
  const found = lookUp(data, what);
  if (found.length > 0) {
    const setting = fittingSetting(data, options, (one) => found.every(([subject, name]) => subject.fits(one, name)));
    const texts = await Promise.all(found.map(([subject, name]) => subject.explain(asking(setting), name)));
    return texts.join('\n\n');
  }
  const old = retired(what);
  if (old) return [retirementText(old), ...(await successorText(old, options))].join('\n\n');
  if (!isToken(what) && !looksLikeFile(what)) throw unknown(data, what);
  const program = readProgram(what);
  const ofTheSeries = isOfTheSeries(program);
  const series = profilesOfTheSeries(data).map(({ id }) => id);
  const setting = fittingSetting(data, options, ({ profile }) => series.includes(profile) === ofTheSeries);
  return explainProgram(asking(setting), program);
}

/** What takes the place of a retired name: of a value its parameter. */
async function successorText({ kind, successor }: Identifier, options: SettingOptions): Promise<string[]> {
  if (successor === undefined) return [];
  return [await explanation(kind === 'value' ? successor.split('=')[0]! : successor, options)];
}

/** All that a name stands for; case counts only where names differ in nothing else. */
function lookUp(data: ContractData, what: string): [Subject, string][] {
  const exactly = (name: string) =>
    subjects
      .filter((subject) => subject.names(data).includes(name) || subject.takes?.(name))
      .map((subject): [Subject, string] => [subject, name]);
  const found = exactly(what);
  if (found.length > 0) return found;
  const name = subjects
    .flatMap((subject) => subject.names(data))
    .find((one) => one.toLowerCase() === what.toLowerCase());
  return name === undefined ? [] : exactly(name);
}

/** Linux as it is, unless only another profile says something: then the recommended one, or the first that does. */
function fittingSetting(data: ContractData, options: SettingOptions, fits: (setting: Setting) => boolean): Setting {
  if (options.profile !== undefined) return settingAt(data, options.profile, options);
  const settings: Setting[] = [];
  let complaint: unknown;
  for (const profile of new Set(['type1-6.12', defaultProfile('sim'), ...data.profiles.keys()])) {
    if (!data.profiles.has(profile)) continue;
    try {
      const setting = settingAt(data, profile, options);
      if (fits(setting)) return setting;
      settings.push(setting);
    } catch (error) {
      // What is set may be impossible in one profile, and possible in another.
      if (!(error instanceof Problem)) throw error;
      complaint ??= error;
    }
  }
  if (settings[0]) return settings[0];
  throw complaint;
}

const looksLikeFile = (what: string) => what.includes('/') || what.endsWith('.json') || existsSync(what);

function unknown(data: ContractData, what: string): Problem {
  const near = nearest(
    what,
    subjects.flatMap((subject) => subject.names(data)),
  );
  const kinds = subjects.map(({ kind }) => kind).join(', ');
  return new Problem(
    near.length > 0
      ? `explain ${what}: unknown; did you mean ${near.join(', ')}?`
      : `explain ${what}: unknown, and nothing is called alike; name ${kinds}, the token of a failure or a file with a program.`,
  );
}
