import { parameterSetting } from '../../../spec/contract/setting.ts';
import { loopOf, ruleOf } from '../../../spec/contract/steps.ts';
import type { ContractData, Step } from '../../../spec/contract/types.ts';
import type { Ioctl, Uapi } from '../../../spec/uapi/uapi.ts';
import { type NestedStep, outcomeText, rangeText, stepsAt } from '../contract-text.ts';
import { hexadecimal } from './c-header-constants.ts';
import { wholeName } from './c-header-struct.ts';

/** Whose order of checks the header shows: the recommended contract for what it has, Linux for the rest. */
const PROFILES = { feature: 'v1-singleton', linux: 'type1-6.12' };

/** An ioctl in C: what its handler can return, in order, its number, and that the number is right. */
export function ioctlText(uapi: Uapi, data: ContractData, name: string, ioctl: Ioctl): string {
  const { requests, structs } = uapi;
  const { number, fd, argument, struct, argszFirst, feature } = ioctl;
  const { plain } = structs[struct ?? ''] ?? {};
  const types =
    struct && !plain ? [struct, wholeName(uapi, struct, structs[struct]!), argszFirst && `vc_${argszFirst}`] : [];
  const pointedTo = plain ?? [...new Set(types)].flatMap((type) => (type ? [`struct ${type}`] : [])).join(' or ');
  const about = {
    none: 'no argument',
    value: 'the argument is a number',
    struct: `the argument points to ${pointedTo}`,
    string: 'the argument points to a string',
    elsewhere: 'not in the contract',
  }[argument];
  const n = number - (requests.type << 8) - requests.base;
  const definition = `#define ${name} _IO(VFIO_TYPE, VFIO_BASE + ${n}) /* ${hexadecimal(number)} */`;
  return [
    '/*',
    ` * ${name}, of ${fd === 'any' ? 'any descriptor' : `a ${fd}`}; ${about}.`,
    ...resultLines(data, name, feature).map((line) => ` * ${line}`),
    ' */',
    ...(fd === 'any' ? [] : [`#ifndef ${name}`, definition, '#endif']),
    `VC_ASSERT(${name} == ${hexadecimal(number)}, "${name}");`,
  ].join('\n');
}

function resultLines(data: ContractData, name: string, feature: string | undefined): string[] {
  const handler = data.handlers.find(({ ioctl }) => ioctl === name);
  if (!handler) return [];
  const recommended = feature !== undefined && parameterSetting(data, PROFILES.feature)[feature] === 'present';
  const profile = recommended ? PROFILES.feature : PROFILES.linux;
  const steps = stepsAt(data, handler.steps, parameterSetting(data, profile));
  const lines = steps.flatMap((nested, i) => resultLine(data, nested, steps.slice(i + 1)));
  return [
    ...(recommended ? ['No released kernel has it.'] : []),
    `Checks in the order of ${profile}; the first that applies decides:`,
    ...lines,
  ];
}

/** What a step may return, or under which condition those within it do; nothing if neither. */
function resultLine(data: ContractData, { step, depth }: NestedStep, after: readonly NestedStep[]): string[] {
  const result = (one: Step) => (one.kind === 'effect' ? undefined : data.rules.get(ruleOf(one) ?? '')?.outcome);
  const end = after.findIndex((one) => one.depth <= depth);
  const inner = after.slice(0, end < 0 ? after.length : end).some((one) => result(one.step));
  const indent = '  '.repeat(depth + 1);
  const condition = step.if === undefined ? [] : [`if ${step.if}`];
  const outcome = result(step);
  if (outcome) {
    const range = rangeText(step);
    const bytes = range && `, ${range}`;
    return [`${indent}${outcomeText(outcome)}: ${[ruleOf(step) + bytes, ...condition].join(' ')}`];
  }
  if (!inner) return [];
  const loop = loopOf(step);
  const what = loop === undefined ? [] : [`for each of the ${loop}`];
  return [`${indent}${[...what, ...condition].join(' ')}:`];
}
