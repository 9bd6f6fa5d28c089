import { styleText } from 'node:util';
import type { Paint, Tone } from '../reports/paint.ts';

/** One format each: Node.js 20 heeds where it goes for one, and not for a list. */
const styles = {
  good: 'green',
  bad: 'red',
  open: 'yellow',
  name: 'bold',
} as const satisfies Record<Tone, Parameters<typeof styleText>[0]>;

/** Colours on a terminal that has them; Node.js heeds NO_COLOR, FORCE_COLOR and TERM. */
export const paintFor =
  (stream: NodeJS.WriteStream): Paint =>
  (tone, text) =>
    styleText(styles[tone], text, { stream });
