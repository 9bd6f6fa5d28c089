import type { Parameters } from '../../parameters.ts';
import { ProgramEnd } from '../../result.ts';

/** Sizes of the first version of the data; there is no other one yet. */
const SIZES = { bind: 72, invalidate: 48 } as const;

/**
 * The size of data of a version, negative for one that is refused. The look-up ends the kernel where it reads outside of
 * its table: below in either revision, above in the first.
 */
export function dataSize(data: keyof typeof SIZES, version: number, revision: Parameters['size_table']): number {
  // As a signed number, a version from 2^31 on is below the first.
  if ((version | 0) > 1 && revision === '2020-03-25') return -22;
  // What stands before the sizes of invalidations are those of BIND.
  if (version === 0 && data === 'invalidate') return SIZES.bind;
  if (version !== 1)
    throw new ProgramEnd('crashed', `The size of version ${version} of the data is outside of the table.`);
  return SIZES[data];
}
