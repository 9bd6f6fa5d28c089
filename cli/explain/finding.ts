import type { Setting } from '../../conformance/assess/divergence.ts';
import { modelEnvironment } from '../../reference/model-target.ts';
import { outcomeText, sourceText } from '../../reports/reference/contract-text.ts';
import type { ContractData, Parameter, Rule } from '../../spec/contract/types.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import type { Program } from '../../spec/uapi/vocabulary.ts';
import { type SettingOptions, settingAt } from '../options/setting.ts';
import { placesIn } from './reference-pages.ts';
import type { Subject } from './subject.ts';
import { labelOf, profilesOfTheSeries, profilesText } from './where.ts';

/** Findings about the 2020 nesting series: what states them, what the profiles make of them, and which programs show them. */
export const findingSubject: Subject = {
  kind: 'a finding',
  names: ({ findings }) => [...findings.keys()],
  fits: ({ contract: { data, rules } }, name) => statedBy(data, name).some(({ id }) => rules.has(id)),
  async explain({ data, options }, name) {
    const settings = settingsOfTheSeries(data, options);
    const lines = [`${name}: ${data.findings.get(name)!.sentence}`];
    for (const rule of statedBy(data, name)) lines.push('', ...ruleLines(data, rule, settings));
    for (const parameter of data.parameters.values())
      if (parameter.findings?.includes(name)) lines.push('', ...parameterLines(parameter, settings));
    const programs = await programsThatShow(settings, name);
    if (programs.length > 0) lines.push('', 'programs that show it:');
    for (const { id, about } of programs) lines.push(`  ${id}${about ? `: ${about}` : ''}`);
    const places = placesIn(['findings.md', 'counterexamples.md'], name);
    if (places.length > 0) lines.push('', `described in ${places.join(' and ')}`);
    return lines.join('\n');
  },
};

/**
 * The profiles with requests of the series, or the one that was asked for, and with what was set in them; impossible ones are
 * left out.
 */
function settingsOfTheSeries(data: ContractData, options: SettingOptions): Setting[] {
  const at = (id: string): Setting => {
    const setting = settingAt(data, id, options);
    return { ...setting, profile: labelOf(setting, options) };
  };
  if (options.profile !== undefined) return [at(options.profile)];
  return profilesOfTheSeries(data).flatMap(({ id }) => {
    try {
      return [at(id)];
    } catch (error) {
      if (error instanceof Problem) return [];
      throw error;
    }
  });
}

const statedBy = ({ rules }: ContractData, finding: string) =>
  [...rules.values()].filter(({ findings = [] }) => findings.includes(finding));

function ruleLines(data: ContractData, { id, level, sentence, outcome, sources }: Rule, settings: Setting[]): string[] {
  const having = settings.filter(({ contract }) => contract.rules.has(id));
  const lacking = settings.filter((one) => !having.includes(one));
  return [
    `${id} (${level})${outcome ? ` -> ${outcomeText(outcome)}` : ''}`,
    `  ${sentence}`,
    ...sources.map((source) => `  source:     ${sourceText(data, source)}`),
    `  present in: ${[
      having.length > 0 ? names(having) : profilesText(data, id).replace(/^in /, ''),
      lacking.length > 0 ? `not in ${names(lacking)}` : '',
    ]
      .filter(Boolean)
      .join('; ')}`,
  ];
}

function parameterLines({ id, sentence, values }: Parameter, settings: Setting[]): string[] {
  return [
    `parameter ${id}: ${sentence}`,
    ...Object.entries(values).map(([value, meaning]) => {
      const having = settings.filter(({ contract }) => contract.parameters[id] === value);
      return `  ${value}: ${meaning}${having.length > 0 ? ` (${names(having)})` : ''}`;
    }),
  ];
}

const names = (settings: Setting[]) => settings.map(({ profile }) => profile).join(', ');

/** The programs of the suite of stories that are named after a finding, in any of some settings. */
async function programsThatShow(settings: Setting[], finding: string): Promise<Program[]> {
  // Only here: nothing else that is explained needs programs, and they are many modules.
  const { scenarioSuite } = await import('../../conformance/suites/scenarios/suite.ts');
  const { programsOf } = await import('../../conformance/suites/suite.ts');
  const named = new RegExp(`[/_]${finding.toLowerCase()}_`);
  const found = new Map<string, Program>();
  for (const { contract } of settings) {
    for (const need of scenarioSuite.needs())
      for (const program of programsOf(scenarioSuite, contract, modelEnvironment(need)))
        if (named.test(program.id)) found.set(program.id, program);
  }
  return [...found.values()];
}
