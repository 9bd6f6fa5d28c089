import { type Restriction, restrictions } from '../../adapters/native/dev/restrictions.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import { wholeNumber } from './whole-number.ts';

/** What only --target dev is given. */
export interface DevTargetOptions {
  /** IOMMU groups of this machine. */
  group?: string[];
  allowConfigWrites?: true;
  allowBarAccess?: true;
  allowReset?: true;
  allowDriverBinding?: true;
}

const allowances = {
  'config-writes': 'allowConfigWrites',
  'bar-access': 'allowBarAccess',
  reset: 'allowReset',
  'driver-binding': 'allowDriverBinding',
} as const satisfies Record<Restriction, keyof DevTargetOptions>;

/** The groups and what may be done to them; `recorded` is for the header of a record. Throws a Problem. */
export function parsedDevOptions(options: DevTargetOptions): {
  groups: number[];
  allowed: Restriction[];
  recorded: Record<string, string>;
} {
  const groups = [...new Set((options.group ?? []).map((text) => wholeNumber('group', text)))];
  const allowed = restrictions.filter((one) => options[allowances[one]]);
  return {
    groups,
    allowed,
    recorded: {
      ...(groups.length > 0 && { group: groups.join(',') }),
      ...(allowed.length > 0 && { allowed: allowed.join(',') }),
    },
  };
}

/** Throws a Problem if another target is given what only dev takes. */
export function refuseDevOptions(options: DevTargetOptions): void {
  const [number] = options.group ?? [];
  if (number !== undefined) throw new Problem(`--group ${number}: only for --target dev.`);
  const allowed = restrictions.find((one) => options[allowances[one]]);
  if (allowed !== undefined) throw new Problem(`--allow-${allowed}: only for --target dev.`);
}
