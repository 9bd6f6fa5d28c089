import type { Parameters } from './parameters.ts';
import type { Result } from './result.ts';

/** Mappings that a new backend allows unless the module's parameter says otherwise. */
export const DMA_ENTRY_LIMIT = 65535;
/** PASIDs that an address space may have unless the module's parameter says otherwise. */
export const PASID_QUOTA = 1000;

/** Parameters of the type1 module, which a user may write at any time. */
export class ModuleParameters {
  dmaEntryLimit = DMA_ENTRY_LIMIT;
  allowUnsafeInterrupts = false;
  /** Written without a sign. */
  pasidQuota = PASID_QUOTA;

  constructor(private readonly parameters: Parameters) {}

  /** Writes one of them. */
  set(parameter: string, value: string): Result {
    switch (parameter) {
      case 'disable_hugepages':
        // This kernel maps page by page anyway.
        return isSwitch(value) ? 0 : 'EINVAL';
      case 'allow_unsafe_interrupts':
        if (!isSwitch(value)) return 'EINVAL';
        this.allowUnsafeInterrupts = /^[1y]/i.test(value);
        return 0;
      case 'dma_entry_limit':
        return this.setNumber('dmaEntryLimit', value);
      case 'pasid_quota':
        return this.parameters.pasid_request === 'present' ? this.setNumber('pasidQuota', value) : 'ENOENT';
      default:
        return 'ENOENT';
    }
  }

  private setNumber(parameter: 'dmaEntryLimit' | 'pasidQuota', value: string): Result {
    // Writing nothing changes nothing.
    if (value === '') return 0;
    const digits = /^\+?(0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)\n?$/i.exec(value)?.[1];
    if (digits === undefined) return 'EINVAL';
    const number = /^0[0-7]/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
    if (number > 0xffff_ffff) return 'ERANGE';
    this[parameter] = number;
    return 0;
  }
}

/** Whether a text is a switch to the kernel: its first letter decides. */
function isSwitch(text: string): boolean {
  return /^[01yn]/i.test(text);
}
