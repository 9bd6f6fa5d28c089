import { PAGE } from '../../../reference/memory/user-memory.ts';
import { type Field, uapi } from '../../../spec/uapi/uapi.ts';
import type { Argument, Name } from '../../../spec/uapi/vocabulary.ts';
import { argumentAt, layOut, type Value } from '../../programs/build.ts';

/** An ordinary request: a struct in its plain size, or with the part that a flag adds, or one that asks for something else. */
export interface Form {
  /** Ending of program names; empty for the plain form. */
  suffix: string;
  struct: string;
  extended: boolean;
  /** What is written depends on argsz. */
  grows: boolean;
  /** Bytes. */
  size: number;
  values: Record<string, Value>;
}

/** The forms of a struct, the plain one first. `pasid` is a number that was saved, if there is one. */
export function formsOf(struct: string, pasid?: Name): Form[] {
  const { size, extended, extendedBy, argszEdges, fields } = uapi.structs[struct]!;
  const grows = argszEdges !== undefined;
  const valuesOf = (some: Field[]) =>
    Object.fromEntries(some.map((field) => [field.name, ordinary(size, field, pasid)]));
  const values = valuesOf(fields.filter((field) => !field.extended));
  const plain: Form = { suffix: '', struct, extended: false, grows, size, values };
  const others = otherRequests(values, pasid).map(
    ([suffix, other]): Form => ({ ...plain, suffix, values: { ...values, ...other } }),
  );
  if (!extended) return [plain, ...others];
  const flags = fields.find(({ holds }) => holds === 'flags')!;
  const flag = uapi.flags[flags.flags!]![extendedBy!]!;
  return [
    plain,
    {
      suffix: '_extended',
      struct,
      extended: true,
      grows,
      size: extended,
      values: { ...valuesOf(fields), argsz: extended, [flags.name]: flag },
    },
  ];
}

/** What else a struct can ask for, by the ending of program names: FREE, UNBIND, and to invalidate addresses. */
function otherRequests(values: Record<string, Value>, pasid?: Name): [string, Record<string, Value>][] {
  if ('min' in values) {
    const freed = pasid === undefined ? values.min! : { ref: pasid };
    return [['_free', { flags: uapi.flags.pasid_request_flags!.VFIO_IOMMU_PASID_FREE!, min: freed }]];
  }
  if ('hpasid' in values) return [['_unbind', { flags: uapi.flags.bind_flags!.VFIO_IOMMU_UNBIND_GUEST_PGTBL! }]];
  if ('granularity' in values)
    return [['_of_addresses', { granularity: uapi.values.granularity!.IOMMU_INV_GRANU_ADDR! }]];
  return [];
}

function ordinary(size: number, field: Field, pasid?: Name): Value {
  switch (field.holds) {
    case 'argsz':
      return size;
    case 'fd':
      return { ref: 'c' };
    case 'address':
      return { ref: 'buf' };
    case 'iova':
      return 0x40000;
    case 'size':
    case 'page_size':
      return PAGE;
    case 'bitmap_size':
      return 8;
    case 'bitmap':
      return { ref: 'bitmap' };
    // The range of ALLOC is one of numbers.
    case 'pasid':
      return pasid === undefined || field.width === 4 ? field.example! : { ref: pasid };
    case 'feature':
    case 'region':
    case 'zero':
      return 0;
    case 'flags':
    case 'interrupt':
    case 'vector':
    case 'version':
    case 'format':
    case 'bits':
    case 'guest_address':
    case 'address_width':
    case 'granularity':
    case 'page_count':
    case 'data_argsz':
      return field.example ?? 0;
    case 'ignored':
      return field.width === 8 ? 0xffff_ffff_ffff_ffffn : 0xffff_ffff;
  }
}

/**
 * A form with some values replaced, of which the first `readable` bytes stand at the very end of the memory `arg`:
 * a handler that reads one byte more meets an inaccessible page.
 */
export function atTheEnd(form: Form, values: Record<string, Value>, readable: number = form.size): Argument {
  const { bytes, relocations } = layOut(form.struct, { ...form.values, ...values }, form.extended);
  return argumentAt('arg', PAGE - readable, {
    bytes: bytes.slice(0, readable * 2),
    relocations: relocations.filter(({ at, width }) => at + width <= readable),
  });
}
