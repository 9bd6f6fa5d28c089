/** Rules that no step takes, and why. */
const reasons: [why: string, rules: string[]][] = [
  [
    'What a malformed guest table does is a matter of one walk, not of states: the suite scenarios has it.',
    [
      'dma_with_pasid_address_not_canonical',
      'guest_table_not_mapped',
      'guest_entry_not_present',
      'guest_entry_has_reserved_bits',
      'guest_entry_supervisor_only',
    ],
  ],
  [
    'Devices only read here: the suites isolation and scenarios write.',
    ['guest_entry_not_writable', 'guest_table_not_writable', 'guest_page_not_writable', 'dma_with_pasid_writes_page'],
  ],
  [
    'No allocation fails here: the suite faults has it.',
    ['driver_bind_without_memory', 'driver_bind_without_memory_oopses'],
  ],
  [
    'Decides only after a bound PASID was freed and given anew: by then something is broken, and that is not followed so far.',
    ['nested_setup_entry_present'],
  ],
  ['Takes more than a thousand processes.', ['pasid_alloc_without_owner', 'pasid_free_without_owner']],
];

/** Why a rule is not taken; undefined if nobody knows. */
export const whyUntaken = (rule: string): string | undefined => reasons.find(([, rules]) => rules.includes(rule))?.[0];
