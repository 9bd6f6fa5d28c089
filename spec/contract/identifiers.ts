import { contractFolder } from './load.ts';
import type { ContractData } from './types.ts';
import { readYaml } from './yaml-file.ts';

/** A name that the contract has or had: one that is retired says what takes its place, or why nothing does. */
export interface Identifier {
  kind: 'rule' | 'finding' | 'parameter' | 'value' | 'profile';
  /** Of a value PARAMETER=VALUE. */
  id: string;
  successor?: string;
  because?: string;
}

/** All names that the contract of this package ever had, in the order in which they came or were retired. Throws a Problem. */
export function identifiers(): Identifier[] {
  return readYaml<Identifier[]>(`${contractFolder}/identifiers.yaml`, 'identifiers.schema.json').value;
}

/** The names that a contract has, in the order of its files. */
export function currentIdentifiers({ rules, findings, parameters, profiles }: ContractData): Identifier[] {
  const all = (kind: Identifier['kind'], ids: Iterable<string>) => [...ids].map((id): Identifier => ({ kind, id }));
  return [
    ...all('rule', rules.keys()),
    ...all('finding', findings.keys()),
    ...all('parameter', parameters.keys()),
    ...[...parameters.values()].flatMap(({ id, values }) =>
      all(
        'value',
        Object.keys(values).map((value) => `${id}=${value}`),
      ),
    ),
    ...all('profile', profiles.keys()),
  ];
}

/** A retired name, with the name in use that takes its place in the end, or why nothing does; undefined for any other name. */
export function retired(
  name: string,
  kinds?: readonly Identifier['kind'][],
  names: readonly Identifier[] = identifiers(),
): Identifier | undefined {
  const all = names.filter(isRetired);
  const first = all.find(({ kind, id }) => id === name && (kinds?.includes(kind) ?? true));
  let last = first;
  for (let next = last; next; next = all.find(({ kind, id }) => kind === last!.kind && id === last!.successor))
    last = next;
  return first && { ...last!, id: first.id };
}

/** Whether an entry says that its name is not used any more. */
export const isRetired = ({ successor, because }: Identifier): boolean =>
  successor !== undefined || because !== undefined;

/** What to tell who uses a retired name, such as `rule bind_binds is retired; use bind_flag_bind.` */
export const retirementText = ({ kind, id, successor, because }: Identifier): string =>
  `${kind} ${id} is retired; ${successor === undefined ? because : `use ${successor}.`}`;
