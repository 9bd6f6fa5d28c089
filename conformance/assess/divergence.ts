import { isDeepStrictEqual } from 'node:util';
import type { Contract } from '../../reference/interpreter/contract.ts';
import { judge } from '../../reference/judge.ts';
import type { DiffParameter, DiffSide, Environment, Trace } from '../../spec/uapi/vocabulary.ts';
import { notSurvived } from './failure.ts';
import { explainingAssignments, withAssignments } from './settings.ts';

/** A contract, and the profile that its parameters come from. */
export interface Setting {
  contract: Contract;
  profile: string;
}

/** What one target did, and what it is judged by. */
export interface TraceSide {
  setting: Setting;
  environment: Environment;
  trace: Trace;
}

/** The rules behind two results that differ. */
export interface Attribution {
  first: DiffSide;
  second: DiffSide;
  /** The parameters that explain the difference: one, if one alone does. */
  parameters?: DiffParameter[];
}

/** Two settings that differ in few parameters, of which each is met by one of two targets only. */
interface Explanation {
  parameters: DiffParameter[];
  settings: [first: Setting, second: Setting];
}

/** The rules behind the op at `index`, the first at which two targets differ. */
export function attribute(first: TraceSide, second: TraceSide, index: number): Attribution {
  const pair: Pair = [upTo(first, index), upTo(second, index)];
  const explanation = explainByOne(pair) ?? explainBySeveral(pair);
  if (!explanation) return { first: sideOf(pair[0]), second: sideOf(pair[1]) };
  const [one, other] = explanation.settings;
  const sides: [DiffSide, DiffSide] = [sideOf(pair[0], one), sideOf(pair[1], other)];
  const { parameters } = explanation;
  if (sides[0].rule !== sides[1].rule) return { first: sides[0], second: sides[1], parameters };
  // Where one rule decides both results, what makes them differ came before.
  return {
    first: { ...sides[0], ...ruleOfItsOwn(pair[0], one.contract, other.contract) },
    second: { ...sides[1], ...ruleOfItsOwn(pair[1], other.contract, one.contract) },
    parameters,
  };
}

/** Starts from a setting that one of the two meets, and looks for one parameter that makes it the other's. */
function explainByOne(sides: Pair): Explanation | undefined {
  const found: Explanation[] = [];
  const [one, other] = sides;
  const sameSetting = isDeepStrictEqual(one.setting.contract.parameters, other.setting.contract.parameters);
  for (const { setting } of sameSetting ? [one] : sides) {
    const met = sides.map((one) => conforms(one, setting.contract));
    if (met[0] === met[1]) continue;
    const [meeting, failing] = met[0] ? [one, other] : [other, one];
    const explains = (contract: Contract) => conforms(failing, contract) && !conforms(meeting, contract);
    for (const assignment of explainingAssignments(setting.contract, explains)) {
      const changed: Setting = { contract: withAssignments(setting.contract, [assignment]), profile: setting.profile };
      found.push(explanation([assignment[0]], met[0] ? [setting, changed] : [changed, setting]));
    }
    if (found.length > 0) break;
  }
  const isOwn = ({ parameters: [parameter] }: Explanation) =>
    parameterValue(one.setting, parameter!.id) === parameter!.first &&
    parameterValue(other.setting, parameter!.id) === parameter!.second;
  return found.find(isOwn) ?? (found.length === 1 ? found[0] : undefined);
}

/** Where each meets its own setting: leaves out what the two have different for nothing. */
function explainBySeveral([one, other]: Pair): Explanation | undefined {
  const [base, goal] = [one.setting.contract, other.setting.contract];
  if (!conforms(one, base) || !conforms(other, goal) || conforms(one, goal) || conforms(other, base)) return undefined;
  let needed = Object.entries(goal.parameters).filter(([id, value]) => base.parameters[id] !== value);
  for (const entry of needed) {
    const fewer = needed.filter((kept) => kept !== entry);
    if (conforms(other, withAssignments(base, fewer))) needed = fewer;
  }
  const contract = withAssignments(base, needed);
  const ids = needed.map(([id]) => id);
  return explanation(ids, [one.setting, { contract, profile: one.setting.profile }]);
}

/** A profile and the parameters that were replaced, in words. */
export function settingName({ contract: { data, parameters }, profile }: Setting): string {
  const own = data.profiles.get(profile)?.parameters;
  const replaced = Object.entries(parameters).filter(([name, value]) => own?.[name] !== value);
  return replaced.length === 0
    ? profile
    : `${profile} with ${replaced.map(([name, value]) => `${name}=${value}`).join(', ')}`;
}

type Pair = readonly [TraceSide, TraceSide];

/** The program and what a target did of it up to an op; what came later is nobody's business. */
function upTo({ trace, ...rest }: TraceSide, index: number): TraceSide {
  const program = { ...trace.program, ops: trace.program.ops.slice(0, index + 1) };
  const outcomes = trace.outcomes.slice(0, index + 1);
  const end = trace.outcomes.length > outcomes.length ? 'completed' : trace.end;
  return { ...rest, trace: { ...trace, program, outcomes, end } };
}

function explanation(ids: readonly string[], settings: Explanation['settings']): Explanation {
  const [first, second] = settings;
  const parameters = ids.map((id) => ({ id, first: parameterValue(first, id), second: parameterValue(second, id) }));
  return { parameters, settings };
}

function parameterValue({ contract }: Setting, parameter: string): string {
  return contract.parameters[parameter]!;
}

function conforms({ environment, trace }: TraceSide, contract: Contract): boolean {
  return survived(trace) && judge(contract, environment, trace).kind === 'conforms';
}

function survived({ program, outcomes, end }: Trace): boolean {
  return outcomes.length === program.ops.length && (end === 'completed' || end === 'unsupported');
}

/** How a trace compares with the target's own setting, or, where it breaks that, with another one that it meets. */
function sideOf(side: TraceSide, met?: Setting): DiffSide {
  const own = sideAt(side, side.setting);
  return own.standing === 'holds' || !met ? own : sideAt(side, met);
}

function sideAt({ environment, trace }: TraceSide, setting: Setting): DiffSide {
  const judgement = judge(setting.contract, environment, trace);
  const name = settingName(setting);
  if (judgement.kind === 'malformed') {
    const sentence = `The contract covers only programs that fit the vocabulary: ${judgement.reason}.`;
    return { rule: 'vocabulary', sentence, setting: name, standing: 'undefined' };
  }
  if (judgement.kind === 'violates') {
    const { op, rule } = judgement.violation;
    const standing = op === trace.outcomes.length - 1 ? 'broken' : 'broken-before';
    return { rule: rule.id, sentence: rule.sentence, setting: name, standing };
  }
  if (!survived(trace)) {
    const { signature, sentence } = notSurvived(trace);
    return { rule: signature.rule, sentence, setting: name, standing: 'broken' };
  }
  const { id, sentence } = judgement.kind === 'undefined' ? judgement.rule : judgement.last!;
  return { rule: id, sentence, setting: name, standing: judgement.kind === 'undefined' ? 'undefined' : 'holds' };
}

/** The last rule that a trace came through and that another contract does not have. */
function ruleOfItsOwn(
  { environment, trace }: TraceSide,
  contract: Contract,
  other: Contract,
): Pick<DiffSide, 'rule' | 'sentence'> | undefined {
  const judgement = judge(contract, environment, trace);
  if (judgement.kind !== 'conforms') return undefined;
  const id = [...judgement.decided, ...judgement.passed].findLast(
    (rule) => contract.rules.has(rule) && !other.rules.has(rule),
  );
  return id === undefined ? undefined : { rule: id, sentence: contract.data.rules.get(id)!.sentence };
}
