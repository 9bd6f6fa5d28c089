/** A GET_INFO: what it reports. */
export class InfoRequest {
  /** The capabilities. */
  readonly chain: Uint8Array[] = [];
  /** The field `argsz` as it comes back. */
  argsz = 0;
  /** Offset of the first capability as it comes back; 0 for none. */
  offset = 0;
}
