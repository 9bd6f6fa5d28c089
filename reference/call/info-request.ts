/** A GET_INFO: what it tells. */
export class InfoRequest {
  /** The capabilities. */
  readonly chain: Uint8Array[] = [];
  /** The field `argsz` as it comes back. */
  argsz = 0;
  /** Offset of the first capability as it comes back; 0 for none. */
  offset = 0;
}
