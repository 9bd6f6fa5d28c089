import { PAGE } from '../../../reference/memory/user-memory.ts';
import type { Op, Program } from '../../../spec/uapi/vocabulary.ts';
import { layOut, memory, type Value } from '../../programs/build.ts';
import type { EdgeContext } from './edge.ts';
import { atTheEnd, type Form } from './forms.ts';
import type { Make } from './probe.ts';

/** The argument cut off by an unreadable page at each of some bytes; the longest cut once more with every field 0. */
export function* readCuts(form: Form, make: Make, every: boolean): Iterable<Program> {
  for (let readable = 0; readable < form.size; readable++) {
    if (!every && readable > 0 && readable < form.size - 1) continue;
    yield make(`readable_${readable}${form.suffix}`, [], atTheEnd(form, {}, readable));
  }
  const zeros = Object.fromEntries(Object.keys(form.values).map((name) => [name, 0]));
  yield make(`zeros_readable_${form.size - 1}${form.suffix}`, [], atTheEnd(form, zeros, form.size - 1));
}

/** Requests that write, by the name that their programs get: the ordinary one, one over everything mapped, and longer ones. */
function writingRequests(form: Form, { mappings }: EdgeContext): [string, Record<string, Value>][] {
  const requests: [string, Record<string, Value>][] = [['', {}]];
  const [first, last] = [mappings[0], mappings.at(-1)];
  if ('iova' in form.values && first && last)
    requests.push(['_over_all', { iova: first.iova, size: last.iova + last.size - first.iova }]);
  if (form.grows) for (const argsz of [20, 24, PAGE]) requests.push([`_argsz_${argsz}`, { argsz }]);
  return requests;
}

/** Bytes at which a result of so many is cut off: all of a short one, those around its words of a longer one. */
function cutsOf(length: number): number[] {
  const cuts: number[] = [];
  for (let at = 0; at <= length; at++) if (at <= 24 || at >= length - 1 || at % 8 <= 1) cuts.push(at);
  return cuts;
}

/** The result cut off by an unwritable page. `extent` says how many bytes of the argument a request may write. */
export function* writeCuts(
  form: Form,
  extent: (values: Record<string, Value>) => number,
  make: Make,
  context: EdgeContext,
): Iterable<Program> {
  for (const [name, values] of writingRequests(form, context)) {
    const length = extent(values);
    for (const writable of length === 0 ? [] : cutsOf(length)) {
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
