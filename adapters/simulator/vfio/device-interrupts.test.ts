import { describe, expect, it } from 'vitest';
import type { Op } from '../../../spec/uapi/vocabulary.ts';
import {
  call,
  close,
  ioctl,
  le,
  leftBy,
  number,
  openDevice,
  PAGE,
  readRegion,
  ready,
  resultsOf,
  withDevice,
  writeRegion,
} from '../test-programs.ts';

const SET_IRQS = number.VFIO_DEVICE_SET_IRQS!;
const LINE = 0;
const MESSAGE = 1;
const REQUEST = 4;
const NONE = 1;
const BOOL = 2;
const EVENT = 4;
const MASK = 8;
const UNMASK = 16;
const TRIGGER = 32;

const event = (as: string): Op => ({ op: 'open', what: 'event', as });
const count = (fd = 'e'): Op => ({ op: 'read_event', fd });
const setInterrupts = (index: number, flags: number, many = 1, data = '', first = 0): Op =>
  call('d', SET_IRQS, le(20 + data.length / 2, 4) + le(flags, 4) + le(index, 4) + le(first, 4) + le(many, 4) + data);
const trigger = (index: number, fd = 'e'): Op =>
  call('d', SET_IRQS, le(24, 4) + le(EVENT | TRIGGER, 4) + le(index, 4) + le(0, 4) + le(1, 4) + le(0, 4), [
    { at: 20, width: 4, ref: fd },
  ]);
const off = (index: number): Op => setInterrupts(index, NONE | TRIGGER, 0);
const unmask = setInterrupts(LINE, NONE | UNMASK);
const raise = (bits = 1) => writeRegion(0, 0x60, le(bits, 4))[1]!;
const raiseOne: Op[] = writeRegion(0, 0x60, le(1, 4));
const acknowledge: Op[] = writeRegion(0, 0x64, le(1, 4));
/** What writing a register gives: the store of its bytes, and the write. */
const WRITTEN = [0, 4];
const setup: Op[] = [...withDevice(), event('e'), event('f')];

describe('an event', () => {
  it('has not happened at first', async () => {
    expect(await resultsOf(setup, [count(), count()])).toEqual([0, 0]);
  });
});

describe('the interrupt that is a message', () => {
  it('is counted each time, and once it has been read no more', async () => {
    const ops = [trigger(MESSAGE), ...raiseOne, ...raiseOne, count(), count(), ...acknowledge, count()];
    expect(await resultsOf(setup, ops)).toEqual([0, ...WRITTEN, ...WRITTEN, 2, 0, ...WRITTEN, 0]);
  });

  it('is lost without bus mastering', async () => {
    const slave: Op[] = [...ready(), openDevice(), event('e')];
    expect(await resultsOf(slave, [trigger(MESSAGE), ...raiseOne, count()])).toEqual([0, ...WRITTEN, 0]);
  });

  it('goes to the event given last, or to none', async () => {
    const ops = [trigger(MESSAGE), trigger(MESSAGE, 'f'), ...raiseOne, count(), count('f')];
    expect(await resultsOf(setup, ops)).toEqual([0, 0, ...WRITTEN, 0, 1]);
    const none = [trigger(MESSAGE), setInterrupts(MESSAGE, EVENT | TRIGGER, 1, 'ffffffff'), ...raiseOne, count()];
    expect(await resultsOf(setup, none)).toEqual([0, 0, ...WRITTEN, 0]);
  });

  it('can be made to happen by hand', async () => {
    const ops = [
      setInterrupts(MESSAGE, NONE | TRIGGER),
      trigger(MESSAGE),
      setInterrupts(MESSAGE, NONE | TRIGGER),
      setInterrupts(MESSAGE, BOOL | TRIGGER, 1, '00'),
      setInterrupts(MESSAGE, BOOL | TRIGGER, 1, '01'),
      count(),
    ];
    expect(await resultsOf(setup, ops)).toEqual(['EINVAL', 0, 0, 0, 0, 2]);
  });

  it('is turned off once', async () => {
    const ops = [trigger(MESSAGE), off(MESSAGE), off(MESSAGE), ...raiseOne, count()];
    expect(await resultsOf(setup, ops)).toEqual([0, 0, 'EINVAL', ...WRITTEN, 0]);
  });

  it('cannot be had next to the line', async () => {
    const ops = [trigger(MESSAGE), trigger(LINE), off(MESSAGE), trigger(LINE), trigger(MESSAGE)];
    expect(await resultsOf(setup, ops)).toEqual([0, 'EINVAL', 0, 0, 'EINVAL']);
  });

  it('needs at least one event to begin with', async () => {
    const empty = setInterrupts(MESSAGE, EVENT | TRIGGER, 0);
    expect(await resultsOf(setup, [empty, trigger(MESSAGE), empty])).toEqual(['ERANGE', 0, 0]);
  });

  it('cannot be masked', async () => {
    expect(await resultsOf(setup, [trigger(MESSAGE), setInterrupts(MESSAGE, NONE | MASK)])).toEqual([0, 'ENOTTY']);
  });

  it('becomes the line when user space clears its bit', async () => {
    const ops = [trigger(MESSAGE), ...writeRegion(7, 0x42, '00'), ...raiseOne, count(), readRegion(7, 6, 1)];
    expect(await leftBy(setup, ops, 1)).toBe('18');
  });

  it('comes at the end of a transfer that asks for it', async () => {
    const transfer = [...writeRegion(0, 0x88, le(0x4_0000, 4)), ...writeRegion(0, 0x98, le(5, 4))];
    const answers = await resultsOf(setup, [trigger(MESSAGE), ...transfer, count()]);
    expect(answers.at(-1)).toBe(1);
    expect(await leftBy(setup, [...transfer, readRegion(0, 0x24, 4)], 4)).toBe(le(0x100, 4));
  });
});

describe('the interrupt line', () => {
  it('happens once, until it is acknowledged and unmasked', async () => {
    const ops = [
      trigger(LINE),
      ...raiseOne,
      count(),
      ...raiseOne,
      count(),
      ...acknowledge,
      unmask,
      count(),
      ...raiseOne,
    ];
    expect(await resultsOf(setup, [...ops, count()])).toEqual([
      0,
      ...WRITTEN,
      1,
      ...WRITTEN,
      0,
      ...WRITTEN,
      0,
      0,
      ...WRITTEN,
      1,
    ]);
  });

  it('happens again when it is unmasked without being acknowledged', async () => {
    const ops = [trigger(LINE), ...raiseOne, count(), unmask, count(), unmask, count()];
    expect(await resultsOf(setup, ops)).toEqual([0, ...WRITTEN, 1, 0, 1, 0, 1]);
  });

  it('waits while it is masked', async () => {
    const mask = setInterrupts(LINE, NONE | MASK);
    expect(await resultsOf(setup, [trigger(LINE), mask, ...raiseOne, count(), unmask, count()])).toEqual([
      0,
      0,
      ...WRITTEN,
      0,
      0,
      1,
    ]);
    const maybe = [setInterrupts(LINE, BOOL | MASK, 1, '00'), ...raiseOne, count()];
    expect(await resultsOf(setup, [trigger(LINE), ...maybe])).toEqual([0, 0, ...WRITTEN, 1]);
  });

  it('waits while the command register disables it', async () => {
    const ops = [trigger(LINE), ...writeRegion(7, 4, '0705'), ...raiseOne, count(), unmask, count()];
    const enabled = [...writeRegion(7, 4, '0701'), count()];
    expect(await resultsOf(setup, [...ops, ...enabled])).toEqual([0, 0, 2, ...WRITTEN, 0, 0, 0, 0, 2, 1]);
  });

  it('shows in the status register', async () => {
    expect(await leftBy(setup, [...raiseOne, readRegion(7, 6, 1)], 1)).toBe('18');
    expect(await leftBy(setup, [...raiseOne, ...acknowledge, readRegion(7, 6, 1)], 1)).toBe('10');
  });

  it('is let go by messages and by a reset', async () => {
    expect(await leftBy(setup, [...raiseOne, trigger(MESSAGE), readRegion(7, 6, 1)], 1)).toBe('10');
    const stage = { slots: [{ devices: 1, viable: true, resettable: true }] };
    const reset = ioctl('d', number.VFIO_DEVICE_RESET!);
    expect(await leftBy(setup, [...raiseOne, reset, readRegion(7, 6, 1)], 1, stage)).toBe('10');
  });

  it('that is up before is no interrupt', async () => {
    expect(await resultsOf(setup, [...raiseOne, trigger(LINE), count()])).toEqual([...WRITTEN, 0, 0]);
  });

  it('can be made to happen by hand, and turned off once', async () => {
    const byHand = setInterrupts(LINE, NONE | TRIGGER);
    const ops = [
      byHand,
      trigger(LINE),
      byHand,
      setInterrupts(LINE, BOOL | TRIGGER, 1, '01'),
      count(),
      off(LINE),
      off(LINE),
    ];
    expect(await resultsOf(setup, ops)).toEqual(['EINVAL', 0, 0, 0, 2, 0, 'EINVAL']);
  });

  it('cannot be masked or unmasked before it is had, nor masked by an event', async () => {
    const byEvent = setInterrupts(LINE, EVENT | MASK, 1, 'ffffffff');
    const ops = [unmask, setInterrupts(LINE, NONE | MASK), trigger(LINE), byEvent];
    expect(await resultsOf(setup, ops)).toEqual(['EINVAL', 'EINVAL', 0, 'ENOTTY']);
  });
});

describe('requests of the host', () => {
  it('go to an event, which can be taken back', async () => {
    const byHand = setInterrupts(REQUEST, NONE | TRIGGER);
    const takeBack = setInterrupts(REQUEST, EVENT | TRIGGER, 1, 'ffffffff');
    const ops = [byHand, trigger(REQUEST), byHand, count(), takeBack, byHand, trigger(REQUEST), off(REQUEST), byHand];
    expect(await resultsOf(setup, ops)).toEqual(['EINVAL', 0, 0, 1, 0, 'EINVAL', 0, 0, 'EINVAL']);
  });
});

describe('SET_IRQS', () => {
  it('reads 20 bytes, then what follows', async () => {
    const at = (offset: number, bytes: string): Op => ({
      op: 'ioctl',
      fd: 'd',
      number: SET_IRQS,
      argument: { memory: 'args', at: offset, bytes },
    });
    const header = le(24, 4) + le(EVENT | TRIGGER, 4) + le(MESSAGE, 4) + le(0, 4) + le(1, 4);
    const ops = [ioctl('d', SET_IRQS), at(PAGE - 19, ''), at(PAGE - 20, header), at(PAGE - 23, header)];
    expect(await resultsOf(setup, ops)).toEqual(['EFAULT', 'EFAULT', 'EFAULT', 'EFAULT']);
  });

  it.each([
    ['an unknown index', setInterrupts(5, NONE | TRIGGER, 0), 'EINVAL'],
    ['a kind that is not there', setInterrupts(2, NONE | TRIGGER, 0), 'EINVAL'],
    ['errors, which are not there', setInterrupts(3, NONE | TRIGGER, 0), 'EINVAL'],
    ['unknown flags', setInterrupts(LINE, 64 | NONE | TRIGGER), 'EINVAL'],
    ['no kind of data', setInterrupts(LINE, TRIGGER), 'EINVAL'],
    ['two kinds of data', setInterrupts(LINE, NONE | BOOL | TRIGGER), 'EINVAL'],
    ['no action', setInterrupts(LINE, NONE, 0), 'ENOTTY'],
    ['two actions', setInterrupts(LINE, NONE | MASK | TRIGGER), 'ENOTTY'],
    ['a first one that is not there', setInterrupts(LINE, NONE | TRIGGER, 0, '', 1), 'EINVAL'],
    ['more than there are', setInterrupts(LINE, NONE | TRIGGER, 2), 'EINVAL'],
    ['a range that wraps', setInterrupts(LINE, NONE | TRIGGER, 0xffff_ffff), 'EINVAL'],
    ['too little data', setInterrupts(LINE, EVENT | TRIGGER, 1, 'ffffff'), 'EINVAL'],
    ['a descriptor that is not open', setInterrupts(LINE, EVENT | TRIGGER, 1, le(999, 4)), 'EBADF'],
    ['a message to one that is not open', setInterrupts(MESSAGE, EVENT | TRIGGER, 1, le(999, 4)), 'EBADF'],
    ['a descriptor that is no event', trigger(LINE, 'c'), 'EINVAL'],
    ['a message to one that is no event', trigger(MESSAGE, 'c'), 'EINVAL'],
    ['a request to one that is no event', trigger(REQUEST, 'c'), 'EINVAL'],
  ])('refuses %s', async (_, op, errno) => {
    expect(await resultsOf(setup, [op, trigger(LINE)])).toEqual([errno, 0]);
  });

  it('gives ENOMEM without memory, and changes nothing', async () => {
    for (const index of [LINE, MESSAGE]) {
      for (const nth of [1, 2, 3]) {
        const ops: Op[] = [{ op: 'inject', fault: 'allocation', nth }, trigger(index), off(index), trigger(index)];
        expect(await resultsOf(setup, ops)).toEqual([0, 'ENOMEM', 'EINVAL', 0]);
      }
    }
  });

  it('ends with the last close of the device', async () => {
    const ops = [trigger(MESSAGE), close('d'), openDevice(), off(MESSAGE), raise(), count(), trigger(LINE)];
    expect(await resultsOf([...setup, ...raiseOne.slice(0, 1)], ops)).toEqual([0, 0, 'd', 'EINVAL', 4, 0, 0]);
  });
});
