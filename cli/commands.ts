import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { packageRoot } from '../spec/uapi/package-root.ts';
import { helpText } from './command-help.ts';
import { beStrict, inOneSentence } from './strict-options.ts';

const { version } = JSON.parse(readFileSync(`${packageRoot}/package.json`, 'utf8')) as { version: string };

const several = (value: string, before: string[] = []) => [...before, value];

/** The first target, and the others that are judged together with it. */
const named = ([target, ...others]: readonly string[]) => ({
  ...(target !== undefined && { target }),
  ...(others.length > 0 && { others }),
});

/** See defaultProfile(). */
const ofTheTarget = 'default: type1-VERSION for kernel:VERSION, type1-6.12 for other kernels, else v1-singleton';

/** What there is to type. Each is loaded when it is asked for; parsing throws a CommanderError after help, too. */
export function commands(): Command {
  const program = new Command('vfio-conform')
    .description('Judges implementations of the Linux VFIO uapi by an executable specification.')
    .version(version)
    .exitOverride()
    .showHelpAfterError(false)
    .configureOutput({ outputError: (message, write) => write(inOneSentence(message)) })
    .helpCommand(false);

  program
    .command('run')
    .description('run the suites on a target and judge what it does')
    .option(
      '--target <target>',
      'what to test: sim[:PARAM=VALUE,..], model, kernel[:VERSION|:PATH], dev, exec:COMMAND, unix:PATH, ssh:HOST[:COMMAND] (several of the last three: judged together); default: sim',
      several,
    )
    .option('--profile <profile>', `what to judge by; ${ofTheTarget}`)
    .option('--set <param=value>', 'replace a parameter of the profile (sim and model follow)', several)
    .option('--suite <names>', 'suites, separated by commas; default: all')
    .option('--only <pattern>', 'only what is about an ioctl, handler, rule or suite, or ids that start so', several)
    .option('--seed <n>', 'seed of suites that use one (none does yet); kept in the record', '0')
    .option('--cases <n>', 'run at most so many programs')
    .option('--time <duration>', 'stop after so long, such as 30s or 5m')
    .option('--shard <i/n>', 'run the i-th of n parts')
    .option(
      '--stall <seconds>',
      'exec, unix, ssh and kernel: give the target up when it says nothing for so long; default: 60, kernel 50',
    )
    .option('--max-losses <n>', 'give the run up when the target is lost more often than so; default: 10')
    .option('--allow-losses', 'a loss after which everything passed does not make the run inconclusive')
    .option('--record <file>', 'write every case to a record')
    .option('--force', 'let --record take the place of a complete record')
    .option('--report <format[:file]>', 'also write a report: junit, json, text', several)
    .option('--spec <dir>', 'take the contract from a copy of spec/contract')
    .option('--modules <dir>', 'kernel modules for --target kernel:PATH')
    .option(
      '--kernel-package <file>',
      'the package of the kernel for --target kernel[:VERSION], so that apt is not asked',
    )
    .option('--boot <parameters>', 'further parameters of the kernel and its modules for --target kernel')
    .option('--group <n>', 'an IOMMU group of this machine for --target dev', several)
    .option('--allow-config-writes', 'dev: programs may write to config space and switch interrupts')
    .option('--allow-bar-access', "dev: programs may reach the device's other regions, and have it transfer")
    .option('--allow-reset', 'dev: programs may reset devices and change their state')
    .option('--allow-driver-binding', 'dev: programs may take devices from their driver and give them back')
    .option(
      '--environment <file>',
      'what of the environment is known better than the target says: a part of one, as JSON',
    )
    .option(
      '--coverage [dir]',
      'with a kernel that counts: which of its lines were reached; with a folder, also for lcov',
    )
    .option('--json', 'print one JSON object on standard output')
    .option('--quiet', 'only failures and what it comes to')
    .option('--verbose', 'a line for each machine and program')
    .action(async ({ target = ['sim'], ...options }) =>
      (await import('./run-command.ts')).runCommand({ ...options, ...named(target) }, version),
    );

  program
    .command('judge')
    .description('judge a recorded trace')
    .argument('<trace>', 'a record or trace file (JSON Lines)')
    .option('--profile <profile>', 'what to judge by; default: that of the record')
    .option('--set <param=value>', 'replace a parameter of the profile', several)
    .option('--spec <dir>', 'take the contract from a copy of spec/contract')
    .option('--allow-losses', 'a loss after which everything passed does not make the run inconclusive')
    .option('--report <format[:file]>', 'also write a report: junit, json, text', several)
    .option('--json', 'print one JSON object on standard output')
    .option('--quiet', 'only failures and what it comes to')
    .option('--verbose', 'a line for each machine and program')
    .option(
      '--programs <file>',
      'the file is what a daemon answered to what programs --as requests printed into this one',
    )
    .action(async (file, options) => (await import('./judge-command.ts')).judgeCommand(file, options));

  program
    .command('check')
    .description('look for states that break what a contract for guest page tables must keep')
    .option('--profile <profile>', 'what to check; default: v1-singleton')
    .option('--set <param=value>', 'replace a parameter of the profile', several)
    .option('--depth <ops>', 'how many ops after the set-up; default: 8')
    .option('--spec <dir>', 'take the contract from a copy of spec/contract')
    .option('--json', 'print one JSON object on standard output')
    .action(async (options) => (await import('./check-command.ts')).checkCommand(options));

  program
    .command('diff')
    .description('show where two targets behave differently, by rule and program')
    .argument('<record>', 'what run --record wrote for the first target')
    .argument('<record>', 'what it wrote for the second')
    .option('--spec <dir>', 'take the contract from a copy of spec/contract')
    .option('--all', 'show every program on which they differ, not one for each pair of rules')
    .option('--json', 'print one JSON object on standard output')
    .action(async (first, second, options) => (await import('./diff-command.ts')).diffCommand(first, second, options));

  program
    .command('programs')
    .description('print programs, one JSON object a line, without running them')
    .option('--only <pattern>', 'only what is about an ioctl, handler, rule or suite, or ids that start so', several)
    .option('--suite <names>', 'suites, separated by commas; default: all')
    .option(
      '--target <target>',
      'make them for the machines of a target; default: for those that the suites ask for',
      several,
    )
    .option('--profile <profile>', `what to make them by; ${ofTheTarget}`)
    .option('--set <param=value>', 'replace a parameter of the profile', several)
    .option('--spec <dir>', 'take the contract from a copy of spec/contract')
    .option('--modules <dir>', 'kernel modules for --target kernel:PATH')
    .option(
      '--kernel-package <file>',
      'the package of the kernel for --target kernel[:VERSION], so that apt is not asked',
    )
    .option('--boot <parameters>', 'further parameters of the kernel and its modules for --target kernel')
    .option('--group <n>', 'an IOMMU group of this machine for --target dev', several)
    .option('--allow-config-writes', 'dev: programs may write to config space and switch interrupts')
    .option('--allow-bar-access', "dev: programs may reach the device's other regions, and have it transfer")
    .option('--allow-reset', 'dev: programs may reset devices and change their state')
    .option('--allow-driver-binding', 'dev: programs may take devices from their driver and give them back')
    .option(
      '--environment <file>',
      'what of the environment is known better than the target says: a part of one, as JSON',
    )
    .option('--as <form>', 'programs, or requests: what vfio-conformd reads on a machine without Node.js', 'programs')
    .action(async ({ target = [], ...options }) =>
      (await import('./programs-command.ts')).programsCommand({ ...options, ...named(target) }, version),
    );

  program
    .command('replay')
    .description('run programs again: one is shown op by op, several by their verdicts')
    .argument('<program...>', 'the token of a failure, or a file with programs')
    .option('--target <target>', 'what to test; default: sim', several)
    .option('--profile <profile>', `what to judge by; ${ofTheTarget}`)
    .option('--set <param=value>', 'replace a parameter of the profile', several)
    .option('--spec <dir>', 'take the contract from a copy of spec/contract')
    .option('--modules <dir>', 'kernel modules for --target kernel:PATH')
    .option(
      '--stall <seconds>',
      'exec, unix, ssh and kernel: give the target up when it says nothing for so long; default: 60, kernel 50',
    )
    .option(
      '--kernel-package <file>',
      'the package of the kernel for --target kernel[:VERSION], so that apt is not asked',
    )
    .option('--boot <parameters>', 'further parameters of the kernel and its modules for --target kernel')
    .option('--group <n>', 'an IOMMU group of this machine for --target dev', several)
    .option('--allow-config-writes', 'dev: programs may write to config space and switch interrupts')
    .option('--allow-bar-access', "dev: programs may reach the device's other regions, and have it transfer")
    .option('--allow-reset', 'dev: programs may reset devices and change their state')
    .option('--allow-driver-binding', 'dev: programs may take devices from their driver and give them back')
    .option(
      '--environment <file>',
      'what of the environment is known better than the target says: a part of one, as JSON',
    )
    .option('--record <file>', 'write every case to a record')
    .option('--force', 'let --record take the place of a complete record')
    .option('--quiet', 'only failures and what it comes to')
    .option('--verbose', 'a line for each machine and program, and the ops of each')
    .action(async (what, { target = ['sim'], ...options }) =>
      (await import('./replay-command.ts')).replayCommand(what, { ...options, ...named(target) }, version),
    );

  program
    .command('explain')
    .description('show what must happen, in which order, and who said so')
    .argument(
      '<what>',
      'a rule, an ioctl, an errno, a parameter, a profile, an invariant (I1), a finding of 2020 (L1), the token of a failure, or a file with a program',
    )
    .option('--profile <profile>', 'what to explain by; by default type1-6.12, or a profile that has what is asked for')
    .option('--set <param=value>', 'replace a parameter of the profile', several)
    .option('--spec <dir>', 'take the contract from a copy of spec/contract')
    .action(async (what, options) => (await import('./explain-command.ts')).explainCommand(what, options));

  program
    .command('spec')
    .description('write the contract as the pages of docs/reference/, or print it')
    .requiredOption('--format <format>', 'md: pages in a folder; json: one document; h: a C header')
    .option('--out <dir>', 'md: the folder; default docs/reference')
    .option('--check', 'md: only say which pages of the folder are not current; exit code 1 if any')
    .option('--spec <dir>', 'take the contract from a copy of spec/contract')
    .action(async (options) => (await import('./spec-command.ts')).specCommand(options));

  program
    .command('smoke')
    .description('take an adapter step by step by what docs/protocol.md says, with nothing of VFIO behind it')
    .option('--target <target>', 'what to try', 'sim')
    .option('--stall <seconds>', 'exec and kernel: give the target up when it says nothing for so long')
    .option('--json', 'print one JSON object on standard output')
    .action(async (options) => (await import('./smoke-command.ts')).smokeCommand(options, version));

  program
    .command('targets')
    .description('list what can be tested, and what this machine lacks for it')
    .option(
      '--lock <version>',
      'write the newest kernel of a version, such as 6.12, or that of a .deb file, into kernels.lock.yaml',
    )
    .option('--json', 'print one JSON object on standard output')
    .action(async (options) => (await import('./targets-command.ts')).targetsCommand(options));

  program
    .command('serve')
    .description('let others speak to a target by the adapter protocol, on a socket')
    .requiredOption('--listen <address>', 'unix:PATH: a socket that this user alone may connect to')
    .option('--target <target>', 'what is spoken to, as for run', 'sim')
    .option('--profile <profile>', `what model and sim are set by; ${ofTheTarget}`)
    .option('--set <param=value>', 'replace a parameter of the profile', several)
    .option('--spec <dir>', 'take the contract from a copy of spec/contract')
    .option('--stall <seconds>', 'exec, unix, ssh and kernel: give the target up when it says nothing for so long')
    .option('--modules <dir>', 'kernel modules for --target kernel:PATH')
    .option(
      '--kernel-package <file>',
      'the package of the kernel for --target kernel[:VERSION], so that apt is not asked',
    )
    .option('--boot <parameters>', 'further parameters of the kernel and its modules for --target kernel')
    .action(async (options) => (await import('./serve-command.ts')).serveCommand(options, version));

  program
    .command('help')
    .description('show the options of a command')
    .argument('[command]', 'all commands, if none is named')
    .action(async (name) => {
      const command = name === undefined ? program : program.commands.find((one) => one.name() === name);
      if (command) command.outputHelp();
      // It knows what to say of a command that there is not.
      else await program.parseAsync([name], { from: 'user' });
    });

  program.addHelpText('after', helpText(''));
  for (const command of program.commands) {
    command.addHelpText('after', helpText(command.name()));
    beStrict(command);
  }
  return program;
}
