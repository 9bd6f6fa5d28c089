import type { Field, Struct } from '../../../spec/uapi/uapi.ts';

/** A member of a C struct: an integer, an array of bytes, or a struct with members of its own. Places in bytes of the whole argument. */
export interface Member {
  name: string;
  at: number;
  /** The first byte behind it. */
  end: number;
  kind: 'integer' | 'descriptor' | 'bytes' | 'struct';
  /** Name of the struct in Linux; none: it has no name. */
  type?: string;
  /** It follows the struct: Linux declares it as an array of bytes without a size. */
  follows?: true;
  members: Member[];
}

/** The members of a struct as C has them, made from its fields and their paths. */
export function membersOfStruct(struct: Struct): Member[] {
  const root: Member = { name: '', at: 0, end: 0, kind: 'struct', members: [] };
  for (const field of struct.fields) if (field.member !== null) insert(root, field.member ?? field.name, field, struct);
  for (const [path, place] of Object.entries(struct.alternatives ?? {})) {
    for (const name of [place].flat()) {
      const field = struct.fields.find((one) => one.name === name)!;
      const own = field.member?.split('.').at(-1) ?? name;
      insert(root, Array.isArray(place) ? `${path}.${own}` : path, field, struct);
    }
  }
  return root.members;
}

/** Members that share bytes, as a union has them; each group by itself. */
export function overlapping(members: readonly Member[]): Member[][] {
  const groups: Member[][] = [];
  for (const member of [...members].sort((one, other) => one.at - other.at)) {
    const last = groups.at(-1);
    if (last?.some(({ end }) => member.at < end)) last.push(member);
    else groups.push([member]);
  }
  return groups;
}

function insert(root: Member, path: string, field: Field, { types = {} }: Struct): void {
  const parts = path.split('.');
  let parent = root;
  for (const [i, part] of parts.entries()) {
    const [, name, index] = /^(\w+)(?:\[(\d*)\])?$/.exec(part)!;
    let member = parent.members.find((one) => one.name === name);
    if (!member) {
      const last = i + 1 === parts.length;
      const kind = !last ? 'struct' : index !== undefined ? 'bytes' : field.holds === 'fd' ? 'descriptor' : 'integer';
      member = { name: name!, at: field.at, end: field.at, kind, members: [] };
      const type = types[parts.slice(0, i + 1).join('.')];
      if (type) member.type = type;
      if (index === '') member.follows = true;
      parent.members.push(member);
    }
    member.end = Math.max(member.end, field.at + field.width);
    parent = member;
  }
}
