/** Extended capabilities that the contract knows, by their ids. */
export const capability = { ats: 0x0f, pageRequest: 0x13, pasid: 0x1b } as const;

/** Their lengths, in bytes. */
const lengths: Record<number, number> = {
  [capability.ats]: 8,
  [capability.pageRequest]: 16,
  [capability.pasid]: 8,
};

/** The first one is where the space that every function has ends. */
const FIRST = 0x100;
const HEADER_BYTES = 4;
/** In a header: the id, and above the version where the next one is. */
const ID = 0xffff;
const NEXT_SHIFT = 20;

/** A link of the list of extended capabilities. */
export interface ExtendedCapability {
  id: number;
  at: number;
  /** Offset of the next one; 0 ends the list. */
  next: number;
}

/** Length of a capability in bytes; undefined for one that the contract does not know. */
export function lengthOf(id: number): number | undefined {
  return lengths[id];
}

/** The capabilities that one finds by following the links. */
export function extendedCapabilities(config: Uint8Array): ExtendedCapability[] {
  const found: ExtendedCapability[] = [];
  const isNew = (at: number) => found.every((one) => one.at !== at);
  for (let at = FIRST; at >= FIRST && at + HEADER_BYTES <= config.length && isNew(at); at = found.at(-1)!.next) {
    const header = headerAt(config, at);
    if (header === 0) break;
    found.push({ id: header & ID, at, next: header >>> NEXT_SHIFT });
  }
  return found;
}

/** Whether the links lead to a capability. */
export function leadsTo(config: Uint8Array, id: number): boolean {
  return extendedCapabilities(config).some((one) => one.id === id);
}

/** Makes the link to a capability lead past it. The first one has no link to it, and stays. */
export function hideCapability(config: Uint8Array, id: number): void {
  const list = extendedCapabilities(config);
  const hidden = list.findIndex((one) => one.id === id);
  const before = list[hidden - 1];
  if (!before) return;
  const rest = headerAt(config, before.at) & ((1 << NEXT_SHIFT) - 1);
  view(config).setUint32(before.at, ((list[hidden]!.next << NEXT_SHIFT) | rest) >>> 0, true);
}

const view = ({ buffer, byteOffset }: Uint8Array) => new DataView(buffer, byteOffset);

const headerAt = (config: Uint8Array, at: number) => view(config).getUint32(at, true);
