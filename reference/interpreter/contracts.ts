import type { ContractData } from '../../spec/contract/types.ts';
import { type Contract, compileContract } from './contract.ts';
import type { Defect } from './defect.ts';

/** Contracts that are kept for each set of data; those that were asked for last. */
const KEPT = 256;

const compiled = new WeakMap<ContractData, Map<string, Contract>>();

/** The contract at a setting of all its parameters, with a defect or without; compiled once. */
export function contractAt(data: ContractData, parameters: Record<string, string>, defect?: Defect): Contract {
  let known = compiled.get(data);
  if (!known) {
    known = new Map();
    compiled.set(data, known);
  }
  let key = defect ? `${defect.rule} ${defect.kind}` : '';
  for (const name of data.parameters.keys()) key += ` ${parameters[name]}`;
  let contract = known.get(key);
  if (contract) known.delete(key);
  else contract = compileContract(data, { ...parameters }, defect);
  // The one asked for last is last.
  known.set(key, contract);
  if (known.size > KEPT) known.delete(known.keys().next().value!);
  return contract;
}

/** A contract with one rule made wrong. */
export function withDefect({ data, parameters }: Contract, defect: Defect): Contract {
  return contractAt(data, parameters, defect);
}
