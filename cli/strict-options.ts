import type { Command } from 'commander';
import { Problem } from '../spec/uapi/problem.ts';

/**
 * Has a command refuse what would pass unseen: an option without a value, one that is given twice although only the last
 * would count, and an argument that is empty.
 */
export function beStrict(command: Command): void {
  for (const option of command.options) {
    if (!option.required && !option.optional) continue;
    const repeatable = option.parseArg !== undefined;
    let given = false;
    command.on(`option:${option.name()}`, (value: string | null) => {
      if (value !== null && value.trim() === '') throw new Problem(`${option.long}: is empty; write ${option.flags}.`);
      if (given && !repeatable) throw new Problem(`${option.long}: is given twice; give it once.`);
      given = true;
    });
  }
  command.hook('preAction', (_, { args }) => {
    if (args.some((arg) => arg.trim() === ''))
      throw new Problem(
        `${command.name()}: an argument is empty; vfio-conform help ${command.name()} says what it takes.`,
      );
  });
}

/** What commander says of a wrong command line, as the other messages of the command. */
export function inOneSentence(message: string): string {
  const [, what, guess] = /^error: (.*?)\.?(?:\n\(Did you mean (.*?)\?\))?\n*$/s.exec(message) ?? [
    undefined,
    message.trim(),
  ];
  return `vfio-conform: ${what}${guess ? `; did you mean ${guess}?` : '; see --help.'}\n`;
}
