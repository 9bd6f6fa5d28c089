import { PAGE } from '../../../reference/memory/user-memory.ts';
import type { IoctlOp, Op, Program } from '../../../spec/uapi/vocabulary.ts';
import { memory } from '../../programs/build.ts';
import { interrupt, setIrqs } from '../../programs/device-ops.ts';
import type { Situation } from './situation.ts';

/** SET_IRQS with its data cut off by an unreadable page at every byte, in a program of its own for each kind of data. */
export function* interruptData({ id, slots, ops }: Situation): Iterable<Program> {
  const requests: [string, IoctlOp][] = [
    ['switch', setIrqs('d', { index: interrupt.msi, action: 'trigger', on: true })],
    ['event', setIrqs('d', { index: interrupt.msi, action: 'trigger', event: -1 })],
    // Data that nothing is done with are read, too.
    ['event_and_unknown_action', setIrqs('d', { index: interrupt.msi, action: 'mask', event: -1 })],
  ];
  for (const [label, request] of requests) {
    yield {
      id: `boundary/VFIO_DEVICE_SET_IRQS/${id}/cut_${label}`,
      topology: { slots },
      ops: [memory('arg', 1), ...ops, ...cuts(request)],
    };
  }
}

function cuts(request: IoctlOp): Op[] {
  const { bytes = '' } = request.argument as { bytes?: string };
  const length = bytes.length / 2;
  return Array.from({ length: length + 1 }, (_, readable) => ({
    ...request,
    argument: { memory: 'arg', at: PAGE - readable, bytes: bytes.slice(0, readable * 2) },
  }));
}
