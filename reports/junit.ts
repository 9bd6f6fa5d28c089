import type { RecordCase } from '../spec/uapi/vocabulary.ts';
import { describeFailure } from './text.ts';

/** JUnit XML: a test suite for each suite and handler, a test case for each program. */
export function toJunit(cases: readonly RecordCase[], name: string, replay: string): string {
  const groups = new Map<string, RecordCase[]>();
  for (const one of cases) {
    const group = one.trace.program.id.split('/').slice(0, -1).join('.') || one.suite;
    const members = groups.get(group);
    if (members) members.push(one);
    else groups.set(group, [one]);
  }
  const count = (of: readonly RecordCase[], test: (one: RecordCase) => boolean) => of.filter(test).length;
  const attributes = (of: readonly RecordCase[]) =>
    `tests="${of.length}" failures="${count(of, isFailure)}" errors="${count(of, isError)}" skipped="${count(of, isSkipped)}"`;
  const bodies = [...groups].map(
    ([group, members]) =>
      `  <testsuite name="${xml(group)}" ${attributes(members)}>\n${members.map((one) => testCase(group, one, replay)).join('\n')}\n  </testsuite>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="${xml(name)}" ${attributes(cases)}>\n${bodies.join('\n')}\n</testsuites>\n`;
}

const isFailure = ({ verdict }: RecordCase) => verdict === 'fail' || verdict === 'unexpected-pass';
const isError = ({ verdict }: RecordCase) => verdict === 'inconclusive';
const isSkipped = ({ verdict }: RecordCase) =>
  verdict === 'not-applicable' || verdict === 'undefined' || verdict === 'known-deviation';

function testCase(group: string, one: RecordCase, replay: string): string {
  const open = `    <testcase classname="${xml(group)}" name="${xml(one.trace.program.id.split('/').at(-1)!)}"`;
  if (isFailure(one)) {
    const { signature, expected, actual } = one.failure!;
    return `${open}><failure type="${xml(signature.rule)}" message="${xml(`expected ${expected}, got ${actual}`)}">${xml(describeFailure(one, replay))}</failure></testcase>`;
  }
  if (isError(one)) return `${open}><error message="${xml(one.reason ?? 'inconclusive')}"/></testcase>`;
  if (isSkipped(one)) return `${open}><skipped message="${xml(`${one.verdict}: ${one.reason ?? ''}`)}"/></testcase>`;
  return `${open}/>`;
}

function xml(text: string): string {
  return (
    text
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      // Control characters are not allowed in XML at all.
      .replace(/\p{Cc}/gu, (one) => (one === '\n' || one === '\t' ? one : '?'))
  );
}
