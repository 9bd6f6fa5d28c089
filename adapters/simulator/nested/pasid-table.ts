/** What a PASID stands for on a device: a guest table. */
export interface PasidEntry {
  /** Address of the top table, in the address space of the container; its low 12 bits mean nothing. */
  root: bigint;
  levels: 4 | 5;
}

/** The table in which an IOMMU looks up the PASIDs of one device; the IOMMU's driver fills it. */
export class PasidTable {
  private readonly entries = new Map<number, PasidEntry>();

  get(pasid: number): PasidEntry | undefined {
    return this.entries.get(pasid);
  }

  set(pasid: number, entry: PasidEntry): void {
    this.entries.set(pasid, entry);
  }

  clear(pasid: number): void {
    this.entries.delete(pasid);
  }

  clearAll(): void {
    this.entries.clear();
  }

  /** The PASIDs that have an entry. */
  pasids(): number[] {
    return [...this.entries.keys()];
  }

  get isEmpty(): boolean {
    return this.entries.size === 0;
  }
}
