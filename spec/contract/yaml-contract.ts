import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '../uapi/problem.ts';
import { uapi } from '../uapi/uapi.ts';
import { checkAbout } from './about.ts';
import type { YamlHandler, YamlRule } from './contract-yaml-types.ts';
import { handlerFromYaml, ruleFromYaml } from './from-yaml.ts';
import { checkCitation, isOwn } from './own-documents.ts';
import { checkParameter } from './setting.ts';
import { onFaultOf, ruleOf, stepsWithin, wordsOf } from './steps.ts';
import type {
  ContractParts,
  Finding,
  Handler,
  Invariant,
  Parameter,
  Profile,
  Rule,
  RuleOutcome,
  Source,
  Step,
} from './types.ts';
import { readYaml, type YamlFile } from './yaml-file.ts';

/**
 * Reads a contract from a folder of YAML and checks that it hangs together.
 * Throws a Problem (file, line, column, remedy) for anything malformed, missing or unused.
 */
export function readContract(folder: string): ContractParts {
  for (const part of ['rules', 'handlers']) {
    if (statSync(join(folder, part), { throwIfNoEntry: false })?.isDirectory()) continue;
    throw new Problem(`${folder}: has no folder ${part}/; --spec takes a copy of spec/contract/ (or of spec/).`);
  }
  const sources = index(readYaml<Source[]>(join(folder, 'sources.yaml'), 'sources.schema.json'));
  const findingFile = readYaml<Finding[]>(join(folder, 'findings.yaml'), 'findings.schema.json');
  const findings = index(findingFile);
  for (const [i, { said = [] }] of findingFile.value.entries()) {
    for (const source of said) checkSource(source, sources, findingFile.at([i, 'said']));
  }
  const parameters = index(readYaml<Parameter[]>(join(folder, 'parameters.yaml'), 'parameters.schema.json'));
  const invariantFile = readYaml<Invariant[]>(join(folder, 'invariants.yaml'), 'invariants.schema.json');
  const invariants = index(invariantFile);
  for (const [i, invariant] of invariantFile.value.entries()) {
    invariant.sources.forEach((cited, j) => {
      checkCited(cited, sources, invariantFile.at([i, 'sources', j]));
    });
    for (const [name, values] of Object.entries(invariant.when ?? {}))
      for (const value of [values].flat()) checkParameter(name, value, parameters, invariantFile.at([i, 'when', name]));
  }
  const profileFile = readYaml<Profile[]>(join(folder, 'profiles.yaml'), 'profiles.schema.json');
  const profiles = index(profileFile);
  for (const [i, profile] of profileFile.value.entries()) {
    checkProfile(profile, parameters, (name) => profileFile.at([i, 'parameters', name]));
    for (const [j, name] of (profile.bases ?? []).entries()) {
      if (!parameters.has(name))
        throw new Problem(
          `${profileFile.at([i, 'bases', j])}: parameter ${name} is unknown; name one of parameters.yaml.`,
        );
    }
  }

  const rules = new Map<string, Rule>();
  const places = new Map<string, string>();
  const fieldPlaces = new Map<string, Record<'about' | 'writes', string>>();
  for (const file of yamlFiles(join(folder, 'rules'))) {
    const { value, at } = readYaml<YamlRule[]>(file, 'rules.schema.json');
    value.map(ruleFromYaml).forEach((rule, i) => {
      if (rules.has(rule.id))
        throw new Problem(`${at([i, 'id'])}: rule ${rule.id} is there twice; rename or delete one.`);
      rule.sources.forEach((cited, j) => {
        checkCited(cited, sources, at([i, 'sources', j]));
      });
      checkLevel(rule, sources, at([i, 'level']));
      checkErrnos(rule.outcome, at([i, 'outcome']));
      for (const [j, pattern] of (rule.logs ?? []).entries()) checkPattern(pattern, at([i, 'logs', j]));
      for (const id of rule.findings ?? []) {
        if (!findings.has(id))
          throw new Problem(`${at([i, 'findings'])}: finding ${id} is not in findings.yaml; add it there.`);
      }
      rules.set(rule.id, rule);
      places.set(rule.id, at([i, 'id']));
      fieldPlaces.set(rule.id, { about: at([i, 'about']), writes: at([i, 'writes']) });
    });
  }

  const handlers: Handler[] = [];
  const used = new Set<string>();
  for (const file of yamlFiles(join(folder, 'handlers'))) {
    const { value, at } = readYaml<YamlHandler[]>(file, 'handlers.schema.json');
    value.map(handlerFromYaml).forEach((handler, i) => {
      checkName(handler, handlers, at([i, 'id']));
      checkSteps(handler.steps, [i, 'steps'], { rules, parameters, used, at });
      handlers.push(handler);
    });
  }
  for (const [id, place] of places) {
    if (!used.has(id))
      throw new Problem(`${place}: rule ${id} stands in no handler; use it in handlers/ or delete it.`);
  }
  checkAbout(rules, handlers, (rule, key) => fieldPlaces.get(rule)![key]);
  return { rules, handlers, parameters, profiles, sources, findings, invariants };
}

function yamlFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => join(folder, name));
}

function index<T extends { id: string }>({ value, at }: YamlFile<T[]>): Map<string, T> {
  const byId = new Map<string, T>();
  value.forEach((one, i) => {
    if (byId.has(one.id)) throw new Problem(`${at([i, 'id'])}: ${one.id} is there twice; rename or delete one.`);
    byId.set(one.id, one);
  });
  return byId;
}

function checkProfile(profile: Profile, parameters: Map<string, Parameter>, at: (name: string) => string): void {
  for (const [name, value] of Object.entries(profile.parameters)) checkParameter(name, value, parameters, at(name));
  for (const name of parameters.keys()) {
    if (!Object.hasOwn(profile.parameters, name))
      throw new Problem(`${at(name)}: profile ${profile.id} does not set ${name}; add it.`);
  }
}

function checkSource(source: string, sources: ReadonlyMap<string, Source>, place: string): void {
  if (!sources.has(source)) throw new Problem(`${place}: source ${source} is not in sources.yaml; add it there.`);
}

function checkCited(
  { source, at }: Rule['sources'][number],
  sources: ReadonlyMap<string, Source>,
  place: string,
): void {
  checkSource(source, sources, place);
  const cited = sources.get(source)!;
  if (isOwn(cited)) checkCitation(cited, at, place);
}

/** What nobody but this project says is a decision; what it leaves undefined is none. */
function checkLevel({ id, level, outcome, sources: cited }: Rule, sources: Map<string, Source>, place: string): void {
  const own = cited.every(({ source }) => isOwn(sources.get(source)!));
  if (own && level !== 'DECISION' && outcome?.kind !== 'undefined')
    throw new Problem(
      `${place}: rule ${id} has no source but this project; make its level DECISION, or cite who else says so.`,
    );
}

function checkErrnos(outcome: RuleOutcome | undefined, place: string): void {
  if (
    outcome?.kind === 'errno' &&
    !Object.hasOwn(uapi.errnos, outcome.errno) &&
    !/^(\d+|result)$/.test(outcome.errno)
  ) {
    throw new Problem(
      `${place}: ${outcome.errno} is not among the errnos of spec/uapi/uapi.yaml; add it there or mend the name.`,
    );
  }
  if (outcome?.kind === 'one_of') for (const one of outcome.outcomes) checkErrnos(one, place);
}

/** A handler is for something that there is, and the only one for it. */
function checkName({ id, ioctl, op, table }: Handler, before: readonly Handler[], place: string): void {
  const [what, kind] = (ioctl ?? '').split(' ') as [string, string?];
  const known = kind
    ? ['unknown', 'elsewhere'].includes(what) && kinds.includes(kind)
    : Object.hasOwn(uapi.ioctls, what);
  if (ioctl !== undefined && !known)
    throw new Problem(`${place}: ioctl ${ioctl} is not in spec/uapi/uapi.yaml; mend the name.`);
  const other = before.find((one) => one.id === id || (one.ioctl === ioctl && one.op === op && one.table === table));
  if (other) throw new Problem(`${place}: handler ${id} is for the same as ${other.id}; delete one.`);
}

/** Kinds of descriptors. */
const kinds = ['container', 'group', 'device'];

interface Checking {
  rules: Map<string, Rule>;
  parameters: Map<string, Parameter>;
  used: Set<string>;
  at: YamlFile<unknown>['at'];
}

function checkSteps(steps: readonly Step[], path: (string | number)[], checking: Checking): void {
  steps.forEach((step, i) => {
    const here = [...path, i];
    for (const [key, id] of namedRules(step)) {
      const place = () => checking.at(key === undefined ? here : [...here, key]);
      const rule = checking.rules.get(id);
      if (!rule) throw new Problem(`${place()}: rule ${id} is not in rules/; add it there or mend the name.`);
      if (needsOutcome(key) && !rule.outcome)
        throw new Problem(`${place()}: rule ${id} has no outcome, which ${key} needs; add it in rules/.`);
      checking.used.add(id);
    }
    for (const [name, values] of Object.entries(step.when ?? {})) {
      for (const value of [values].flat())
        checkParameter(name, value, checking.parameters, checking.at([...here, 'when', name]));
    }
    checkSteps(stepsWithin(step), [...here, 'steps'], checking);
  });
}

/** The rules that a step names, by the keys of the YAML; those of words have none. */
function namedRules(step: Step): [key: string | undefined, rule: string][] {
  const own = ruleOf(step);
  const named: [string, string | undefined][] = [
    [step.kind, own],
    ['if', step.if],
    ['on_fault', onFaultOf(step)],
  ];
  return [
    ...named.flatMap(([key, id]): [string, string][] => (id === undefined ? [] : [[key, id]])),
    ...wordsOf(step).map(([, id]): [undefined, string] => [undefined, id]),
  ];
}

const needsOutcome = (key: string | undefined): boolean =>
  key === 'refuse' || key === 'read' || key === 'write' || key === 'return';

function checkPattern(pattern: string, place: string): void {
  try {
    new RegExp(pattern);
  } catch (error) {
    throw new Problem(`${place}: ${(error as Error).message}; write a regular expression of JavaScript.`);
  }
}
