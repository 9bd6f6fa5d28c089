import type { Struct, Uapi } from '../../../spec/uapi/uapi.ts';
import { type Member, membersOfStruct, overlapping } from './c-header-member.ts';

/** Of the names that are neither of Linux nor of the 2020 nesting series. */
const PREFIX = 'vc_';

/**
 * The name in C of a struct within an argument. <linux/iommu.h> of Linux 5.5 to 5.17 has structs iommu_*, in two layouts; those of the
 * header have to be beside them.
 */
export function typeName(type: string): string {
  return type.startsWith('iommu_') ? `${PREFIX}${type}` : type;
}

/** The macro whose absence from <linux/vfio.h> says that it lacks a struct; undefined: every <linux/vfio.h> has it. */
export function guardOf({ ioctls }: Uapi, name: string, { optional, capability }: Struct): string | undefined {
  if (!optional) return undefined;
  return capability ?? Object.entries(ioctls).find(([, { struct }]) => struct === name)?.[0];
}

/** What C calls the whole argument: the struct itself, or one with the data that follows it, or with data of another layout. */
export function wholeName({ ioctls }: Uapi, name: string, struct: Struct): string {
  const otherLayout = Object.values(ioctls).some(({ argszFirst }) => argszFirst === name);
  return otherLayout || membersOfStruct(struct).some(({ follows }) => follows) ? `${PREFIX}${name}` : name;
}

/** Declarations of the structs within arguments that no header has, each before those that contain it. */
export function innerStructs(structs: readonly Struct[]): string[] {
  const declared = new Map<string, string>();
  const visit = (member: Member) => {
    for (const inner of member.members) visit(inner);
    if (member.type?.startsWith('iommu_')) {
      const name = typeName(member.type);
      declared.set(name, `struct ${name} {\n${lines(member.members, 1).join('\n')}\n};\n`);
    }
  };
  for (const struct of structs) for (const member of membersOfStruct(struct)) visit(member);
  return [...declared.values()];
}

/** The declaration of a struct; `whole`: with the data that follows it, under a name of its own. */
export function declaration(name: string, struct: Struct, whole: boolean): string {
  const members = membersOfStruct(struct).map((member) => (whole ? { ...member, follows: undefined } : member));
  return `struct ${name} {\n${lines(members, 1).join('\n')}\n};\n`;
}

function lines(members: readonly Member[], depth: number): string[] {
  const indent = '\t'.repeat(depth);
  return overlapping(members).flatMap((group) =>
    group.length === 1
      ? line(group[0]!, depth)
      : [`${indent}VC_EXTENSION union {`, ...group.flatMap((one) => line(one, depth + 1)), `${indent}};`],
  );
}

function line(member: Member, depth: number): string[] {
  const { name, at, end, kind, type, follows, members } = member;
  const indent = '\t'.repeat(depth);
  if (follows) return [`${indent}VC_EXTENSION __u8 ${name}[];`];
  if (type) return [`${indent}struct ${typeName(type)} ${name};`];
  if (kind === 'bytes') return [`${indent}__u8 ${name}[${end - at}];`];
  if (kind !== 'struct') return [`${indent}__${kind === 'descriptor' ? 's' : 'u'}${(end - at) * 8} ${name};`];
  // A member that consists of alternatives is a union itself.
  const [first, ...others] = overlapping(members);
  const union = others.length === 0 && first!.length > 1;
  const inner = union ? first!.flatMap((one) => line(one, depth + 1)) : lines(members, depth + 1);
  return [`${indent}${union ? 'union' : 'struct'} {`, ...inner, `${indent}} ${name};`];
}

/** Assertions about the places and widths of all fields and about the size of the struct that has them. */
export function structAssertions(name: string, struct: Struct): string[] {
  const path = (member: string) => member.replace('[]', '');
  const of = (field: string, at: number, width: number) =>
    field.endsWith(']')
      ? `VC_AT(struct ${name}, ${field}, ${at});`
      : `VC_MEMBER(struct ${name}, ${field}, ${at}, ${width});`;
  const alternatives = Object.entries(struct.alternatives ?? {}).flatMap(([member, place]) =>
    [place].flat().map((field) => {
      const { at, width, member: own } = struct.fields.find((one) => one.name === field)!;
      return of(Array.isArray(place) ? `${path(member)}.${own?.split('.').at(-1) ?? field}` : path(member), at, width);
    }),
  );
  const size = struct.extended ?? struct.size;
  return [
    ...struct.fields.flatMap(({ name, at, width, member }) =>
      member === null ? [] : [of(path(member ?? name), at, width)],
    ),
    ...alternatives,
    `VC_ASSERT(sizeof(struct ${name}) ${struct.appended ? '>=' : '=='} ${size}, "size of struct ${name}");`,
  ];
}
