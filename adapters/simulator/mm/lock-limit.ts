import { PAGE_SIZE } from './physical-memory.ts';

/** Pages that a process may lock now. */
export function lockLimit({ limits }: { readonly limits: { readonly memlock: number } }): number {
  return Math.floor(limits.memlock / PAGE_SIZE);
}
