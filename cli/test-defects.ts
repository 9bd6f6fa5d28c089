import type { SimulatorDefect } from '../adapters/simulator/defects/defect.ts';
import type { Contract } from '../reference/interpreter/contract.ts';
import { contractAt } from '../reference/interpreter/contracts.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import type { ContractData } from '../spec/contract/types.ts';

/** The profiles, the one that a user gets first; a defect is looked for by the first in which it makes a difference. */
const profiles = ['v1-singleton', 'v1', 'v1-fixed', 'type1-6.12'];

/** The contract of the first profile in which a defect makes a difference. */
export function contractFor(
  data: ContractData,
  { name, needs = {} }: SimulatorDefect,
): { profile: string; contract: Contract } {
  for (const profile of profiles) {
    const contract = contractAt(data, parameterSetting(data, profile));
    const fits = Object.entries(needs).every(([id, values]) =>
      (values as readonly string[]).includes(contract.parameters[id]!),
    );
    if (fits) return { profile, contract };
  }
  throw new Error(`no profile is for the defect ${name}`);
}
