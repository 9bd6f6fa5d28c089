import { PAGE } from '../../reference/user-memory.ts';
import { type Field, uapi } from '../../spec/uapi/uapi.ts';
import type { Argument } from '../../spec/uapi/vocabulary.ts';
import { argumentAt, layOut, type Value } from '../build.ts';

/** An ordinary request: a struct in its plain size, or with the part that a flag adds. */
export interface Form {
  /** Ending of program names; empty for the plain form. */
  suffix: '' | '_extended';
  struct: string;
  extended: boolean;
  /** What is written depends on argsz. */
  grows: boolean;
  /** Bytes. */
  size: number;
  values: Record<string, Value>;
}

/** The forms of a struct, the plain one first. */
export function formsOf(struct: string): Form[] {
  const { size, extended, extendedBy, argszEdges, fields } = uapi.structs[struct]!;
  const grows = argszEdges !== undefined;
  const valuesOf = (some: Field[]) => Object.fromEntries(some.map((field) => [field.name, ordinary(size, field)]));
  const values = valuesOf(fields.filter((field) => !field.extended));
  const plain: Form = { suffix: '', struct, extended: false, grows, size, values };
  if (!extended) return [plain];
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

function ordinary(size: number, field: Field): Value {
  switch (field.holds) {
    case 'argsz':
      return size;
    case 'flags':
      return field.example ?? 0;
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
    case 'feature':
    case 'region':
      return 0;
    case 'interrupt':
    case 'vector':
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
