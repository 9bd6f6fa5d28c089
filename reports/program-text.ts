import { toBigInt } from '../spec/uapi/integer.ts';
import { uapi } from '../spec/uapi/uapi.ts';
import { visible } from '../spec/uapi/visible.ts';
import type { IoctlOp, Op, Relocation } from '../spec/uapi/vocabulary.ts';

/** Kinds of descriptors, by name: what an ioctl number means depends on them. */
export type Kinds = ReadonlyMap<string, string>;

/** The kinds of the descriptors that a program opens. */
export function kindsOf(ops: readonly Op[]): Kinds {
  const kinds = new Map<string, string>();
  for (const op of ops) {
    if (op.op === 'open') kinds.set(op.as, op.what);
    else if (op.op === 'dup') kinds.set(op.as, kinds.get(op.fd) ?? '');
  }
  return kinds;
}

/** An op in one line that is safe to look at, with the names of the uapi instead of numbers. */
export function describeOp(op: Op, kinds: Kinds): string {
  const line = op.op === 'ioctl' ? describeIoctl(op, kinds) : `${op.op} ${describeFields(op)}`;
  return visible(op.actor && op.actor !== 'main' ? `${op.actor}: ${line}` : line);
}

function describeFields(op: Op): string {
  const { op: _, actor: __, ...rest } = op as unknown as Record<string, unknown>;
  return Object.entries(rest)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? shorten(value) : JSON.stringify(value)}`)
    .join(' ');
}

function describeIoctl({ fd, number, argument }: IoctlOp, kinds: Kinds): string {
  const request = Number(toBigInt(number));
  const kind = kinds.get(fd);
  const found = Object.entries(uapi.ioctls).find(
    ([, ioctl]) => ioctl.number === request && (ioctl.fd === kind || ioctl.fd === 'any'),
  );
  const [name, ioctl] = found ?? [`0x${request.toString(16)}`, undefined];
  if ('value' in argument) return `ioctl ${fd} ${name} ${nameOf(ioctl?.values, argument.value)}`;
  const place = `at ${argument.memory}+${argument.at}`;
  if (argument.bytes === undefined) return `ioctl ${fd} ${name} ${place}`;
  const text = ioctl?.struct
    ? describeStruct(ioctl.struct, argument.bytes, argument.relocations ?? [])
    : shorten(argument.bytes);
  return `ioctl ${fd} ${name} ${text} ${place}`;
}

function nameOf(set: string | undefined, value: number | string): string {
  const named =
    set === undefined
      ? undefined
      : Object.entries(uapi.values[set]!).find(([, one]) => BigInt(one) === toBigInt(value));
  return named ? `${named[0]} (${named[1]})` : String(value);
}

function describeStruct(struct: string, hex: string, relocations: readonly Relocation[]): string {
  const bytes = Buffer.from(hex, 'hex');
  const shown = uapi.structs[struct]!.fields.flatMap(({ name, at, width }) => {
    if (at + width > bytes.length) return [];
    const relocation = relocations.find((one) => one.at === at);
    if (relocation) return [`${name}=&${relocation.ref}${relocation.add ? `+${relocation.add}` : ''}`];
    return [`${name}=0x${(width === 8 ? bytes.readBigUInt64LE(at) : bytes.readUIntLE(at, width)).toString(16)}`];
  });
  const size = uapi.structs[struct]!.size;
  return `{${shown.join(' ')}}${bytes.length < size ? ` cut to ${bytes.length} of ${size} bytes` : ''}`;
}

function shorten(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 40)}...`;
}
