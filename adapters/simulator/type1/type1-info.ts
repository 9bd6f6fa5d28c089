import { uapi } from '../../../spec/uapi/uapi.ts';
import type { Process } from '../files/file-table.ts';
import { bytesOfPages } from '../mm/page-number.ts';
import { PAGE_SIZE } from '../mm/physical-memory.ts';
import type { Parameters } from '../parameters.ts';
import type { nestingCapability } from '../pasids/nesting-capability.ts';
import type { Errno, Result } from '../result.ts';
import { ALLOCATION, COPY_FROM_USER, COPY_TO_USER, LOCK, type Steps } from '../steps.ts';
import { infoBytes } from '../vfio/info-bytes.ts';
import { layout } from '../vfio/requests.ts';
import { BITMAP_MAXIMUM } from './bitmap-argument.ts';
import type { WithParts } from './type1-state.ts';

const INFO = layout('vfio_iommu_type1_info');
const ARGSZ = INFO.word.argsz!;
/** Bytes of the struct with the place of the first capability, behind which the capabilities begin. */
const CHAIN_AT = 24;
const { VFIO_IOMMU_INFO_PGSIZES: PAGE_SIZES, VFIO_IOMMU_INFO_CAPS: CAPABILITIES } = uapi.flags.iommu_info_flags!;
const {
  VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION: MIGRATION,
  VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL: DMA_AVAILABLE,
  VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE: IOVA_RANGES,
} = uapi.values.iommu_info_capability!;
const { VFIO_IOMMU_TYPE1_INFO_CAP_NESTING: NESTING } = uapi.values.nesting_capability!;
/** All capabilities are of their first version, which stands in the high half of a word. */
const VERSION = 1 << 16;

/** What GET_INFO calls through the backend's table. */
export interface InfoParts {
  readonly chained: typeof chained;
  readonly infoFlags: typeof infoFlags;
  readonly nestingCapability: typeof nestingCapability;
}

/** VFIO_IOMMU_GET_INFO: reports what the backend can do. */
export function* getInfo(backend: WithParts<InfoParts>, process: Process, argument: number): Steps<Result> {
  // copies
  if (yield COPY_FROM_USER) return 'EFAULT';
  const words = process.mm.copyFromUser(argument, INFO.size);
  if (words === undefined) return 'EFAULT';

  // argument
  const argsz = words[ARGSZ]!;
  if (argsz < INFO.size) return 'EINVAL';

  // state
  do yield LOCK;
  while (!backend.lock.take());
  const chain = yield* capabilities(backend);
  backend.lock.release();
  if (typeof chain === 'string') return chain;
  const hasChain = chain.length > 0;
  const needed = CHAIN_AT + chain.length * 4;
  const fits = hasChain && argsz >= needed;
  const header = [
    fits || !hasChain ? argsz : needed,
    backend.parts.infoFlags(hasChain),
    backend.unit.pageSizes,
    0,
    fits ? CHAIN_AT : 0,
    0,
  ];

  // result
  if (fits) {
    if (yield COPY_TO_USER) return 'EFAULT';
    if (!process.mm.copyToUser(argument + CHAIN_AT, chain)) return 'EFAULT';
  }
  if (yield COPY_TO_USER) return 'EFAULT';
  return process.mm.copyToUser(argument, header, infoBytes(backend.parameters, argsz)) ? 0 : 'EFAULT';
}

/** What the fields mean: whether there are sizes of pages, and capabilities. */
export function infoFlags(hasChain: boolean): number {
  return PAGE_SIZES! | (hasChain ? CAPABILITIES! : 0);
}

/** The words of all capabilities, each of which begins with what it is and where the next one is. */
function* capabilities(backend: WithParts<InfoParts>): Steps<number[] | Errno> {
  const { validRanges, available, parameters } = backend;
  const all: Capability[] = [];
  if (parameters.base_kernel !== '2020') {
    if (yield ALLOCATION) return 'ENOMEM';
    all.push({ id: MIGRATION!, content: [0, 0, PAGE_SIZE, 0, BITMAP_MAXIMUM, 0] });
    if (yield ALLOCATION) return 'ENOMEM';
    all.push({ id: DMA_AVAILABLE!, content: paddedAvailable(parameters, available) });
  }
  if (validRanges.length > 0) {
    if (yield ALLOCATION) return 'ENOMEM';
    const ranges = validRanges.flatMap(({ first, last }) => [...bytesOfPages(first), ...lastByteOf(last)]);
    if (yield ALLOCATION) return 'ENOMEM';
    all.push({ id: IOVA_RANGES!, content: [validRanges.length, 0, ...ranges] });
  }
  const nesting = backend.parts.nestingCapability(backend);
  if (typeof nesting === 'string') return nesting;
  if (nesting !== undefined) {
    if (yield ALLOCATION) return 'ENOMEM';
    all.push({ id: NESTING!, content: nesting });
  }
  return backend.parts.chained(all);
}

/** A capability of GET_INFO. */
export interface Capability {
  id: number;
  /** The words behind its header. */
  content: number[];
}

/** The words of capabilities in a row; `next` counts from the beginning of the argument. */
export function chained(capabilities: Capability[]): number[] {
  const chain: number[] = [];
  capabilities.forEach(({ id, content }, i) => {
    const next = CHAIN_AT + (chain.length + 2 + content.length) * 4;
    chain.push(id | VERSION, i + 1 < capabilities.length ? next : 0, ...content);
  });
  return chain;
}

function paddedAvailable({ dma_available_capability }: Parameters, available: number): number[] {
  return dma_available_capability === 'sixteen_bytes' ? [available, 0] : [available];
}

/** The two words of the address of the last byte of a page. */
function lastByteOf(page: number): [low: number, high: number] {
  const [low, high] = bytesOfPages(page);
  return [low + PAGE_SIZE - 1, high];
}
