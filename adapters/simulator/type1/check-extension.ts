import type { Parameters } from '../parameters.ts';
import type { BackendDomain } from './type1-state.ts';

/** Extensions that the type1 module has whatever its instances hold. */
const EXTENSIONS: ReadonlySet<number> = new Set([1, 3, 6]);
const DMA_CC = 4;
const UNMAP_ALL = 9;
const UPDATE_VADDR = 10;
/** What UNMAP_ALL was in 2020: the version of the requests for guest tables. */
const NESTING_UAPI = UNMAP_ALL;
const NESTING_UAPI_VERSION = 1;

/** CHECK_EXTENSION, of an instance with the page tables that it has, or of the module alone. */
export function checkExtension(
  extension: number,
  parameters: Parameters,
  domains: readonly BackendDomain[] | undefined,
): number {
  if (EXTENSIONS.has(extension)) return 1;
  if (parameters.base_kernel === '2020') {
    if (extension === NESTING_UAPI && parameters.bind === 'present') return NESTING_UAPI_VERSION;
    if (extension >= UNMAP_ALL) return 0;
  }
  if (extension === UNMAP_ALL) return 1;
  if (domains === undefined) return 0;
  if (extension === UPDATE_VADDR) return 1;
  return extension === DMA_CC && domains.every(({ domain }) => domain.enforcesCoherency) ? 1 : 0;
}
