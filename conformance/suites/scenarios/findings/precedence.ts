import type { IoctlOp, Op } from '../../../../spec/uapi/vocabulary.ts';
import { allocPasid, cutOff } from '../../../programs/nesting-ops.ts';
import { single } from '../../suite.ts';
import { driverFails, emulated, nestingContainer, PASID, type Requests } from '../nesting-stage.ts';
import type { Scenario } from '../scenario.ts';

/** Something wrong with a BIND. */
interface Flaw {
  name: string;
  fields?: Parameters<Requests['bind']>[0];
  /** Only so many bytes can be read. */
  readable?: number;
  /** The container has nothing but an emulated group. */
  empty?: boolean;
  /** The driver refuses. */
  driver?: boolean;
}

/** In the order in which the series finds them. */
const flaws: Flaw[] = [
  { name: 'header_unreadable', readable: 4 },
  { name: 'argsz_too_small', fields: { argsz: 7 } },
  { name: 'version_unreadable', readable: 8 },
  { name: 'version_unknown', fields: { version: 2 } },
  { name: 'data_unreadable', readable: 79 },
  { name: 'flags_missing', fields: { flags: 0 } },
  { name: 'container_empty', empty: true },
  { name: 'driver_fails', driver: true },
];

/** A version that cannot be read is not unknown, and flags beyond what can be read are not missing. */
const bothCanBe = ({ readable = 80 }: Flaw, { fields = {} }: Flaw): boolean =>
  (readable >= 8 || !('flags' in fields)) && (readable >= 12 || !('version' in fields));

/** BINDs with two flaws at once: the one that is found first gives the errno. */
export function precedenceScenarios(requests: Requests): Scenario[] {
  return flaws.flatMap((first, i) =>
    flaws
      .slice(i + 1)
      .filter((second) => bothCanBe(first, second))
      .map((second) => scenario(requests, first, second)),
  );
}

function scenario({ bind }: Requests, first: Flaw, second: Flaw): Scenario {
  const readable = Math.min(first.readable ?? 80, second.readable ?? 80);
  const request: IoctlOp = bind({ ...second.fields, ...first.fields });
  const empty = first.empty || second.empty;
  const before: Op[] = second.driver ? [driverFails(1)] : [];
  return {
    id: `findings/precedence_${first.name}_before_${second.name}`,
    about: 'Of two flaws of a BIND the one that comes first in the order of checks decides.',
    when: ({ size_table: lookup }) =>
      (first.fields?.version === undefined && second.fields?.version === undefined) || lookup === '2020-03-25',
    slots: { g: empty ? emulated : single },
    ops: [
      ...nestingContainer(),
      allocPasid('c', 'pasid', PASID, PASID),
      ...before,
      readable < 80 ? cutOff(request, readable) : request,
    ],
  };
}
