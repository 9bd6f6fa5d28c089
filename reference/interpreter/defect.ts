/** One rule of the contract made wrong, to see whether anything notices. */
export interface Defect {
  rule: string;
  /** outcome: another errno, or another value. removed: the step is not there. */
  kind: 'outcome' | 'removed';
}
