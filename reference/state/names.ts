import type { Process } from './state.ts';

// A name stands for one thing: a descriptor, a memory or a saved output, whichever it was given to last.

/** The number of the descriptor that a name stands for; -1 for one that stands for none, as the executor does. */
export function numberOf(process: Process, name: string): number {
  return process.names.get(name) ?? -1;
}

/** Gives a name to a descriptor. */
export function nameDescriptor(process: Process, name: string, number: number): void {
  process.saved.delete(name);
  process.memory.forget(name);
  process.names.set(name, number);
}

/** Gives a name to a saved output. */
export function nameSaved(process: Process, name: string, value: bigint): void {
  process.names.delete(name);
  process.memory.forget(name);
  process.saved.set(name, value);
}

/** Gives a name to new memory, which has it in the memory of the process already. */
export function nameMemory({ names, saved }: Process, name: string): void {
  names.delete(name);
  saved.delete(name);
}
