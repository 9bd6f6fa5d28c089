import { Presets, SingleBar } from 'cli-progress';
import { visible } from '../spec/uapi/visible.ts';

/** Reports on standard error how far a run is. */
export interface Progress {
  /** `total` more programs are to come. */
  expect(total: number, where: string): void;
  tick(failed: number): void;
  stop(): void;
}

/** A bar with rate and time left on a terminal; elsewhere a plain line every few seconds. */
export function showProgress(): Progress {
  return process.stderr.isTTY ? bar() : lines();
}

function bar(): Progress {
  const one = new SingleBar(
    {
      format: '{value}/{total}, {failed} failed, {rate}/s, {eta_formatted} left {bar} {where}',
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
    },
    Presets.shades_classic,
  );
  let total = 0;
  let done = 0;
  let started = 0;
  return {
    expect(more, place) {
      total += more;
      const where = visible(place);
      if (started === 0) {
        started = Date.now();
        one.start(total, 0, { where, rate: 0, failed: 0 });
      } else {
        one.setTotal(total);
        one.update({ where });
      }
    },
    tick(failed) {
      done++;
      const rate = Math.round(done / Math.max(0.001, (Date.now() - started) / 1000));
      one.update(done, { rate, failed });
    },
    stop() {
      one.stop();
    },
  };
}

const EVERY_MS = 5000;

function lines(): Progress {
  let total = 0;
  let done = 0;
  let place = '';
  let last = Date.now();
  const started = last;
  return {
    expect(more, where) {
      total += more;
      place = visible(where);
    },
    tick(failed) {
      done++;
      // Asking for the time costs more than simulating a program.
      if (done % 64 !== 0) return;
      const now = Date.now();
      if (now - last < EVERY_MS) return;
      last = now;
      const rate = (done * 1000) / (now - started);
      process.stderr.write(
        `${place}: ${done} of ${total} programs, ${Math.round(rate)}/s, ${Math.ceil((total - done) / rate)} s left, ${failed} failed\n`,
      );
    },
    stop() {},
  };
}
