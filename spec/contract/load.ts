import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { packageRoot } from '../uapi/package-root.ts';
import { Problem } from '../uapi/problem.ts';
import { fromContractText, partsText } from './contract-json.ts';
import type { ContractData } from './types.ts';
import { readContract } from './yaml-contract.ts';

/** Where the contract's data stands in this package. */
export const contractFolder = `${packageRoot}/spec/contract`;

/**
 * The contract of this package as it was when the package was built, or the one of a folder of YAML, with all checks.
 * Throws a Problem: of a folder with file, line, column and remedy for anything malformed, missing or unused.
 */
export function loadContract(folder?: string): ContractData {
  if (folder === undefined) return builtContract();
  const parts = readContract(folder);
  return { hash: createHash('sha256').update(partsText(parts)).digest('hex'), ...parts };
}

const built = 'dist/contract.json';

function builtContract(): ContractData {
  try {
    return fromContractText(readFileSync(`${packageRoot}/${built}`, 'utf8'));
  } catch {
    throw new Problem(`${built}: cannot be read; run npm run build.`);
  }
}
