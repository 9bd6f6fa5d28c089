// A daemon that answers from a list, and misbehaves in one way: node test-broken-daemon.mjs BEHAVIOUR FOLDER.
// FOLDER has answers.json, {description, answers: {program id: {end, outcomes}}}, and takes what a behaviour remembers.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [, , behaviour, folder] = process.argv;
const { description, answers } = JSON.parse(readFileSync(join(folder, 'answers.json'), 'utf8'));
/** The fifth program is the one that some daemons do not stand. */
const fatal = Object.keys(answers)[4];

const say = (message) => writeSync(1, `${JSON.stringify(message)}\n`);
const resultOf = ({ id, program }) => ({ type: 'result', id, ...answers[program.id] });
const reply = (message) => say(resultOf(message));
const wait = () => setInterval(() => {}, 1000);

/** Whether this is the first time that it is asked, over all starts of the daemon. */
function once() {
  const mark = join(folder, 'mark');
  if (existsSync(mark)) return false;
  writeFileSync(mark, '');
  return true;
}

/** A process in a session of its own, which holds the output of the daemon. */
const grandchild = () => spawn('setsid', ['sh', '-c', 'sleep 1000; echo'], { stdio: 'inherit' });

const fatally = (act) => ({ run: (message) => (message.program.id === fatal ? act(message) : reply(message)) });
const oneTime = (act) => ({
  run: (message) => (message.program.id === fatal && once() ? act(message) : reply(message)),
});

/** What each does in place of what is right: at a describe, run or stop message, or when it starts. */
const behaviours = {
  honest: {},
  ends_after_describe: { run: () => process.exit(0) },
  hangs_on_each_program: { run() {} },
  hangs_on_one_program: fatally(() => wait()),
  dies_of_one_program: fatally(() => process.exit(3)),
  crashes_at_one_program: fatally(() => process.kill(process.pid, 'SIGSEGV')),
  dies_once: oneTime(() => {
    process.stderr.write('out of luck\n');
    process.exit(3);
  }),
  hangs_once: oneTime(() => {}),
  dies_after_each_answer: {
    run(message) {
      reply(message);
      process.exit(0);
    },
  },
  answers_each_twice: {
    run(message) {
      reply(message);
      reply(message);
    },
  },
  answers_one_twice: oneTime((message) => {
    reply(message);
    reply(message);
  }),
  answers_what_nobody_asked: oneTime((message) => {
    say({ ...resultOf(message), id: 4_000_000 });
    reply(message);
  }),
  says_error_without_id: oneTime((message) => {
    say({ type: 'error', message: 'what?' });
    reply(message);
  }),
  describes_itself_unasked: oneTime((message) => {
    say({ type: 'description', protocol: 1, ...description });
    reply(message);
  }),
  refuses_one_program: fatally(({ id }) => say({ type: 'error', id, message: 'what?' })),
  babbles_at_one_program: fatally(() => writeSync(1, 'hello\n')),
  answers_too_much: fatally((message) => {
    const result = resultOf(message);
    say({ ...result, outcomes: [...result.outcomes, { value: 0 }] });
  }),
  answers_out_of_form: fatally((message) => say({ ...resultOf(message), verdict: 'pass' })),
  answers_half_a_line: fatally((message) => writeSync(1, JSON.stringify(resultOf(message)).slice(0, 20))),
  answers_all_but_one: { run: (message) => message.program.id !== fatal && reply(message) },
  does_not_describe: { describe() {} },
  describes_another_protocol: { describe: () => say({ type: 'error', message: 'protocol 2 only' }) },
  describes_nonsense: { describe: () => say({ type: 'description', protocol: 1, name: 7 }) },
  prints_a_banner: { start: () => process.stdout.write('Welcome!\n') },
  ends_at_once: { start: () => process.exit(7) },
  starts_only_once: { start: () => once() || process.exit(4), run: () => process.exit(5) },
  describes_otherwise_later: {
    describe: () => say({ type: 'description', protocol: 1, ...description, version: once() ? '1' : '2' }),
    run: () => process.exit(5),
  },
  ignores_stop: { start: () => process.on('SIGTERM', () => {}), stop: () => wait() },
  leaves_a_grandchild_at_the_end: {
    describe() {
      grandchild();
      right.describe();
    },
  },
  leaves_a_grandchild_when_it_dies: fatally(() => {
    grandchild().on('spawn', () => process.exit(3));
  }),
  starts_a_process_for_each_program: {
    run(message) {
      grandchild();
      reply(message);
    },
  },
  closes_its_output: fatally(() => {
    closeSync(1);
    wait();
  }),
  closes_its_input: {
    describe(message) {
      right.describe(message);
      process.stdin.destroy();
      wait();
    },
  },
  stops_itself: fatally(() => process.kill(process.pid, 'SIGSTOP')),
  writes_without_end: {
    run(message) {
      for (let i = 0; i < 3; i++) writeSync(2, `${'x'.repeat(1_000_000)}\n`);
      reply(message);
    },
  },
  writes_a_line_without_end: fatally(() => {
    for (;;) writeSync(1, 'x'.repeat(1_000_000));
  }),
  drips: fatally(() => setInterval(() => writeSync(1, 'x'), 100)),
  sends_empty_lines: fatally(() => setInterval(() => writeSync(1, '\n'), 100)),
  performs_nothing: {
    describe: () => say({ type: 'description', protocol: 1, ...description, ops: [] }),
  },
};

const right = {
  start() {},
  describe: () => say({ type: 'description', protocol: 1, ...description }),
  run: reply,
  stop: () => process.exit(0),
};
const daemon = { ...right, ...behaviours[behaviour] };

daemon.start();
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const message = JSON.parse(line);
  daemon[message.type](message);
});
