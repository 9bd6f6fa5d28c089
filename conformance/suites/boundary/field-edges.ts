import { uapi } from '../../../spec/uapi/uapi.ts';
import type { Program } from '../../../spec/uapi/vocabulary.ts';
import type { Value } from '../../programs/build.ts';
import type { Edge, EdgeContext } from './edge.ts';
import { edgesOf } from './edges.ts';
import { atTheEnd, type Form } from './forms.ts';
import type { Make } from './probe.ts';

/** A form as it is, and with each field at each of its edges, or at those that are telling. */
export function* singleFields(
  form: Form,
  make: Make,
  context: EdgeContext,
  which: 'all' | 'telling' = 'all',
): Iterable<Program> {
  yield make(`ordinary${form.suffix}`, [], atTheEnd(form, {}));
  for (const { name, edges } of fieldsOf(form, context)) {
    for (const edge of which === 'all' ? edges : tellingOf(edges))
      yield make(`${edge.label}${form.suffix}`, edge.before ?? [], atTheEnd(form, { [name]: edge.value }));
  }
}

/** Every two fields at once, each at its telling edges. */
export function* pairsOfFields(form: Form, make: Make, context: EdgeContext): Iterable<Program> {
  const fields = fieldsOf(form, context);
  for (const [i, a] of fields.entries()) {
    for (const b of fields.slice(i + 1)) {
      if (!isRange(a, b)) yield* together(form, make, a.name, tellingOf(a.edges), b.name, tellingOf(b.edges));
    }
  }
}

/** The two fields that make one range, each at all of its edges. */
export function* ranges(form: Form, make: Make, context: EdgeContext): Iterable<Program> {
  const fields = fieldsOf(form, context);
  for (const a of fields)
    for (const b of fields) if (isRange(a, b)) yield* together(form, make, a.name, a.edges, b.name, b.edges);
}

const isRange = (a: { holds: string }, b: { holds: string }) => a.holds === 'iova' && b.holds === 'size';

function* together(form: Form, make: Make, a: string, as: Edge[], b: string, bs: Edge[]): Iterable<Program> {
  for (const first of as) {
    for (const second of bs) {
      const values: Record<string, Value> = { [a]: first.value, [b]: second.value };
      yield make(
        `${first.label}_${second.label}${form.suffix}`,
        [...(first.before ?? []), ...(second.before ?? [])],
        atTheEnd(form, values),
      );
    }
  }
}

function fieldsOf({ struct, values }: Form, context: EdgeContext): { name: string; holds: string; edges: Edge[] }[] {
  return uapi.structs[struct]!.fields.filter(({ name }) => name in values).map((field) => ({
    name: field.name,
    holds: field.holds,
    edges: edgesOf(struct, field, context).filter(({ value }) => !same(value, values[field.name]!)),
  }));
}

function same(a: Value, b: Value): boolean {
  return JSON.stringify(a, text) === JSON.stringify(b, text);
}

function text(_: string, value: unknown): unknown {
  return typeof value === 'bigint' || typeof value === 'number' ? String(value) : value;
}

function tellingOf(edges: Edge[]): Edge[] {
  return edges.filter(({ telling }) => telling);
}
