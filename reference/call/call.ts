import type { Op } from '../../spec/uapi/vocabulary.ts';
import type { ArgumentBuffer } from '../memory/argument-buffer.ts';
import type { OpenFileDescription, Process, World } from '../state/state.ts';
import { type BindData, bindRequest } from './bind-request.ts';
import { CacheRequest } from './cache-request.ts';
import type { Chooser } from './chooser.ts';
import type { DataRequest } from './data-request.ts';
import { DmaTransfer } from './dma-transfer.ts';
import { DriverVisit } from './driver-visit.ts';
import { InfoRequest } from './info-request.ts';
import { IoctlArgument } from './ioctl-argument.ts';
import { MapRequest } from './map-request.ts';
import { Opening } from './opening.ts';
import { opOf } from './operands.ts';
import { PasidRequest } from './pasid-request.ts';
import { RangeRequest } from './range-request.ts';
import { RegionTransfer } from './region-transfer.ts';
import type { UnspecifiedBytes } from './unspecified-bytes.ts';

/** What takes the place of a handler where the vocabulary itself says what an op does. */
export const VOCABULARY = 'vocabulary';

/** What a contract says about every call. */
export interface Manner {
  /** Cached translations are preferred to the tables: a contract with a defect that leaves more of them. */
  readonly prefersCached: boolean;
  /** The data of BIND and CACHE_INVALIDATE starts with a size of its own. */
  readonly sizeFirst: boolean;
  /** Serves one call after the other: making one for each is a tenth of the time that judging takes. */
  readonly argumentBuffer: ArgumentBuffer;
}

const nothingUnspecified: readonly UnspecifiedBytes[] = [];

/**
 * One op on its way through a handler: what conditions look at and effects change. What only some ops have is in parts that
 * are made when they are asked for; which rules may ask for which is in `families.ts`.
 */
export class Call {
  readonly world: World;
  readonly process: Process;
  readonly op: Op;
  readonly chooser: Chooser;
  private readonly manner: Manner;
  /** What the op's descriptor refers to. */
  object: OpenFileDescription['object'] | undefined;
  /** The handler that speaks of it. */
  handler = VOCABULARY;
  /** How the op's descriptor was opened. */
  mode: OpenFileDescription['mode'] = 'read-write';
  /** The number that the op returns, where an effect works it out. */
  result = 0;
  /** The errno that the op fails with, where a condition works it out. */
  errno = '';
  /** Bytes, in user memory, whose new contents are not specified. */
  unspecified: readonly UnspecifiedBytes[] = nothingUnspecified;
  /** The kernel or a device stored in memory. */
  stored = false;
  /** An allocation within a call of the IOMMU driver may fail. */
  allocationMayFail = false;
  private copiesFailed = 0;
  private argumentPart: IoctlArgument | undefined;
  private openingPart: Opening | undefined;
  private mapPart: MapRequest | undefined;
  private rangePart: RangeRequest | undefined;
  private infoPart: InfoRequest | undefined;
  private regionPart: RegionTransfer | undefined;
  private dmaPart: DmaTransfer | undefined;
  private pasidRequestPart: PasidRequest | undefined;
  private bindPart: DataRequest<BindData> | undefined;
  private cachePart: CacheRequest | undefined;
  private visitPart: DriverVisit | undefined;

  constructor(world: World, process: Process, op: Op, chooser: Chooser, manner: Manner) {
    this.world = world;
    this.process = process;
    this.op = op;
    this.chooser = chooser;
    this.manner = manner;
  }

  /** Whether the copy that comes next is one of those that were made to fail: nobody but the implementation knows which those are. */
  copyFails(): boolean {
    if (this.process.injections.length === 0) return false;
    const injected = this.process.injections.filter(({ fault }) => fault === 'copy').length;
    if (this.copiesFailed >= injected || this.chooser.choose(2) === 0) return false;
    this.copiesFailed++;
    return true;
  }

  /** Copies [from, from + length) of the argument from user memory; whether all of it could be read. */
  copyIn(from: number, length: number): boolean {
    const { argument } = this;
    const address = BigInt.asUintN(64, argument.value + BigInt(from));
    const readable = this.copyFails() ? 0 : this.process.memory.accessible(address, length, 'read');
    this.process.memory.read(address, argument.bytes, from, readable);
    argument.reads++;
    return readable === length;
  }

  /** ioctl. */
  get argument(): IoctlArgument {
    this.argumentPart ??= new IoctlArgument(this.manner.argumentBuffer);
    return this.argumentPart;
  }

  /** open, and ioctls that open a device. */
  get opening(): Opening {
    this.openingPart ??= new Opening();
    return this.openingPart;
  }

  /** MAP_DMA. */
  get map(): MapRequest {
    this.mapPart ??= new MapRequest(this.argument);
    return this.mapPart;
  }

  /** UNMAP_DMA and DIRTY_PAGES. */
  get range(): RangeRequest {
    this.rangePart ??= new RangeRequest(this.argument);
    return this.rangePart;
  }

  /** GET_INFO of a container. */
  get info(): InfoRequest {
    this.infoPart ??= new InfoRequest();
    return this.infoPart;
  }

  /** pread and pwrite of a device. */
  get region(): RegionTransfer {
    this.regionPart ??= new RegionTransfer(opOf(this, 'pread', 'pwrite'), this.process.memory);
    return this.regionPart;
  }

  /** dma. */
  get dma(): DmaTransfer {
    this.dmaPart ??= new DmaTransfer(opOf(this, 'dma'), this.manner.prefersCached);
    return this.dmaPart;
  }

  /** PASID_REQUEST. */
  get pasidRequest(): PasidRequest {
    this.pasidRequestPart ??= new PasidRequest(this.argument);
    return this.pasidRequestPart;
  }

  /** BIND. */
  get bind(): DataRequest<BindData> {
    this.bindPart ??= bindRequest(this.argument, this.manner.sizeFirst);
    return this.bindPart;
  }

  /** CACHE_INVALIDATE. */
  get cache(): CacheRequest {
    this.cachePart ??= new CacheRequest(this.argument, this.manner.sizeFirst);
    return this.cachePart;
  }

  /** BIND and CACHE_INVALIDATE: what the IOMMU driver is asked for. */
  get visit(): DriverVisit {
    this.visitPart ??= new DriverVisit();
    return this.visitPart;
  }
}
