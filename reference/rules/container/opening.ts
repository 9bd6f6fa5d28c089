import type { OpenCall } from '../../call/families.ts';
import { opOf } from '../../call/operands.ts';
import type { Conditions, Effects } from '../rule-functions.ts';

export const conditions = {
  open_group_node_gone: (call) => call.world.slots.get(opOf(call, 'open').slot!)!.group.orphaned,
  open_group_already_open: (call) => {
    const { group } = call.world.slots.get(opOf(call, 'open').slot!)!;
    return group.open > 0 || group.devicesOpen > 0;
  },
} satisfies Conditions<OpenCall>;

export const effects = {
  open_container_creates_container: (call) => {
    call.opening.created = { kind: 'container', groups: new Set(), backend: undefined };
  },
  open_group_opens: (call) => {
    const { group } = call.world.slots.get(opOf(call, 'open').slot!)!;
    group.open = 1;
    call.opening.created = group;
  },
} satisfies Effects<OpenCall>;
