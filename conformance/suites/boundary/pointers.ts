/** Pointers that no process may pass. */
export const badPointers: [string, number | string][] = [
  ['null', 0],
  ['one', 1],
  ['not_canonical', '0x800000000000'],
  ['kernel_half', '0xffff800000000000'],
  ['top', '0xffffffffffffffff'],
];
