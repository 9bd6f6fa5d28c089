import type { ProgramResult } from '../../spec/uapi/adapter.ts';

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
  return lines.find((line) => faults.some((fault) => fault.test(line)));
}

/** A program under which the kernel reports a fault did not complete, whatever its outcomes. */
export function withFaults(result: ProgramResult): ProgramResult {
  const line = faultIn(result.log ?? []);
  return line === undefined
    ? result
    : { ...result, end: 'crashed', detail: `The kernel reported a fault: ${line.trim()}` };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the firmware clears the screen with them.
const controls = /\x1b(\[[0-9;?]*[A-Za-z]|.)|[\x00-\x08\x0b-\x1f]/g;

/** A line of the console without what moves cursors. */
export function plain(line: string): string {
  return line.replace(controls, '');
}

/** Why a machine is gone, as a clause, from what its console and its emulator's end say. */
export function farewell(lines: readonly string[], status: number | null, signal: string | null): string {
  const fault = faultIn(lines);
  if (fault !== undefined) return `the kernel reported ${fault.trim()}`;
  const reported = lines.findLast((line) => line.includes('vfio-conform-init: '));
  if (reported !== undefined)
    return `in the guest ${reported.slice(reported.indexOf('init: ') + 'init: '.length).trim()}`;
  if (signal) return `the emulator was killed by ${signal}`;
  if (status !== 0) return `the emulator ended with status ${status}`;
  return 'the guest powered off';
}
