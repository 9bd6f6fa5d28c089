import { extended } from '../../../spec/uapi/emulated-machine.ts';

/** Bytes of the configuration space of a PCI Express function, and of the part that conventional PCI has not. */
export const EXPRESS_BYTES = 4096;
const FIRST = extended.ats;
/** Of each capability. */
const VERSION = 1;

/** Whether a device shows a capability. */
export interface Exposure {
  pageRequest: boolean;
  pasid: boolean;
}

interface Capability {
  id: number;
  at: number;
  /** What follows the word with its id, its version and the place of the next one. */
  words: number[];
}

/** A function with the three capabilities: all addresses, 512 page requests, PASIDs of so many bits. */
function capabilitiesOf(pasidBits: number): (Capability & { shown: keyof Exposure | undefined })[] {
  return [
    { id: 0x0f, at: extended.ats, words: [0], shown: undefined },
    { id: 0x13, at: extended.pageRequest, words: [0, 0x20, 0], shown: 'pageRequest' },
    { id: 0x1b, at: extended.pasid, words: [pasidBits << 8], shown: 'pasid' },
  ];
}

/**
 * Configuration space behind the first 256 bytes as the driver shows it: the capabilities stand where the device has them,
 * but no link leads to one that is hidden. None of it can be written.
 */
export class ExtendedConfigSpace {
  private readonly view = new DataView(new ArrayBuffer(EXPRESS_BYTES - FIRST));

  /** A function without PASIDs has none of the capabilities. */
  constructor(pasidBits: number, exposure: Exposure) {
    if (pasidBits === 0) return;
    const capabilities = capabilitiesOf(pasidBits);
    capabilities.forEach(({ id, at, words, shown }, i) => {
      const isShown = shown === undefined || exposure[shown];
      // One that is hidden is as the device has it: linked to the one behind.
      const behind = capabilities.slice(i + 1).find((next) => !isShown || !next.shown || exposure[next.shown]);
      [id | (VERSION << 16) | ((behind?.at ?? 0) << 20), ...words].forEach((word, j) => {
        this.view.setUint32(at - FIRST + 4 * j, word, true);
      });
    });
  }

  /** One byte, by its place in configuration space. */
  load(at: number): number {
    return this.view.getUint8(at - FIRST);
  }
}
