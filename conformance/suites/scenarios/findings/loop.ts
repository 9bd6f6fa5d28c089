import type { Op, Slot } from '../../../../spec/uapi/vocabulary.ts';
import { allocPasid } from '../../../programs/nesting-ops.ts';
import { multi, single } from '../../suite.ts';
import {
  alone,
  driverFails,
  guestMemory,
  join,
  nestingContainer,
  oneDomain,
  PASID,
  platform,
  type Requests,
  reach,
  reachBoth,
  readyDevice,
  shortPasid,
  together,
  twoDomains,
  withoutPasid,
} from '../nesting-stage.ts';
import type { Scenario } from '../scenario.ts';

/** Two groups behind two IOMMUs; h is the newer one, which is visited first. */
const behindTwo = (g: Slot, h: Slot): Scenario['slots'] => ({ g, h: { ...h, iommu: 1 } });

/** Groups without devices that could transfer: only the requests tell. */
const requestsOnly = (ops: Op[]): Op[] => [
  ...nestingContainer(),
  allocPasid('c', 'pasid', PASID, PASID),
  ...guestMemory(),
  ...join('h'),
  ...ops,
];

/** How BIND, UNBIND and CACHE_INVALIDATE go over domains, groups and devices. */
export const loopScenarios = ({ bind, unbind, flush }: Requests): Scenario[] => [
  {
    id: 'findings/l1_both_domains_bind',
    about: 'Nobody fails: both domains are bound, and the older one gives the result.',
    slots: twoDomains,
    ops: [...together(), bind(), ...reachBoth(), unbind(), ...reachBoth(1)],
  },
  {
    id: 'findings/l1_newer_domain_fails',
    about: 'Only the newer domain fails: the older one is visited anyway, and its success is the result.',
    slots: twoDomains,
    ops: [...together(), driverFails(1), bind(), ...reachBoth(), unbind(), ...reachBoth(1)],
  },
  {
    id: 'findings/l2_older_domain_fails',
    about: 'Only the older domain fails: its errno is the result, and everything is undone.',
    slots: twoDomains,
    ops: [...together(), driverFails(2, 'ENOSPC'), bind(), ...reachBoth(), unbind()],
  },
  {
    id: 'findings/l3_both_domains_fail',
    about: 'Both domains fail: the errno of the older one is the result, and everything is undone.',
    slots: twoDomains,
    ops: [...together(), driverFails(1, 'EIO'), driverFails(2, 'ENOSPC'), bind(), ...reachBoth()],
  },
  {
    id: 'findings/l1_newer_domain_of_a_platform_device',
    about: 'A device in the newer domain that is no PCI function: the older domain gives the result.',
    slots: behindTwo(single, platform),
    ops: [...requestsOnly([bind(), ...readyDevice('g', 'd'), reach('d'), unbind(), reach('d', 1)])],
  },
  {
    id: 'findings/l1_newer_domain_of_short_pasids',
    about: 'A device in the newer domain that cannot send all PASIDs: the older domain gives the result.',
    slots: behindTwo(single, shortPasid),
    ops: [...together(), bind(), ...reachBoth(), unbind(), ...reachBoth(1)],
  },
  {
    id: 'findings/l2_older_domain_of_a_platform_device',
    about: 'A device in the older domain that is no PCI function gives the result, and the newer one is undone.',
    slots: behindTwo(platform, single),
    ops: [...requestsOnly([bind(), ...readyDevice('h', 'e', 1), reach('e')])],
  },
  {
    id: 'findings/l2_older_domain_of_short_pasids',
    about: 'A device in the older domain that cannot send all PASIDs gives the result, and the newer one is undone.',
    slots: behindTwo(shortPasid, single),
    ops: [...together(), bind(), ...reachBoth()],
  },
  {
    id: 'findings/l3_short_pasids_before_a_platform_device',
    about: 'Both domains fail by themselves: the older one is of a platform device, whose errno is the result.',
    slots: behindTwo(platform, shortPasid),
    ops: requestsOnly([bind()]),
  },
  {
    id: 'findings/l3_platform_device_before_short_pasids',
    about: 'Both domains fail by themselves: the older one is of short PASIDs, whose errno is the result.',
    slots: behindTwo(shortPasid, platform),
    ops: requestsOnly([bind()]),
  },
  {
    id: 'findings/l4_older_group_of_the_domain_is_not_visited',
    about: 'A failure in the newer group of a domain keeps the older group from being visited.',
    slots: oneDomain,
    ops: [...together(), driverFails(1), bind(), ...reachBoth(), unbind()],
  },
  {
    id: 'findings/l4_older_domain_is_visited',
    about: 'The failure keeps no other domain from being visited.',
    slots: { g: { ...single, iommu: 1 }, h: single, i: single },
    ops: [...together(), ...join('i'), driverFails(1), bind(), ...reachBoth()],
  },
  {
    id: 'findings/l5_rollback_within_a_group',
    about: 'The second device of a group fails: the rollback unbinds the first one, then stops at the second.',
    slots: { g: multi },
    ops: [...alone, driverFails(2), bind(), reach('d'), unbind()],
  },
  {
    id: 'findings/l6_unbind_stops_at_a_new_group',
    about: 'UNBIND stops at a newer group of the domain that was never bound, and the older one stays bound.',
    slots: oneDomain,
    ops: [...together([bind()]), ...reachBoth(), unbind(), ...reachBoth(1)],
  },
  {
    id: 'findings/l6_unbind_goes_on_with_the_older_domain',
    about: 'UNBIND fails in the newer domain, which was never bound, and goes on with the older one.',
    slots: twoDomains,
    ops: [...together([bind()]), unbind(), ...reachBoth()],
  },
  {
    id: 'findings/l6_unbind_fails_by_injection',
    about: 'UNBIND reports a failure of the older domain, not one of the newer.',
    slots: twoDomains,
    ops: [...together([bind()]), driverFails(1), unbind(), reach('d'), driverFails(2, 'ENOSPC'), unbind()],
  },
  {
    id: 'findings/l7_later_group_is_not_bound',
    about: 'A group that comes after BIND is not bound.',
    slots: oneDomain,
    ops: [...together([bind()]), ...reachBoth()],
  },
  {
    id: 'findings/l8_invalidation_stops_in_its_domain',
    about: 'CACHE_INVALIDATE stops at the first failure in a domain and reports it.',
    slots: oneDomain,
    ops: [...together([bind()]), driverFails(1), flush(), driverFails(2, 'ENOSPC'), flush(), reach('d')],
  },
  {
    id: 'findings/l8_invalidation_goes_on_with_the_older_domain',
    about: 'CACHE_INVALIDATE hides a failure of the newer domain behind the success of the older one.',
    slots: twoDomains,
    ops: [...together([bind()]), driverFails(1), flush(), driverFails(2, 'ENOSPC'), flush(), reach('d')],
  },
  {
    id: 'findings/l8_group_without_ats',
    about: 'A newer group whose device has no ATS makes CACHE_INVALIDATE of its domain fail.',
    slots: { g: single, h: withoutPasid },
    ops: [...together([bind()]), flush(), reach('d')],
  },
  {
    id: 'findings/l8_domain_without_ats',
    about: 'A newer domain whose device has no ATS does not show in the result.',
    slots: behindTwo(single, withoutPasid),
    ops: [...together([bind()]), flush(), reach('d')],
  },
];
