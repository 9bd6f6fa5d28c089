import { Socket } from 'node:net';
import { constants } from 'node:os';
import { Readable, Writable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { type Gone, type Link, Tail } from '../../remote/link.ts';
import { type Addon, type Helper, helperProgram } from './addon.ts';

/** How long a killed helper may take to go, in milliseconds. */
const endMs = 4000;

/** Starts a helper and speaks the adapter protocol with it through shared memory, one message after the other. */
export function helperLink(addon: Addon, words: readonly string[]): Link {
  const { helper, pid, errors } = addon.start(helperProgram, ['--exchange', ...words]);
  const tail = new Tail(20);
  const said = new Socket({ fd: errors, readable: true, writable: false });
  said.setEncoding('utf8').on('data', (piece: string) => tail.add(piece));
  said.on('error', () => {});
  said.unref();

  let say: (gone: Gone) => void = () => {};
  const gone = new Promise<Gone>((resolve) => {
    say = resolve;
  });
  const input = new Readable({ read() {} });
  let last: Promise<unknown> = Promise.resolve();
  const ask = async (message: string): Promise<void> => {
    const answer = await addon.exchange(helper, message);
    if (answer !== null) {
      input.push(answer);
      return;
    }
    say({ end: 'crashed', why: farewell(addon, helper) });
    input.push(null);
  };
  const output = new Writable({
    decodeStrings: false,
    write(message: string, _encoding, done) {
      last = ask(message).then(() => done(), done);
    },
  });
  const end = async (): Promise<void> => {
    addon.end(helper);
    // The exchange under way notices; where there is none, one more does.
    const over = last.then(() => addon.exchange(helper, '')).catch(() => {});
    await Promise.race([over, setTimeout(endMs, undefined, { ref: false })]);
    say({ end: 'crashed', why: farewell(addon, helper) });
    said.destroy();
    input.destroy();
  };
  let ending: Promise<void> | undefined;
  return {
    input,
    output,
    gone,
    tail: () => tail.lines(),
    end: () => {
      ending ??= end();
      return ending;
    },
    left: () => (addon.how(helper) === undefined && ending !== undefined ? [pid] : []),
  };
}

function farewell(addon: Addon, helper: Helper): string {
  const how = addon.how(helper);
  if (how === undefined) return 'it stopped answering';
  if ('status' in how) return `it ended with status ${how.status}`;
  const name = Object.entries(constants.signals).find(([, number]) => number === how.signal)?.[0];
  return `it was killed by ${name ?? `signal ${how.signal}`}`;
}
