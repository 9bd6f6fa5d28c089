import { cpuSeconds } from './rows.ts';

/** Turns of the loop at a time: some tens of milliseconds. */
const TURNS = 400_000;
const KEYS = 1024;
/** The sum at the end of a loop: taken once, so that the work cannot be left out. */
let sum = 0;

/**
 * Seconds that one turn of a fixed loop costs this process, the least of some runs. A turn does a bit of everything that
 * judging does: it makes an object, a number of 64 bits and text, looks something up, and stores in bytes. What costs so many
 * turns here costs about as many on another machine.
 */
export async function turn(runs: number): Promise<number> {
  return (await cpuSeconds(runs, loop)) / TURNS;
}

function loop(): void {
  const objects = new Map<string, { at: number; address: bigint }>();
  const bytes = new Uint8Array(4096);
  for (let i = 0; i < TURNS; i++) {
    const key = `key${(i * 7) % KEYS}`;
    const known = objects.get(key);
    if (known) sum += Number(known.address & 0xffn) + bytes[known.at]!;
    objects.set(key, { at: i % bytes.length, address: (BigInt(i) << 12n) + 1n });
    bytes[i % bytes.length] = sum & 0xff;
  }
}
