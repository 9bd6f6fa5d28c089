import { uapi } from '../../spec/uapi/uapi.ts';
import type { Program } from '../../spec/uapi/vocabulary.ts';
import type { Value } from '../build.ts';
import { type Edge, edgesOf, type Surroundings } from './edges.ts';
import { atTheEnd, type Form } from './forms.ts';
import type { Make } from './probe.ts';

/** A form as it is, and with each field at each of its edges. */
export function* singleFields(form: Form, make: Make, surroundings: Surroundings): Iterable<Program> {
  yield make(`ordinary${form.suffix}`, [], atTheEnd(form, {}));
  for (const { name, edges } of fieldsOf(form, surroundings)) {
    for (const edge of edges)
      yield make(`${edge.label}${form.suffix}`, edge.before ?? [], atTheEnd(form, { [name]: edge.value }));
  }
}

/** Every two fields at once: all edges of the two that make one range, the telling ones of any others. */
export function* pairsOfFields(form: Form, make: Make, surroundings: Surroundings): Iterable<Program> {
  const fields = fieldsOf(form, surroundings);
  for (const [i, a] of fields.entries()) {
    for (const b of fields.slice(i + 1)) {
      const range = a.holds === 'iova' && b.holds === 'size';
      for (const first of range ? a.edges : tellingOf(a.edges)) {
        for (const second of range ? b.edges : tellingOf(b.edges)) {
          const values: Record<string, Value> = { [a.name]: first.value, [b.name]: second.value };
          yield make(
            `${first.label}_${second.label}`,
            [...(first.before ?? []), ...(second.before ?? [])],
            atTheEnd(form, values),
          );
        }
      }
    }
  }
}

function fieldsOf(
  { struct, values }: Form,
  surroundings: Surroundings,
): { name: string; holds: string; edges: Edge[] }[] {
  return uapi.structs[struct]!.fields.map((field) => ({
    name: field.name,
    holds: field.holds,
    edges: edgesOf(struct, field, surroundings).filter(({ value }) => !same(value, values[field.name]!)),
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
