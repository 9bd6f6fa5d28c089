import { memory } from '../conformance/programs/build.ts';
import { allocPasid, type DataLayout } from '../conformance/programs/nesting-ops.ts';
import type { IoctlOp, Name, Op } from '../spec/uapi/vocabulary.ts';
import { type CheckStep, requestStep } from './step.ts';

/** What is asked for: a PASID that no other step names, so that nobody else has it. */
const PASID = 3;
const MEMORY = 'fixed';

const asked = (container: Name): IoctlOp => allocPasid(container, 'unused', PASID, PASID);
const bytesOf = ({ argument }: IoctlOp): string => ('bytes' in argument && argument.bytes) || '';

/** Makes a memory that holds an ALLOC and that nobody can write. */
export const readOnlyMemory: Op[] = [
  memory(MEMORY, 1),
  { op: 'poke', memory: MEMORY, at: 0, bytes: bytesOf(asked('c')) },
  { op: 'protect', memory: MEMORY, at: 0, length: 4096, protection: 'read' },
];

/** ALLOC where its result cannot be written. */
export function allocatesReadOnly(container: Name, layout: DataLayout): CheckStep {
  const { save: _, argument: __, ...op } = asked(container);
  return requestStep(
    `allocate ${PASID} of ${container} where the result cannot be written`,
    { ...op, argument: { memory: MEMORY, at: 0 } },
    layout,
    undefined,
    [],
    Buffer.from(bytesOf(asked(container)), 'hex'),
    false,
  );
}
