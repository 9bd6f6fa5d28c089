import type { Type1State } from '../type1/type1-state.ts';

/** A backend as the owner of a PASID would see it, whoever that is: for defects that do not look who asks. */
export function asOwner<Backend extends Type1State>(backend: Backend, pasid: number): Backend {
  const owner = backend.pasids.allocator.ownerOf(pasid);
  return Object.create(backend, { owner: { value: owner } }) as Backend;
}
