import { CommanderError } from 'commander';
import { Problem } from '../spec/uapi/problem.ts';
import { visibleLines } from '../spec/uapi/visible.ts';
import { commands } from './commands.ts';

/** Performs what was typed after the command's name and sets the exit code; what was wrong with it comes back as a sentence. */
export async function perform(args: string[]): Promise<string | undefined> {
  try {
    const program = commands();
    const [first = ''] = args;
    const isUnknown = !first.startsWith('-') && !program.commands.some((one) => one.name() === first);
    // Of a command that there is not, nothing else is asked: its --help would be that of the program.
    await program.parseAsync(isUnknown ? args.slice(0, 1) : args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
    else {
      process.exitCode = 2;
      return visibleLines(
        error instanceof Problem
          ? error.message
          : `internal error, please report it: ${error instanceof Error ? error.stack : error}`,
      );
    }
  }
}
