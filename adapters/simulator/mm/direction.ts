/** What a device may do with a page, one bit each. */
export const Direction = { READ: 1, WRITE: 2 } as const;
