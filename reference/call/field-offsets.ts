import { uapi } from '../../spec/uapi/uapi.ts';

/** Where a field of a struct starts, in bytes. */
export function offsetOf(struct: string, field: string): number {
  return uapi.structs[struct]!.fields.find(({ name }) => name === field)!.at;
}
