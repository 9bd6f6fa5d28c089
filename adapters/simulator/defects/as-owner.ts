import type { Type1 } from '../type1/type1.ts';

/** A backend as the owner of a PASID would see it, whoever that is: for defects that do not look who asks. */
export function asOwner(backend: Type1, pasid: number): Type1 {
  const owner = backend.pasids.allocator.ownerOf(pasid);
  return Object.create(backend, { owner: { value: owner } }) as Type1;
}
