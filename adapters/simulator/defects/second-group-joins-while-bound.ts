import { hasBound } from '../pasids/container-devices.ts';
import type { SimulatorDefect } from './defect.ts';

/** Whether a table is bound is not looked at when a group is attached. */
export const secondGroupJoinsWhileBound: SimulatorDefect = {
  name: 'second_group_joins_while_bound',
  sentence: 'A container in which a guest table is bound takes another group, which is then not bound.',
  handler: 'VFIO_GROUP_SET_CONTAINER',
  kind: 'missing_check',
  needs: { bind: ['present'], second_member_at_attach: ['while_bound', 'always'] },
  change: ({ refusesSecondGroup }) => ({
    refusesSecondGroup: (backend) => (hasBound(backend) ? undefined : refusesSecondGroup(backend)),
  }),
};
