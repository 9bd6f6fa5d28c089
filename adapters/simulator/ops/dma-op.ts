import { toBigInt } from '../../../spec/uapi/integer.ts';
import type { DmaOp, Outcome, Pasid } from '../../../spec/uapi/vocabulary.ts';
import { BUFFER_ADDRESS, BUFFER_BYTES, Command, type EduDevice, type Prefix, Register } from '../devices/edu-device.ts';
import type { Errno } from '../result.ts';
import { DeviceFile } from '../vfio/vfio-device.ts';
import { fdNamed, type ProgramProcess } from './program-process.ts';

/**
 * Lets a device transfer what the op says. The device is programmed through its registers, as a driver in user space does;
 * `setRegister` stores 4 bytes there.
 */
export function dma(
  process: ProgramProcess,
  op: DmaOp,
  setRegister: (register: number, value: number) => Errno | undefined,
): Outcome {
  const { length, at = 0 } = op;
  if (length === 0 || at + length > BUFFER_BYTES) return { errno: 'EINVAL' };
  const edu = eduNamed(process, op.device);
  const prefix = prefixOf(process, op);
  if (edu !== undefined && prefix.pasid !== undefined && !edu.sends(prefix.pasid)) return { errno: 'EINVAL' };

  const iova = Number(toBigInt(op.iova) & 0xffff_ffffn);
  const own = BUFFER_ADDRESS + at;
  const toMemory = op.direction === 'to-memory';
  if (edu !== undefined) edu.prefix = prefix;
  const errno =
    setRegister(Register.SOURCE, toMemory ? own : iova) ??
    setRegister(Register.DESTINATION, toMemory ? iova : own) ??
    setRegister(Register.COUNT, length) ??
    setRegister(Register.COMMAND, toMemory ? Command.RUN | Command.TO_MEMORY : Command.RUN);
  if (edu !== undefined) edu.prefix = undefined;
  if (errno !== undefined) return { errno };
  return edu?.fault === undefined ? { value: 0 } : { value: 0, fault: edu.fault };
}

/** The test device behind a descriptor; undefined when it is none, or another device. */
function eduNamed(process: ProgramProcess, name: string): EduDevice | undefined {
  const operations = process.files.get(fdNamed(process, name))?.operations;
  return operations instanceof DeviceFile ? operations.device.hardware.edu : undefined;
}

function prefixOf(process: ProgramProcess, { iova, pasid }: DmaOp): Prefix {
  const upper = Number(toBigInt(iova) >> 32n);
  return pasid === undefined ? { upper } : { upper, pasid: pasidOf(process, pasid) };
}

/** A number, or a saved output and what is added to it; too great a number for any device stays so. */
function pasidOf(process: ProgramProcess, pasid: Pasid): number {
  if (typeof pasid !== 'object') return Number(toBigInt(pasid));
  const named = process.named(pasid.ref);
  return Number(BigInt.asUintN(64, (typeof named === 'bigint' ? named : -1n) + BigInt(pasid.add ?? 0)));
}
