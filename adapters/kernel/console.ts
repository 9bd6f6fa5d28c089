import type { ProgramResult } from '../../spec/uapi/adapter.ts';
import type { CommandEnd } from '../remote/guarded.ts';
import type { Gone } from '../remote/link.ts';

/** What a kernel says when it, not the program, is at fault. */
const faults = [
  /\bWARNING: /,
  /\bBUG: /,
  /\bkernel BUG at /,
  /\bOops\b/,
  /^(?!.*\btraps: ).*\bgeneral protection fault/,
  /\bunable to handle /i,
  /\bKernel panic\b/,
  /\b(UBSAN|KASAN|KCSAN|KMSAN|KFENCE)\b: /,
  /\bINFO: task .* blocked for more than /,
  /\b(soft lockup|hard LOCKUP)\b/,
  /\bdetected (expedited )?stalls?\b/,
  /\bself-detected stall\b/,
];

/** The first line about a fault of the kernel. */
export function faultIn(lines: readonly string[]): string | undefined {
  return lines.find(isFault);
}

const isFault = (line: string): boolean => faults.some((fault) => fault.test(line));

/** Tells the kernel's faults apart from what else it logged meanwhile: whether they were to be is the judge's to say. */
export function withFaults(result: ProgramResult): ProgramResult {
  const seen = (result.log ?? []).filter(isFault).map((line) => line.trim());
  return seen.length === 0 ? result : { ...result, faults: seen };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the firmware clears the screen with them.
const controls = /\x1b(\[[0-9;?]*[A-Za-z]|.)|[\x00-\x08\x0b-\x1f]/g;

/** A line of the console without what moves cursors. */
export function plain(line: string): string {
  return line.replace(controls, '');
}

/**
 * Why a machine is gone, from what its console said and how its emulator ended. An emulator that dies of a signal is not the
 * kernel's doing, whatever the kernel has asked of it.
 */
export function farewell(lines: readonly string[], end: CommandEnd): Gone {
  if (end.kind === 'signal') return { end: 'lost', why: `the emulator was killed by ${end.signal}` };
  if (end.kind === 'not-run') return { end: 'lost', why: `the emulator could not be run (${end.errno})` };
  const fault = faultIn(lines);
  if (fault !== undefined) return { end: 'crashed', why: `the kernel reported ${fault.trim()}` };
  const reported = lines.findLast((line) => line.includes('vfio-conform-init: '));
  if (reported !== undefined)
    return {
      end: 'crashed',
      why: `in the guest ${reported.slice(reported.indexOf('init: ') + 'init: '.length).trim()}`,
    };
  if (end.status !== 0) return { end: 'lost', why: `the emulator ended with status ${end.status}` };
  return { end: 'crashed', why: 'the guest powered off' };
}
