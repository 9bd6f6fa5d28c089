import type { Op, Program } from '../../spec/uapi/vocabulary.ts';
import { layOut, memory, type Value } from '../build.ts';
import type { Surroundings } from './edges.ts';
import { atTheEnd, type Form } from './forms.ts';
import type { Make } from './probe.ts';

const PAGE = 4096;

/** The argument cut off by an unreadable page at every byte; the longest cut once more with every field 0. */
export function* readCuts(form: Form, make: Make): Iterable<Program> {
  for (let readable = 0; readable < form.size; readable++) {
    yield make(`readable_${readable}${form.suffix}`, [], atTheEnd(form, {}, readable));
  }
  const zeros = Object.fromEntries(Object.keys(form.values).map((name) => [name, 0]));
  yield make(`zeros_readable_${form.size - 1}${form.suffix}`, [], atTheEnd(form, zeros, form.size - 1));
}

/**
 * The result of `length` bytes cut off by an unwritable page at every byte, for the ordinary request and for one over
 * everything that is mapped.
 */
export function* writeCuts(form: Form, length: number, make: Make, { mappings }: Surroundings): Iterable<Program> {
  const requests: [string, Record<string, Value>][] = [['', {}]];
  const [first, last] = [mappings[0], mappings.at(-1)];
  if (first && last) requests.push(['_over_all', { iova: first.iova, size: last.iova + last.size - first.iova }]);
  for (const [name, values] of requests) {
    for (let writable = 0; writable <= length; writable++) {
      const at = PAGE - writable;
      const { bytes, relocations } = layOut(form.struct, { ...form.values, ...values }, form.extended);
      const before: Op[] = [
        memory('out', 2),
        { op: 'poke', memory: 'out', at, bytes, ...(relocations.length > 0 && { relocations }) },
        { op: 'protect', memory: 'out', at: PAGE, length: PAGE, protection: 'read' },
      ];
      yield make(`writable_${writable}${name}${form.suffix}`, before, { memory: 'out', at });
    }
  }
}
