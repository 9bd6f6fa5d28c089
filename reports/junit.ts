import { visible } from '../spec/uapi/visible.ts';
import type { RecordCase, ResultLoss, RunResult } from '../spec/uapi/vocabulary.ts';
import { describeFailure, describeLoss, overlayText } from './text.ts';

/**
 * JUnit XML: a test suite for each suite and handler, a test case for each program; and one test suite whose test cases are
 * the losses of the target, an error where nothing explains one and it is not put up with.
 */
export function toJunit(
  cases: readonly RecordCase[],
  { target, profile, losses, environment }: RunResult,
  allowLosses: boolean,
  replay: string,
): string {
  const groups = new Map<string, RecordCase[]>();
  for (const one of cases) {
    const group = visible(one.trace.program.id).split('/').slice(0, -1).join('.') || visible(one.suite);
    const members = groups.get(group);
    if (members) members.push(one);
    else groups.set(group, [one]);
  }
  const isUnexplained = ({ blamed }: ResultLoss) => blamed === undefined && !allowLosses;
  const unexplained = losses.filter(isUnexplained).length;
  const count = (of: readonly RecordCase[], test: (one: RecordCase) => boolean) => of.filter(test).length;
  const attributes = (of: readonly RecordCase[], more = 0, errors = 0) =>
    `tests="${of.length + more}" failures="${count(of, isFailure)}" errors="${count(of, isError) + errors}" skipped="${count(of, isSkipped)}"`;
  const properties =
    environment === undefined
      ? ''
      : `    <properties><property name="environment" value="${xml(visible(overlayText(environment)))}"/></properties>\n`;
  const bodies = [...groups].map(
    ([group, members]) =>
      `  <testsuite name="${xml(group)}" ${attributes(members)}>\n${properties}${members.map((one) => testCase(group, one, replay)).join('\n')}\n  </testsuite>`,
  );
  if (losses.length > 0) {
    const lines = losses.map((one, index) => lossCase(one, index + 1, isUnexplained(one)));
    bodies.push(
      `  <testsuite name="losses" ${attributes([], losses.length, unexplained)}>\n${properties}${lines.join('\n')}\n  </testsuite>`,
    );
  }
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="${xml(visible(`${target} ${profile}`))}" ${attributes(cases, losses.length, unexplained)}>\n${bodies.join('\n')}\n</testsuites>\n`;
}

const isFailure = ({ verdict }: RecordCase) => verdict === 'fail' || verdict === 'unexpected-pass';
const isError = ({ verdict }: RecordCase) => verdict === 'inconclusive';
const isSkipped = ({ verdict }: RecordCase) =>
  verdict === 'not-applicable' || verdict === 'undefined' || verdict === 'known-deviation';

function testCase(group: string, one: RecordCase, replay: string): string {
  const open = `    <testcase classname="${xml(group)}" name="${xml(visible(one.trace.program.id).split('/').at(-1)!)}"`;
  if (isFailure(one)) {
    const { signature, expected, actual } = visible(one.failure!);
    return `${open}><failure type="${xml(signature.rule)}" message="${xml(`expected ${expected}, got ${actual}`)}">${xml(describeFailure(one, replay))}</failure></testcase>`;
  }
  if (isError(one)) return `${open}><error message="${xml(visible(one.reason ?? 'inconclusive'))}"/></testcase>`;
  if (isSkipped(one))
    return `${open}><skipped message="${xml(visible(`${one.verdict}: ${one.reason ?? ''}`))}"/></testcase>`;
  return `${open}/>`;
}

function lossCase(one: ResultLoss, number: number, isUnexplained: boolean): string {
  const open = `    <testcase classname="losses" name="${number}"`;
  const text = describeLoss(one);
  return isUnexplained
    ? `${open}><error message="${xml(visible(one.loss.why))}">${xml(text)}</error></testcase>`
    : `${open}><system-out>${xml(text)}</system-out></testcase>`;
}

/** Text that is visible, which leaves nothing that XML 1.0 forbids, as text or attribute. */
function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
