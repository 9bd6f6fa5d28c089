import type { Process } from '../../files/file-table.ts';
import type { Errno } from '../../result.ts';
import { ALLOCATION, COPY_FROM_USER, type Steps } from '../../steps.ts';
import type { Type1State } from '../../type1/type1-state.ts';
import { type BindData, bindData, type InvalidateData, invalidateData } from '../guest-structs.ts';
import { readBindData, readInvalidateData } from './iommu-core.ts';
import { dataSize } from './size-table.ts';

/** Gives the data of a request each time that a device's turn comes. */
export type DataSource<T> = () => Steps<T | Errno>;

/** Where the data of BIND and UNBIND comes from. */
export function* bindSource(backend: Type1State, process: Process, at: number): Steps<DataSource<BindData> | Errno> {
  if (backend.parameters.driver === 'v5.10') return () => readBindData(process, at);
  const bytes = yield* copyData(backend, process, at, 'bind');
  return typeof bytes === 'string' ? bytes : always(bindData(bytes));
}

/** Where the data of CACHE_INVALIDATE comes from. */
export function* invalidateSource(
  backend: Type1State,
  process: Process,
  at: number,
): Steps<DataSource<InvalidateData> | Errno> {
  if (backend.parameters.driver === 'v5.10') return () => readInvalidateData(process, at);
  const bytes = yield* copyData(backend, process, at, 'invalidate');
  return typeof bytes === 'string' ? bytes : always(invalidateData(bytes));
}

/** Copies as much as the version asks for, whatever the header says. */
function* copyData(
  { parameters }: Type1State,
  process: Process,
  at: number,
  kind: 'bind' | 'invalidate',
): Steps<Uint8Array | Errno> {
  if (yield COPY_FROM_USER) return 'EFAULT';
  const words = process.mm.copyFromUser(at, 4);
  if (words === undefined) return 'EFAULT';
  const size = dataSize(kind, words[0]!, parameters.size_table);
  // A negative size is more than there is.
  if (size < 0) return 'ENOMEM';
  if (yield ALLOCATION) return 'ENOMEM';
  if (yield COPY_FROM_USER) return 'EFAULT';
  return process.mm.copyBytesFromUser(at, size) ?? 'EFAULT';
}

function always<T>(data: T): DataSource<T> {
  // biome-ignore lint/correctness/useYield: the data is there already.
  return function* () {
    return data;
  };
}
