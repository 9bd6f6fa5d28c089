import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mergeNeeds, programsOf } from '../conformance/suites/suite.ts';
import { suites } from '../conformance/suites/suites.ts';
import { compileContract } from '../reference/interpreter/contract.ts';
import { modelEnvironment } from '../reference/model-target.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import type { RuleOutcome } from '../spec/contract/types.ts';
import { packageRoot } from '../spec/uapi/package-root.ts';

const text = readFileSync(join(packageRoot, 'docs/linux-checks.md'), 'utf8');
const data = loadContract();

/** A table of the page, by cells. */
interface Table {
  head: string[];
  rows: string[][];
}

const tables: Table[] = text
  .split('\n\n')
  .filter((block) => block.startsWith('|'))
  .map((block) => {
    const cells = (line: string) => line.slice(2, -2).split(' | ');
    const [head, , ...rows] = block.trim().split('\n');
    return { head: cells(head!), rows: rows.map(cells) };
  });

/** Rules, suites, programs and beginnings of programs that a text names. */
const named = (some: string): string[] => [...some.matchAll(/`([\w./]+)`/g)].map(([, id]) => id!);
const listed = (cell: string): string[] => (cell === '–' ? [] : cell.split(', '));

/** The cells of all tables that say where something is, or why it is not: the last one but for the releases. */
const places = tables.flatMap(({ head, rows }) => {
  const column = head.indexOf('rule, program, or why not');
  return column < 0 ? [] : rows.map((cells) => ({ what: cells[0]!, place: cells[column]! }));
});
const reasons = tables[0]!.rows.map(([reason]) => `left out: ${reason}`);

const checks = tables
  .filter(({ head }) => head.includes('errno'))
  .flatMap(({ rows }) => rows)
  .map(([what, errnos, place, releases]) => ({
    what: what!,
    errnos: listed(errnos!),
    rules: named(place!).flatMap((id) => data.rules.get(id) ?? []),
    releases: listed(releases!),
  }));

/** Of some names those that neither a suite has nor a program, nor begins the id of one. */
function unknownAmong(names: readonly string[]): Set<string> {
  const left = new Set(names);
  for (const { name } of suites) left.delete(name);
  for (const profile of ['type1-6.12', ...data.profiles.keys()]) {
    const contract = compileContract(data, parameterSetting(data, profile));
    for (const suite of suites) {
      const of = () => [...left].some((name) => name.startsWith(`${suite.name}/`));
      for (const need of mergeNeeds(suite.needs())) {
        if (!of()) break;
        for (const { id } of programsOf(suite, contract, modelEnvironment(need))) {
          for (let end = id.length; end > 0; end = id.lastIndexOf('/', end - 1)) left.delete(id.slice(0, end));
          if (!of()) break;
        }
      }
    }
  }
  return left;
}

function errnosOf(outcome: RuleOutcome | undefined): string[] {
  if (!outcome) return [];
  if (outcome.kind === 'errno') return [outcome.errno];
  return outcome.kind === 'one_of' ? outcome.outcomes.flatMap(errnosOf) : [];
}

describe('the page of checks', () => {
  test('names rules, suites and programs that exist', () => {
    expect([...unknownAmong(named(text).filter((id) => !data.rules.has(id)))]).toEqual([]);
  });

  test('has a place for every rule that Linux is a source of', () => {
    const placed = new Set(places.flatMap(({ place }) => named(place)));
    const linux = [...data.rules.values()].filter(({ sources }) =>
      sources.some(({ source }) => /-6\.1(2)?$/.test(source)),
    );
    expect(linux.length).toBeGreaterThan(200);
    expect(linux.map(({ id }) => id).filter((id) => !placed.has(id))).toEqual([]);
  });

  test('names something for each row, or a reason of the list', () => {
    const neither = places.filter(({ place }) => named(place).length === 0 && !reasons.includes(place));
    expect(neither).toEqual([]);
    expect(places.filter(({ place }) => named(place).length > 0 && place.includes('left out'))).toEqual([]);
  });

  test('has no reason that nothing is left out for', () => {
    const given = new Set(places.map(({ place }) => place));
    expect(reasons.filter((reason) => !given.has(reason))).toEqual([]);
  });

  test.each(checks)('has the errnos and releases of the rules: $what', ({ errnos, rules, releases }) => {
    const answered = rules.flatMap(({ outcome }) => errnosOf(outcome));
    if (rules.length > 0) expect(new Set(errnos)).toEqual(new Set(answered));
    for (const { id, verified } of rules) if (verified) expect(releases, id).toEqual(verified);
  });
});
