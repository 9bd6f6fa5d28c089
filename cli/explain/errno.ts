import { constants } from 'node:os';
import type { Contract } from '../../reference/interpreter/contract.ts';
import { errnosOf, outcomeText, stepsAt } from '../../reports/reference/contract-text.ts';
import { ruleOf } from '../../spec/contract/steps.ts';
import type { Handler, Rule } from '../../spec/contract/types.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import { uapi } from '../../spec/uapi/uapi.ts';
import { titleOf } from './handler.ts';
import type { Subject } from './subject.ts';
import { rulesAt } from './where.ts';

/** The greatest number that a system call can return as an error. */
const MOST = 4095;

/** Errnos, by name or number of either sign: which rules give them, handler by handler in the order of steps. */
export const errnoSubject: Subject = {
  kind: 'an errno',
  names: () => Object.keys(uapi.errnos),
  takes: (name) => /^-?\d+$/.test(name) || Object.hasOwn(numbers, name),
  fits: ({ contract }, name) => rulesFailingWith(contract, spelling(name)).length > 0,
  explain({ data, contract, profile, label }, name) {
    const errno = spelling(name);
    const named = numbers[errno] === undefined ? errno : `${errno} (${numbers[errno]})`;
    const found = rulesFailingWith(contract, errno);
    const others = [...data.profiles.keys()].flatMap((other) => {
      const count = [...rulesAt(data, other)].filter((id) => failsWith(data.rules.get(id)!, errno)).length;
      return other === profile || count === 0 ? [] : [`${other} (${count})`];
    });
    const lines =
      found.length === 0
        ? [`No rule ${others.length > 0 ? `of ${label} ` : ''}gives ${named}.`]
        : [`These rules give ${named} (${label}), in the order of steps:`];
    for (const [handler, rules] of found) lines.push('', titleOf(handler), ...rules);
    const injected = [...contract.rules].filter((id) => failsWith(data.rules.get(id)!, 'result'));
    if (injected.length > 0) lines.push('', `Where a fault is injected with it, also: ${injected.join(', ')}.`);
    if (others.length > 0) lines.push('', `Rules that give it in other profiles: ${others.join(', ')}.`);
    return lines.join('\n');
  },
};

/** The steps that give an errno, by handler, in words. */
function rulesFailingWith({ data, parameters, rules }: Contract, errno: string): [Handler, string[]][] {
  return data.handlers.flatMap((handler): [Handler, string[]][] => {
    if (handler.table) return [];
    const lines = stepsAt(data, handler.steps, parameters).flatMap(({ step }) => {
      const rule = data.rules.get(ruleOf(step) ?? '');
      if (!rule || !rules.has(rule.id) || !failsWith(rule, errno)) return [];
      const { outcome } = rule;
      const among = outcome?.kind === 'one_of' ? ` -> ${outcomeText(outcome)}` : '';
      return [`  ${step.kind} ${rule.id}${among}: ${rule.sentence}`];
    });
    return lines.length > 0 ? [[handler, [...new Set(lines)]]] : [];
  });
}

const failsWith = ({ outcome }: Rule, errno: string) => outcome !== undefined && errnosOf(outcome).includes(errno);

/** An errno as rules write it: by its name, or by its number where user space has no name for it. Throws a Problem. */
function spelling(name: string): string {
  const number = Math.abs(/^-?\d+$/.test(name) ? Number(name) : numbers[name]!);
  if (number === 0 || number > MOST) throw new Problem(`explain ${name}: no errno; they are from 1 to ${MOST}.`);
  return Object.keys(numbers).find((one) => numbers[one] === number) ?? String(number);
}

/** Of several names of a number the contract's comes first. */
const numbers: Record<string, number> = { ...uapi.errnos, ...constants.errno, ...uapi.errnos };
