import { match, P } from 'ts-pattern';
import { outcomeText, rangeText, stepsAt } from '../../reports/reference/contract-text.ts';
import { loopOf, ruleOf, wordsOf } from '../../spec/contract/steps.ts';
import type { ContractData, Handler, Step } from '../../spec/contract/types.ts';
import { uapi } from '../../spec/uapi/uapi.ts';
import { Citations } from './citations.ts';
import type { Asking, Subject } from './subject.ts';

/** Ioctls, other ops and tables of the IOMMU driver, by any of their names: their steps in order. */
export const handlerSubject: Subject = {
  kind: 'an ioctl',
  names: ({ handlers }) => handlers.flatMap(namesOf),
  fits({ contract: { data, parameters, rules } }, name) {
    return asked(data, name).some(({ ioctl, table, steps }) => {
      // Only what the requests go through can be left out altogether.
      if (table) return stepsAt(data, steps, parameters).some(({ step }) => rules.has(ruleOf(step) ?? ''));
      const feature = uapi.ioctls[ioctl ?? '']?.feature;
      return feature === undefined || parameters[feature] === 'present';
    });
  },
  explain: (asking, name) =>
    asked(asking.data, name)
      .map((handler) => explainHandler(asking, handler))
      .join('\n\n'),
};

/** The handlers of a name: a short one may be that of ioctls on several kinds of descriptors. */
function asked(data: ContractData, name: string): Handler[] {
  return data.handlers.filter((handler) => namesOf(handler).includes(name));
}

/** The names of a handler: its id, that of its ioctl, with and without what it starts with, or that of its op. */
export function namesOf({ id, ioctl, op }: Handler): string[] {
  const without = (prefix: RegExp) => ioctl?.replace(prefix, '');
  return [...new Set([id, ioctl, op, without(/^VFIO_/), without(/^VFIO_(GROUP_|IOMMU_|DEVICE_)?/)])].filter(
    (name) => name !== undefined,
  );
}

/** What a handler is called in headings. */
export function titleOf({ ioctl, op, table }: Handler): string {
  return ioctl ?? op ?? `table ${table}`;
}

/** The steps of a handler at a setting, a line each, one of the rules marked; then the sources that they cite. */
export function explainHandler({ data, contract, label }: Asking, handler: Handler, marked?: string): string {
  const request = uapi.ioctls[handler.ioctl ?? ''];
  const number = request ? ` (0x${request.number.toString(16)} on ${descriptors[request.fd]})` : '';
  const lines = [`${titleOf(handler)}${number}, in this order (${label}):`];
  const citations = new Citations(data);
  const mark = (rule: string | undefined) => (marked !== undefined && rule === marked ? '>' : ' ');
  for (const { step, depth } of stepsAt(data, handler.steps, contract.parameters)) {
    const id = ruleOf(step);
    const rule = id === undefined ? undefined : data.rules.get(id);
    const only = step.if === undefined ? '' : ` (if ${step.if})`;
    const outcome = rule?.outcome ? ` -> ${outcomeText(rule.outcome)}` : '';
    const text = rule ? `${rule.id}${outcome}: ${rule.sentence} ${citations.of(rule)}` : '';
    lines.push(`${mark(id ?? step.if)} ${'  '.repeat(depth)}${whatItDoes(step)}${only} ${text}`.trimEnd());
    for (const [word, ruled] of wordsOf(step))
      lines.push(`${mark(ruled)} ${'  '.repeat(depth + 1)}${word}, by ${ruled}: ${data.rules.get(ruled)!.sentence}`);
  }
  return [...lines, ...citations.lines()].join('\n');
}

const descriptors = { container: 'a container', group: 'a group', device: 'a device', any: 'any descriptor' } as const;

function whatItDoes(step: Step): string {
  return match(step)
    .with({ kind: P.union('refuse', 'effect', 'case', 'return') }, ({ kind }) => kind)
    .with({ kind: P.union('read', 'write') }, ({ kind }) => `${kind} ${rangeText(step)}`.trimEnd())
    .with({ kind: P.union('each', 'each_device') }, () => `for each of the ${loopOf(step)}:`)
    .with({ kind: 'block' }, () => 'the following')
    .exhaustive();
}
