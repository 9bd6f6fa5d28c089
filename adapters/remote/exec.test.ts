import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Session } from '../../spec/uapi/adapter.ts';
import { emulatedEnvironment, spelledOut } from '../../spec/uapi/emulated-machine.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import type { Program } from '../../spec/uapi/vocabulary.ts';
import { type ExecOptions, execAdapter } from './exec.ts';

const environment = {
  ...emulatedEnvironment(spelledOut({}), { a: { devices: 1, viable: true } }),
  id: 'fake',
};

/** A daemon whose programs say, by their ids, what becomes of it; it counts its starts in a file. */
const daemon = `
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
const [count, failAfter = '99'] = process.argv.slice(2);
appendFileSync(count, '.');
if (readFileSync(count).length > Number(failAfter)) {
  console.error('no more');
  process.exit(4);
}
const say = (message) => console.log(JSON.stringify(message));
const environment = ${JSON.stringify(environment)};
const late = [];
createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line);
  if (message.type === 'describe') say({ type: 'description', protocol: 1, name: 'fake', version: '1', ops: [], environment });
  if (message.type === 'stop') process.exit(0);
  if (message.type !== 'run') return;
  const { id, program, slots } = message;
  const result = { type: 'result', id, end: 'completed', outcomes: [], detail: program.id + JSON.stringify(slots) };
  if (program.id === 'die') { console.error('dying'); process.exit(3); }
  else if (program.id === 'kill') process.kill(process.pid, 'SIGSEGV');
  else if (program.id === 'garbage') console.log('garbage');
  else if (program.id === 'hang') return;
  else if (program.id === 'refuse') say({ type: 'error', id, message: 'what?' });
  else if (program.id === 'surplus') say({ ...result, outcomes: [{ value: 0 }] });
  else if (program.id === 'late') late.push(result);
  else { say(result); late.splice(0).forEach(say); }
});
`;

let folder: string;
let session: Session | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vfio-conform-test-'));
  writeFileSync(join(folder, 'daemon.mjs'), daemon);
});

afterEach(async () => {
  await session?.stop();
  session = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function start(options: ExecOptions = {}, failAfter = 99): Promise<Session> {
  const command = `'${process.execPath}' '${join(folder, 'daemon.mjs')}' '${join(folder, 'count')}' ${failAfter}`;
  session = await execAdapter(command, options).start({ machine: {}, slots: [] });
  return session;
}

const starts = (): number => readFileSync(join(folder, 'count')).length;
const program = (id: string): Program => ({ id, topology: { slots: {} }, ops: [] });

describe('exec', () => {
  it('describes the target and runs programs, answered in any order', async () => {
    const session = await start();
    expect(session.description).toMatchObject({ name: 'fake', version: '1', environment: { id: 'fake' } });
    expect(session.window).toBe(16);
    const ids = ['late', 'late', 'one', 'two'];
    const results = await Promise.all(ids.map((id) => session.run(program(id), { x: 'a' })));
    expect(results.map((result) => result.detail)).toEqual(ids.map((id) => `${id}{"x":"a"}`));
  });

  it('runs more programs than the window holds', async () => {
    const session = await start({ window: 2 });
    const results = await Promise.all(Array.from({ length: 50 }, (_, index) => session.run(program(`p${index}`), {})));
    expect(results.every(({ end }) => end === 'completed')).toBe(true);
  });

  it.each([
    ['die', 'crashed', 'it ended with status 3'],
    ['kill', 'crashed', 'it was killed by SIGSEGV'],
    ['garbage', 'crashed', 'a line that is not JSON: garbage'],
    ['hang', 'hung', 'it did not reply for 0.5 s'],
  ])('blames the program that makes the daemon %s, and no other', async (id, end, why) => {
    const session = await start({ stallMs: 500 });
    const ids = ['fine', id, 'fine', 'fine'];
    const results = await Promise.all(ids.map((one) => session.run(program(one), {})));
    expect(results.map((result) => result.end)).toEqual(['completed', end, 'completed', 'completed']);
    expect(results[1]!.detail).toContain(why);
    expect(await session.run(program('fine'), {})).toMatchObject({ end: 'completed' });
  });

  it('keeps what the daemon wrote for people', async () => {
    const session = await start();
    expect(await session.run(program('die'), {})).toMatchObject({ end: 'crashed', log: ['dying'] });
    expect(starts()).toBe(2);
    await session.run(program('fine'), {});
    expect(starts()).toBe(3);
  });

  it('does not lose the daemon over a program that it refuses or answers inconsistently', async () => {
    const session = await start();
    expect(await session.run(program('refuse'), {})).toMatchObject({
      end: 'crashed',
      detail: 'The target did not understand the program: what?',
    });
    expect(await session.run(program('surplus'), {})).toEqual({
      end: 'crashed',
      outcomes: [],
      detail: 'The target replied with 1 outcomes for 0 ops.',
    });
    expect(starts()).toBe(1);
  });

  it('gives up after three failed starts in a row', async () => {
    const session = await start({}, 2);
    await session.run(program('die'), {});
    const failure = await Promise.resolve(session.run(program('fine'), {})).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Problem);
    expect(String(failure)).toContain('did not start 3 times in a row, because it ended with status 4');
    expect(String(failure)).toContain('no more');
    expect(starts()).toBe(5);
  });

  it.each([
    ['./there-is-no-such-command', 'the shell did not find it'],
    ['', 'names no command'],
    ['echo hello; sleep 10', 'a line that is not JSON: hello'],
    ['cat', 'whose type is none of'],
    ['exit 7', 'it ended with status 7'],
    ['sleep 10', 'it did not say what it is within 0.3 s'],
    [`echo '{"type":"error","message":"protocol 2 only"}'; sleep 10`, 'protocol 2 only'],
  ])('names what is wrong with the command %s', async (command, why) => {
    const failure = await execAdapter(command, { handshakeMs: 300 })
      .start({ machine: {}, slots: [] })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Problem);
    expect(String(failure)).toContain(`exec:${command}`);
    expect(String(failure)).toContain(why);
  });
});
