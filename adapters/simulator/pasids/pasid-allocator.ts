import type { PasidOwner } from './pasid-owner.ts';

/** PASIDs of the PCI bus. */
export const PASID_COUNT = 2 ** 20;

/** Numbers in a row that are taken, both ends inclusive. */
interface Run {
  first: number;
  last: number;
}

/** Gives out PASIDs, the lowest free one first, and keeps who has them. */
export class PasidAllocator {
  private readonly owners = new Map<number, PasidOwner>();
  /** In order, none next to another. */
  private readonly runs: Run[] = [];

  /** Who has a PASID; undefined if it is free. */
  ownerOf(pasid: number): PasidOwner | undefined {
    return this.owners.get(pasid);
  }

  /** Gives out the lowest free number between two, inclusive; undefined if there is none. */
  allocate(owner: PasidOwner, min: number, max: number): number | undefined {
    const place = this.placeOf(min);
    const run = this.runs[place];
    const pasid = run !== undefined && run.first <= min ? run.last + 1 : min;
    if (pasid > max) return undefined;
    this.owners.set(pasid, owner);
    owner.pasids.add(pasid);
    this.take(pasid);
    return pasid;
  }

  /** Takes a number back. */
  free(pasid: number): void {
    this.owners.get(pasid)?.pasids.delete(pasid);
    this.owners.delete(pasid);
    const place = this.placeOf(pasid);
    const { first, last } = this.runs[place]!;
    const rest = [
      { first, last: pasid - 1 },
      { first: pasid + 1, last },
    ].filter((run) => run.first <= run.last);
    this.runs.splice(place, 1, ...rest);
  }

  private take(pasid: number): void {
    const place = this.placeOf(pasid);
    const before = this.runs[place - 1];
    const behind = this.runs[place];
    const joinsBefore = before?.last === pasid - 1;
    const joinsBehind = behind?.first === pasid + 1;
    if (joinsBefore && joinsBehind) {
      before.last = behind.last;
      this.runs.splice(place, 1);
    } else if (joinsBefore) before.last = pasid;
    else if (joinsBehind) behind.first = pasid;
    else this.runs.splice(place, 0, { first: pasid, last: pasid });
  }

  /** Index of the first run that ends at a number or behind. */
  private placeOf(pasid: number): number {
    let low = 0;
    let high = this.runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.runs[middle]!.last >= pasid) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
