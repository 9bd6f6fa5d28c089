import type { Translation } from './translation.ts';
import { type FlushRange, TranslationCache } from './translation-cache.ts';

/** Translations of requests with a PASID that a device with ATS keeps itself. */
export class DeviceTlb {
  private readonly kept = new TranslationCache<Translation>();

  get(pasid: number, page: number): Translation | undefined {
    return this.kept.get(pasid, 1, page);
  }

  set(pasid: number, page: number, translation: Translation): void {
    this.kept.set(pasid, 1, page, translation);
  }

  /** Drops what is for any of the pages; without a range everything. */
  flush(range: FlushRange = {}): void {
    this.kept.flush(range);
  }
}
