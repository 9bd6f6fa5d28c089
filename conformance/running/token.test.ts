import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { limits } from '../../spec/uapi/limits.ts';
import type { Program } from '../../spec/uapi/vocabulary.ts';
import { fromToken, toToken } from './token.ts';

const topology = { slots: {} };

/** A program that is so many characters long as JSON. */
function ofLength(length: number): Program {
  const poke = (bytes: number) => ({ op: 'poke' as const, memory: 'm', at: 0, bytes: '00'.repeat(bytes) });
  const program: Program = { id: 'a', topology, ops: [{ op: 'mmap', as: 'm', length: 4096 }] };
  const left = () => length - JSON.stringify(program).length;
  while (left() > 2200) program.ops.push(poke(Math.min(1 << 20, (left() - 100) >> 1)));
  program.about = '';
  program.about = 'a'.repeat(left());
  return program;
}

describe('a token', () => {
  it('holds a program', () => {
    const program: Program = { id: 'a', topology, ops: [{ op: 'barrier' }] };
    expect(fromToken(toToken(program))).toEqual(program);
  });

  it('holds one of the longest', () => {
    expect(fromToken(toToken(ofLength(limits.program))).ops.length).toBeGreaterThan(8);
  });

  it('is refused before it is unpacked any further', () => {
    expect(() => fromToken(toToken(ofLength(limits.program + 1)))).toThrow(
      'the token: holds more than the 16777216 characters that a program may have; make it shorter.',
    );
    const bomb = `vc1.${deflateRawSync(Buffer.alloc(1 << 28, ' ')).toString('base64url')}`;
    expect(() => fromToken(bomb)).toThrow('holds more than the 16777216 characters');
  });

  it('is refused where it would take too much memory', () => {
    const ops = ['a', 'b', 'c', 'd', 'e'].map((as) => ({ op: 'mmap' as const, as, length: limits.memory / 4 }));
    expect(() => fromToken(toToken({ id: 'a', topology, ops }))).toThrow(
      'the token: /ops/4 takes the memory of all processes to 83886080 bytes, and a program may have 67108864; make it smaller.',
    );
    expect(fromToken(toToken({ id: 'a', topology, ops: ops.slice(1) })).ops).toHaveLength(4);
  });
});
