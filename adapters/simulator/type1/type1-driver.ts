import type { Process } from '../files/file-table.ts';
import type { Errno } from '../result.ts';
import { ALLOCATION, type Steps } from '../steps.ts';
import type { VfioIommuDriver } from '../vfio/vfio-iommu-driver.ts';
import { checkExtension } from './check-extension.ts';
import type { Type1, Type1Parts } from './type1.ts';
import type { Type1Module } from './type1-state.ts';

/** The type1 module: makes a backend for each container that chooses it. */
export class Type1Driver implements VfioIommuDriver {
  constructor(
    private readonly parts: Type1Parts & { readonly Type1: typeof Type1 },
    private readonly module: Type1Module,
  ) {}

  checkExtension(extension: number): number {
    return checkExtension(extension, this.module.parameters, undefined);
  }

  *open(process: Process, type: number): Steps<Type1 | Errno> {
    if (yield ALLOCATION) return 'ENOMEM';
    if (type !== 1 && type !== 3 && type !== 6) return 'EINVAL';
    const { parameters, pasids } = this.module;
    const owner = parameters.pasid_request === 'present' ? pasids.join(process.mm) : undefined;
    return new this.parts.Type1(this.parts, this.module, type, owner);
  }
}
