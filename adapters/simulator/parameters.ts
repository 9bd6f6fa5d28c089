import { Problem } from '../../spec/uapi/problem.ts';

const VALUES = {
  /** SET_CONTAINER with a file that is not a container: as Linux 6.1, or as 6.12. */
  foreign_container_fd: ['ebadfd', 'einval'],
  /** READ-only mapping of private memory that nobody touched: a page of its own (6.12), or the page of zeros (6.1). */
  untouched_read_map: ['private_page', 'zero_page'],
  /** What the GET_INFO ioctls of containers and devices write: as Linux 6.12, or as 6.1. */
  get_info_written: ['up_to_24', 'sixteen_or_twenty'],
  /** Size of the capability that says how many mappings may still be made: as Linux 6.12, or as 6.1. */
  dma_available_capability: ['sixteen_bytes', 'twelve_bytes'],
  /** A number below -1 as the event of the host's request: as Linux 6.12, or as 6.1. */
  req_irq_negative_eventfd: ['einval', 'ignored'],
  /** The widest access to a device's registers: as Linux 6.12, or as 6.1. */
  region_access_width: ['eight_bytes', 'four_bytes'],
  /** What a failed allocation of a page table comes out as: as Linux 6.12, or as 6.1. */
  domain_allocation_failure: ['driver', 'eio'],
  /** Whether a device can read through a mapping made with WRITE alone; Intel's page tables let it. */
  write_only_mapping: ['readable', 'unreadable'],
  /** Whether devices have nodes of their own, and so know BIND_IOMMUFD. */
  device_cdev: ['absent', 'present'],
  /** Which kernel there is around the ioctls of the 2020 nesting series. */
  base_kernel: ['6.12', '6.1', '2020'],
  /** The ioctl that binds guest page tables, and the one that gives PASIDs and takes them back. */
  bind: ['absent', 'present'],
  pasid_request: ['absent', 'present'],
  /** The ioctl that flushes what was cached of guest page tables. */
  cache_invalidate: ['absent', 'present'],
  /** The code of these three: as it was posted in March 2020, or as it should have been. */
  nesting_series: ['repaired', 'as_posted'],
  /** The IOMMU driver under it. */
  driver: ['complete', 'none', 'v10', 'v11', 'v5.8', 'v5.8-aux', 'v5.9', 'v5.10'],
  /** Which table has the size of the data by its version. */
  size_table: ['2020-03-25', '2020-01-28'],
  /** Whether the driver is given the function behind a mediated device. */
  mediated_devices: ['parent_device', 'mediated_device'],
  /** What becomes of the bindings of a PASID that is freed. */
  free_of_bound: ['unbinds', 'survives'],
  /** Whether UNMAP_DMA flushes translations of requests with PASIDs. */
  unmap_flushes_nested: ['yes', 'no'],
  /** What a container of the nesting type may have one of, and what is refused when it has more. */
  singleton_scope: ['device', 'group', 'none'],
  second_member_at_attach: ['while_bound', 'never', 'always'],
  second_member_use: ['refused', 'allowed'],
  /** When devices show their capabilities. */
  pasid_exposure: ['singleton_container', 'never', 'always', 'singleton_group'],
  pri_exposure: ['always', 'never'],
  ats_exposure: ['always'],
} as const;

/** What the simulated kernel does where kernels differ. */
export type Parameters = { readonly [K in keyof typeof VALUES]: (typeof VALUES)[K][number] };

/** Parameters as the user named them, the others with their defaults. Throws a Problem for one that is unknown. */
export function parseParameters(given: Record<string, string> = {}): Parameters {
  const known = new Map<string, readonly string[]>(Object.entries(VALUES));
  const parameters = Object.fromEntries([...known].map(([name, values]) => [name, values[0]!]));
  for (const [name, value] of Object.entries(given)) {
    const values = known.get(name);
    if (values === undefined) {
      throw new Problem(`The simulator has no parameter ${name}; it has ${[...known.keys()].join(', ')}.`);
    }
    if (!values.includes(value)) {
      throw new Problem(`The simulator's parameter ${name} cannot be ${value}; it can be ${values.join(' or ')}.`);
    }
    parameters[name] = value;
  }
  return parameters as Parameters;
}
