import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import type { ProgramResult } from '../../spec/uapi/adapter.ts';
import { emulatedEnvironment, spelledOut } from '../../spec/uapi/emulated-machine.ts';
import { Problem } from '../../spec/uapi/problem.ts';
import type { Program } from '../../spec/uapi/vocabulary.ts';
import type { Gone, Link } from './link.ts';
import { RemoteSession } from './session.ts';

const program = (id: string): Program => ({ id, topology: { slots: {} }, ops: [] });
const environment = (id: string): object => ({ ...emulatedEnvironment(spelledOut({}), {}), id });

/** A daemon in this process: what it says in answer to each message, by its type. */
function fakeLink(answers: Record<string, (message: { id: number; program: Program }) => object | undefined>): Link {
  const input = new PassThrough();
  const output = new PassThrough();
  let leave: (why: string) => void = () => {};
  const gone = new Promise<Gone>((resolve) => {
    leave = (why) => resolve({ end: 'crashed', why });
  });
  output.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.trim().split('\n')) {
      const message = JSON.parse(line);
      const answer = answers[message.type]?.(message);
      if (answer) input.write(`${JSON.stringify(answer)}\n`);
      if (message.type === 'stop') leave('it stopped');
    }
  });
  return { input, output, gone, tail: () => [], end: async () => leave('it was ended'), left: () => [] };
}

const options = {
  ...{ place: 'fake:', subject: 'The daemon', remedy: 'mend it' },
  ...{ window: 4, handshakeMs: 1000, stallMs: 1000 },
};
const describeAs = (id: string) => (): object => ({
  ...{ type: 'description', protocol: 1, name: 'fake', version: '1', ops: [] },
  environment: environment(id),
});

it('starts the daemon anew after a result that spoils it, when nothing is under way', async () => {
  let starts = 0;
  const session = await RemoteSession.start({
    ...options,
    launch: async () => {
      const start = ++starts;
      return fakeLink({
        describe: describeAs('same'),
        run: ({ id, program }) => ({
          ...{ type: 'result', id, end: 'completed', outcomes: [], detail: `${start}` },
          ...(program.id === 'warn' && { log: ['WARNING'] }),
        }),
      });
    },
    inspect: (result: ProgramResult) => (result.log ? { ...result, end: 'crashed' } : result),
  });
  const ids = ['a', 'warn', 'b', 'c', 'd', 'e'];
  const results = await Promise.all(ids.map((id) => session.run(program(id), {})));
  expect(results.map(({ end }) => end)).toEqual(['completed', 'crashed', ...Array(4).fill('completed')]);
  expect(results.map(({ detail }) => detail).slice(0, 4)).toEqual(['1', '1', '1', '1']);
  expect(results.at(-1)!.detail).toBe('2');
  expect(starts).toBe(2);
  await session.stop();
});

it('does not go on with a daemon that describes itself differently', async () => {
  let starts = 0;
  const session = await RemoteSession.start({
    ...options,
    launch: async () => fakeLink({ describe: describeAs(`environment-${++starts}`), run: () => ({ nonsense: true }) }),
  });
  const failure = await session.run(program('a'), {}).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(Problem);
  expect(String(failure)).toContain('describes itself differently after a restart');
  await session.stop();
});

it('answers what is under way when it is stopped, and refuses what comes later', async () => {
  const session = await RemoteSession.start({
    ...options,
    launch: async () =>
      fakeLink({
        describe: describeAs('same'),
        run: ({ id }) => ({ type: 'result', id, end: 'completed', outcomes: [] }),
      }),
  });
  const running = session.run(program('a'), {});
  await session.stop();
  expect(await running).toMatchObject({ end: 'completed' });
  await expect(session.run(program('b'), {})).rejects.toThrow('fake: was stopped');
});
