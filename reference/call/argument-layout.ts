import { type Field, uapi } from '../../spec/uapi/uapi.ts';

/** How to read the fields of a struct. */
export class ArgumentLayout {
  private readonly fields: ReadonlyMap<string, Field>;
  private readonly padding: readonly Field[];

  constructor(struct: string) {
    const { fields } = uapi.structs[struct]!;
    this.fields = new Map(fields.map((field) => [field.name, field]));
    this.padding = fields.filter(({ holds }) => holds === 'zero');
  }

  /** A field; one that the struct does not have is 0. */
  read(view: DataView, name: string): bigint {
    const field = this.fields.get(name);
    return field ? read(view, field) : 0n;
  }

  /** Whether all fields of padding are zero. */
  isPadded(view: DataView): boolean {
    return this.padding.every((field) => read(view, field) === 0n);
  }
}

/** The layouts of a request whose data may start with a size of its own. */
export interface DataLayouts {
  plain: ArgumentLayout;
  sizeFirst: ArgumentLayout;
}

/** The layouts of an ioctl's argument. */
export function layoutsOf(ioctl: string): DataLayouts {
  const { struct, argszFirst } = uapi.ioctls[ioctl]!;
  return { plain: new ArgumentLayout(struct!), sizeFirst: new ArgumentLayout(argszFirst!) };
}

function read(view: DataView, { at, width }: Field): bigint {
  if (width === 8) return view.getBigUint64(at, true);
  return BigInt(width === 4 ? view.getUint32(at, true) : width === 2 ? view.getUint16(at, true) : view.getUint8(at));
}
