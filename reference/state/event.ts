/** An event counter. */
export interface Event {
  count: number;
}
