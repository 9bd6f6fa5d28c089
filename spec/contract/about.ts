import { Problem } from '../uapi/problem.ts';
import { type Struct, uapi } from '../uapi/uapi.ts';
import { everyStep, rulesOf, tablesOf } from './steps.ts';
import type { Handler, Rule, Step } from './types.ts';

/**
 * Checks that the fields that rules are about, or write, are fields of the argument of every ioctl that has the rule, in its
 * own handler or in a table that it goes through. `at`: the place of a rule's `about` or `writes`. Throws a Problem.
 */
export function checkAbout(
  rules: ReadonlyMap<string, Rule>,
  handlers: readonly Handler[],
  at: (rule: string, key: 'about' | 'writes') => string,
): void {
  const asking = ioctlsByRule(handlers);
  for (const { id, about = [], writes = [] } of rules.values()) {
    checkFields(id, about, asking, () => at(id, 'about'));
    checkFields(id, writes, asking, () => at(id, 'writes'));
  }
}

function checkFields(
  id: string,
  fields: readonly string[],
  asking: ReadonlyMap<string, ReadonlySet<string>>,
  place: () => string,
): void {
  if (fields.length === 0) return;
  const ioctls = [...(asking.get(id) ?? [])];
  if (ioctls.length === 0) throw new Problem(`${place()}: no ioctl has rule ${id}; leave out what it is about.`);
  for (const ioctl of ioctls) {
    const known = fieldsOf(ioctl);
    const unknown = fields.find((field) => !known.includes(field));
    if (unknown === undefined) continue;
    throw new Problem(
      known.length === 0
        ? `${place()}: the argument of ${ioctl} has no fields; leave out what rule ${id} is about.`
        : `${place()}: ${unknown} is no field of the argument of ${ioctl}; it has ${known.join(', ')}.`,
    );
  }
}

/** The fields of an ioctl's argument, in either layout, and the other names that some of them have in a union. */
function fieldsOf(ioctl: string): string[] {
  const { struct, argszFirst } = uapi.ioctls[ioctl] ?? {};
  const structs = [struct, argszFirst].flatMap((name): Struct[] => (name === undefined ? [] : [uapi.structs[name]!]));
  return [
    ...new Set(
      structs.flatMap(({ fields, alternatives = {} }) => [
        ...fields.map(({ name }) => name),
        ...Object.keys(alternatives).filter((name) => typeof alternatives[name] === 'string'),
      ]),
    ),
  ];
}

/** For each rule the ioctls in whose handlers it stands, tables included. */
function ioctlsByRule(handlers: readonly Handler[]): Map<string, Set<string>> {
  const asking = new Map<string, Set<string>>();
  const tables = new Map(handlers.map(({ table, steps }) => [table, steps]));
  const visit = (ioctl: string, steps: readonly Step[]): void => {
    for (const step of everyStep(steps)) {
      for (const rule of rulesOf(step)) asking.set(rule, (asking.get(rule) ?? new Set()).add(ioctl));
      for (const table of tablesOf(step)) visit(ioctl, tables.get(table) ?? []);
    }
  };
  for (const { ioctl, steps } of handlers) if (ioctl !== undefined) visit(ioctl, steps);
  return asking;
}
