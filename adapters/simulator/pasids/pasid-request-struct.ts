import { uapi } from '../../../spec/uapi/uapi.ts';
import type { Process } from '../files/file-table.ts';
import { COPY_FROM_USER, COPY_TO_USER, type Steps } from '../steps.ts';
import { layout } from '../vfio/requests.ts';
import { HEADER_BYTES } from './guest-structs.ts';

const { size, word } = layout('vfio_iommu_type1_pasid_request');
const RESULT_AT = word.result! * 4;

/** Bytes of the argument of PASID_REQUEST. */
export const PASID_REQUEST_BYTES = size;

export const { VFIO_IOMMU_PASID_ALLOC: ALLOC, VFIO_IOMMU_PASID_FREE: FREE } = uapi.flags.pasid_request_flags! as {
  VFIO_IOMMU_PASID_ALLOC: number;
  VFIO_IOMMU_PASID_FREE: number;
};

/** What follows the header: the ends of a range, the first of which is also the PASID to free. Undefined: EFAULT. */
export function* copyRange(process: Process, argument: number): Steps<{ min: number; max: number } | undefined> {
  if (yield COPY_FROM_USER) return undefined;
  const words = process.mm.copyFromUser(argument + HEADER_BYTES, size - HEADER_BYTES);
  return words && { min: words[0]!, max: words[1]! };
}

/** Writes the PASID that was given out; what comes out is how many of its bytes could not be written. */
export function* writeResult(process: Process, argument: number, pasid: number): Steps<number> {
  const bytes = Uint8Array.of(pasid, pasid >>> 8, pasid >>> 16, pasid >>> 24);
  if (yield COPY_TO_USER) return bytes.length;
  for (let i = 0; i < bytes.length; i++) {
    const written = process.mm.copyBytesToUser(argument + RESULT_AT + i, bytes.subarray(i, i + 1));
    if (!written) return bytes.length - i;
  }
  return 0;
}
