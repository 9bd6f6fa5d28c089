import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { partOf } from '../spec/uapi/test-part.ts';
import { inProcess } from './test-in-process.ts';

const { folder, vfioConform } = inProcess();

describe('wrong input gets one sentence and exit code 2', () => {
  const file = join(folder, 'wrong.jsonl');
  const programOf = (op: string) => `{"id":"x","topology":{"slots":{}},"ops":[{${op}}]}`;
  const strangeRecord =
    '{"kind":"header","format":2,"tool":{"name":"t","version":"1","hash":""},"contract":"","options":{},"profile":"type1-6.12","parameters":{"x":"y"},"target":"sim","strict":true,"seed":0,"selection":{"suites":[]}}\n';
  const inputs: [string, string[], RegExp, string?][] = [
    ['target', ['run', '--target', 'qemu'], /--target qemu: unknown; known are sim, model/],
    ['parameter', ['run', '--set', 'bindd=absent'], /parameter bindd is unknown; known are/],
    ['parameter value', ['run', '--set', 'bind=maybe'], /bind cannot be maybe; it can be absent/],
    ['simulator parameter', ['run', '--target', 'sim:x=y'], /no parameter x; it has/],
    ['profile', ['run', '--profile', 'v9'], /--profile v9: unknown; known are type1-6.1, type1-6.12/],
    ['retired parameter', ['run', '--set', 'unit=device'], /--set unit=device: .*; use singleton_scope=device\./],
    ['retired value', ['run', '--set', 'mediated_devices=substituted'], /; use mediated_devices=parent_device\./],
    ['retired name with a wrong value', ['run', '--set', 'unit=x'], /parameter unit is retired; use singleton_scope\./],
    ['retired parameter of the simulator', ['run', '--target', 'sim:requests=as_posted'], /; use nesting_series=as_p/],
    ['retired rule', ['run', '--only', 'bind_binds'], /--only bind_binds: rule .*; use bind_flag_bind\./],
    ['suite', ['run', '--suite', 'bounds'], /--suite bounds: unknown; known are boundary, scenarios/],
    ['shard', ['run', '--shard', '3/2'], /--shard 3\/2: write I\/N/],
    ['time', ['run', '--time', 'soon'], /--time soon: write a number and a unit/],
    ['report', ['run', '--report', 'html'], /--report html: unknown format; known are/],
    ['spec folder', ['run', '--spec', '/nowhere'], /--spec \/nowhere: there is no such folder/],
    [
      'record folder',
      ['run', '--record', '/nowhere/r.jsonl'],
      /--record \/nowhere\/r.jsonl: there is no folder \/nowhere; make it first/,
    ],
    ['command', ['run', '--target', 'exec:/nowhere/daemon'], /\/nowhere\/daemon/],
    ['record', ['judge', '/nowhere/r.jsonl'], /\/nowhere\/r.jsonl: cannot be read/],
    ['record without header', ['judge', file], /has no header line/, ''],
    ['record of another contract', ['diff', file, file], /wrong.jsonl: was made with x=y, .* by --spec/, strangeRecord],
    ['record to compare', ['diff', '/nowhere/r.jsonl', file], /\/nowhere\/r.jsonl: cannot be read/],
    ['record line', ['judge', file], /wrong.jsonl:1: not a line of JSON/, 'hello\n{}\n'],
    ['record shape', ['judge', file], /wrong.jsonl:1: .*'cases'.*record.schema.json/, '{"kind":"footer"}\n'],
    ['token', ['replay', 'vc1.AAAA'], /the token is damaged/],
    ['token to explain', ['explain', 'vc1.AAAA'], /the token is damaged/],
    ['program', ['replay', file], /ops.*program.schema.json/, '{"id":"x","topology":{"slots":{}}}'],
    [
      'memory of a program',
      ['replay', file],
      /names the memory m, which no mmap/,
      programOf('"op":"peek","memory":"m","at":0,"length":1'),
    ],
    [
      'slot of a program',
      ['replay', file],
      /names the slot h, which topology/,
      programOf('"op":"open","what":"group","slot":"h","as":"h"'),
    ],
    [
      'actor of a program',
      ['replay', file],
      /names the actor child, of a process/,
      programOf('"op":"barrier","actor":"child"'),
    ],
    ['option', ['run', '--frobnicate'], /unknown option/],
  ];
  test.each(partOf(inputs, 3))('%s', async (_, args, message, content) => {
    if (content !== undefined) writeFileSync(file, content);
    const { status, stderr } = await vfioConform(...args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
    // What a command wrote itself comes after the sentence.
    expect(stderr.split('\n  It last wrote:')[0]!.trim().split('\n')).toHaveLength(1);
    expect(status).toBe(2);
  });
});
