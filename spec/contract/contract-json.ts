import type { ContractData, ContractParts } from './types.ts';

/** The parts of a contract as JSON has them: lists of what has an id. */
type Lists = {
  [Part in keyof ContractParts]: ContractParts[Part] extends Map<string, infer One> ? One[] : ContractParts[Part];
};

/** The parts of a contract as one JSON object, always in the same order: the text that `hash` is of. */
export function partsText(parts: ContractParts): string {
  const { rules, handlers, parameters, profiles, sources, findings, invariants } = parts;
  const lists: Lists = {
    rules: [...rules.values()],
    handlers,
    parameters: [...parameters.values()],
    profiles: [...profiles.values()],
    sources: [...sources.values()],
    findings: [...findings.values()],
    invariants: [...invariants.values()],
  };
  return JSON.stringify(lists);
}

/** A contract as one JSON object, for `fromContractText`. */
export function toContractText({ hash, ...parts }: ContractData): string {
  return `{"hash":"${hash}","parts":${partsText(parts)}}`;
}

/** The contract of such a text. Throws a SyntaxError or a TypeError for anything else. */
export function fromContractText(text: string): ContractData {
  const { hash, parts } = JSON.parse(text) as { hash: string; parts: Lists };
  return {
    hash,
    rules: byId(parts.rules),
    handlers: parts.handlers,
    parameters: byId(parts.parameters),
    profiles: byId(parts.profiles),
    sources: byId(parts.sources),
    findings: byId(parts.findings),
    invariants: byId(parts.invariants),
  };
}

function byId<T extends { id: string }>(list: readonly T[]): Map<string, T> {
  return new Map(list.map((one) => [one.id, one]));
}
