/** Bytes in user memory whose new contents are not specified. */
export interface UnspecifiedBytes {
  address: bigint;
  length: number;
  /** Whether the contract allows what they turned out to be; without it, it allows anything. */
  accepts?: (bytes: Uint8Array) => boolean;
  /** Takes over into the state what they turned out to be: from then on it is known. */
  learn?: (bytes: Uint8Array) => void;
}
