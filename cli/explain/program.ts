import type { Expectation } from '../../reference/interpreter/expectation.ts';
import { describeExpectation } from '../../reference/interpreter/outcome.ts';
import { describeOp, kindsOf } from '../../reports/program-text.ts';
import type { ContractData } from '../../spec/contract/types.ts';
import { toBigInt } from '../../spec/uapi/integer.ts';
import { uapi } from '../../spec/uapi/uapi.ts';
import { visible } from '../../spec/uapi/visible.ts';
import type { Op, Program } from '../../spec/uapi/vocabulary.ts';
import { Citations } from './citations.ts';
import { expectedResults } from './expected-results.ts';
import type { Asking } from './subject.ts';

/** Whether a program is about the ioctls of the 2020 nesting series, or needs a machine that nests. */
export function isOfTheSeries({ feature, topology, ops }: Program): boolean {
  if (feature !== undefined || (topology.machine?.nesting ?? 'none') !== 'none') return true;
  const kinds = kindsOf(ops);
  const requests = Object.values(uapi.ioctls).filter((ioctl) => ioctl.feature !== undefined);
  return ops.some(
    (op) =>
      op.op === 'ioctl' &&
      requests.some(({ number, fd }) => BigInt(number) === toBigInt(op.number) && fd === kinds.get(op.fd)),
  );
}

/** What must happen in a program, op by op: the results, the rule that decides, and the effects. Throws a Problem. */
export function explainProgram({ data, contract, label }: Asking, program: Program): string {
  const lines = [visible(`${program.id}, by ${label}${program.about ? `: ${program.about}` : ''}`)];
  const kinds = kindsOf(program.ops);
  const rules = new RuleText(data);
  const results = [...expectedResults(contract, program)];
  for (const [index, { op, expectations, more }] of results.entries()) {
    const text = expectations.map((one, way) => expectationLines(way === 0 ? 'result:' : 'or:', op, one, rules));
    lines.push(`  ${index} ${describeOp(op, kinds)}`, ...text.flat());
    if (expectations.length > 1 || more)
      lines.push(
        `      The contract leaves open which${more ? ', and more' : ''}; what follows goes on from the first.`,
      );
  }
  const left = program.ops.length - results.length;
  if (left > 0) lines.push(`  Of what follows (${left === 1 ? 'one op' : `${left} ops`}) nothing is said.`);
  return [...lines, ...rules.citations.lines()].join('\n');
}

function expectationLines(label: string, op: Op, expectation: Expectation, rules: RuleText): string[] {
  const { rule, effects, unspecified = [] } = expectation;
  const line = (name: string, text: string) => `      ${name.padEnd(9)} ${text}`;
  return [
    line(label, visible(describeExpectation(expectation, op))),
    ...unspecified.map(({ region, at, length }) =>
      line('open:', `what ${region.name}[${at}..${at + length - 1}] holds, within what the rules say`),
    ),
    ...rules.of([rule.id]).map((text) => line('decides:', text)),
    ...rules.of(effects.filter((id) => id !== rule.id)).map((text) => line('passes:', text)),
  ];
}

/** Rules in words: with sentence and sources the first time that they are named, by their ids later. */
class RuleText {
  readonly citations: Citations;
  private readonly data: ContractData;
  private readonly named = new Set<string>();

  constructor(data: ContractData) {
    this.citations = new Citations(data);
    this.data = data;
  }

  /** What the vocabulary of programs says itself is no rule of the contract, and left out. */
  of(ids: readonly string[]): string[] {
    return [...new Set(ids)].flatMap((id) => {
      const rule = this.data.rules.get(id);
      if (!rule) return [];
      if (this.named.has(id)) return [id];
      this.named.add(id);
      return [`${id}: ${rule.sentence} ${this.citations.of(rule)}`];
    });
  }
}
