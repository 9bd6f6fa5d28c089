import * as o from './ops.ts';
import type { SmokeStep } from './step.ts';

/** What is asked of an adapter after its description, for pages of so many bytes. */
export const smokeSteps = (page: number): readonly SmokeStep[] => [
  {
    name: 'names',
    restsOn: [],
    programs: [
      {
        fact: 'an op that makes a descriptor gives the name that the program asks for',
        section: 'How to run a program',
        ops: [o.pipe('a'), o.close('a')],
        gives: [o.fd('a'), o.done],
      },
      {
        fact: 'a name that was never given stands for descriptor -1, and the call is performed with it',
        section: 'Values',
        ops: [o.close('none'), o.dup('none', 'a')],
        gives: [o.errno('EBADF'), o.errno('EBADF')],
      },
      {
        fact: 'a name stands for descriptor -1 once it was closed',
        section: 'Values',
        ops: [o.pipe('a'), o.close('a'), o.close('a')],
        gives: [o.fd('a'), o.done, o.errno('EBADF')],
      },
      {
        fact: 'a descriptor that dup made is one of its own',
        section: 'Ops',
        ops: [o.pipe('a'), o.dup('a', 'b'), o.close('a'), o.close('b'), o.close('b')],
        gives: [o.fd('a'), o.fd('b'), o.done, o.done, o.errno('EBADF')],
      },
      {
        fact: 'a name that is given again stands for the newer thing',
        section: 'Values',
        ops: [o.pipe('a'), o.dup('a', 'a'), o.close('a'), o.close('a')],
        gives: [o.fd('a'), o.fd('a'), o.done, o.errno('EBADF')],
      },
      {
        fact: 'an op that fails gives no name: the name goes on standing for what it stood for',
        section: 'Values',
        ops: [o.pipe('a'), o.dup('none', 'a'), o.close('a')],
        gives: [o.fd('a'), o.errno('EBADF'), o.done],
      },
      {
        fact: 'a descriptor that was opened is not close-on-exec',
        section: 'Ops',
        ops: [o.pipe('a'), o.closeOnExec('a')],
        gives: [o.fd('a'), o.done],
      },
    ],
  },
  {
    name: 'memory',
    restsOn: ['names'],
    programs: [
      {
        fact: 'memory is filled with 0xff when it is made',
        section: 'Memory',
        ops: [o.mmap('m', page), o.peek('m', page - 2, 2)],
        gives: [o.done, o.bytes('ffff')],
      },
      {
        fact: 'poke stores bytes at an offset, and peek gives them',
        section: 'Memory',
        ops: [o.mmap('m', 2 * page), o.poke('m', page - 1, '0102'), o.peek('m', page - 2, 4)],
        gives: [o.done, o.done, o.bytes('ff0102ff')],
      },
      {
        fact: 'a name that is given again stands for the newer memory',
        section: 'Values',
        ops: [o.mmap('m', page), o.poke('m', 0, '01'), o.mmap('m', page), o.peek('m', 0, 1)],
        gives: [o.done, o.done, o.done, o.bytes('ff')],
      },
      {
        fact: 'a memory hides the descriptor that had its name',
        section: 'Values',
        ops: [o.pipe('a'), o.mmap('a', page), o.close('a')],
        gives: [o.fd('a'), o.done, o.errno('EBADF')],
      },
      {
        fact: 'private pages that were discarded read as zeros, which are no change',
        section: 'What changed',
        ops: [o.mmap('m', page), { op: 'discard', memory: 'm', at: 0, length: 1 }, o.peek('m', page - 2, 2)],
        gives: [o.done, o.done, o.bytes('0000')],
      },
      {
        fact: 'where a call on pages starts has to be a multiple of the page size',
        section: 'Memory',
        ops: [
          o.mmap('m', page),
          { op: 'protect', memory: 'm', at: 1, length: 1, protection: 'none' },
          o.peek('m', 0, 1),
        ],
        gives: [o.done, o.errno('EINVAL'), o.bytes('ff')],
      },
    ],
  },
  {
    name: 'guard pages',
    restsOn: ['memory'],
    programs: [
      {
        fact: 'nothing directly behind a memory can be read',
        section: 'Memory',
        ops: [o.mmap('m', page), o.mmap('n', page), o.peek('m', page, 1), o.peek('n', page, 1)],
        gives: [o.done, o.done, o.errno('EFAULT'), o.errno('EFAULT')],
      },
      {
        fact: 'a range that leaves the memory gives EFAULT',
        section: 'Memory',
        ops: [o.mmap('m', page), o.peek('m', page - 1, 1), o.peek('m', page - 1, 2)],
        gives: [o.done, o.bytes('ff'), o.errno('EFAULT')],
      },
      {
        fact: 'poke stores nothing if the process may not write all of it',
        section: 'Memory',
        ops: [o.mmap('m', page), o.poke('m', page - 2, '010203'), o.peek('m', page - 2, 2)],
        gives: [o.done, o.errno('EFAULT'), o.bytes('ffff')],
      },
      {
        fact: 'an ioctl whose bytes cannot be stored gives EFAULT without a call',
        section: 'Ops',
        ops: [o.mmap('m', page), o.ioctlOnNothing('m', page - 2, '01020304')],
        gives: [o.done, o.errno('EFAULT')],
      },
      {
        fact: 'an ioctl without bytes is performed, however wrong its argument looks',
        section: 'Ops',
        ops: [o.mmap('m', page), o.ioctlOnNothing('m', page)],
        gives: [o.done, o.errno('EBADF')],
      },
      {
        fact: 'a call that is pointed at the end of a memory stores nothing there',
        section: 'Memory',
        ops: [o.zeros('z'), o.mmap('m', page), o.read('z', 'm', page, 2), o.peek('m', page - 2, 2)],
        gives: [o.fd('z'), o.done, o.errno('EFAULT'), o.bytes('ffff')],
      },
    ],
  },
  {
    name: 'relocations',
    restsOn: ['memory'],
    programs: [
      {
        fact: 'a relocated field of 8 bytes takes the place of the bytes, and shows as zeros',
        section: 'What changed',
        ops: [o.mmap('m', page), o.poke('m', 0, '11'.repeat(12), [{ at: 2, width: 8, ref: 'm' }]), o.peek('m', 0, 12)],
        gives: [o.done, o.done, o.bytes('111100000000000000001111')],
      },
      {
        fact: 'the place of a relocation counts from the start of the bytes, not of the memory',
        section: 'Values',
        ops: [o.mmap('m', page), o.poke('m', 4, '11'.repeat(6), [{ at: 1, width: 4, ref: 'm' }]), o.peek('m', 0, 12)],
        gives: [o.done, o.done, o.bytes('ffffffff1100000000' + '11ffff')],
      },
      {
        fact: 'what the program stores over a part of a relocated field is shown, the rest still as zeros',
        section: 'What changed',
        ops: [
          o.mmap('m', page),
          o.poke('m', 0, '11'.repeat(8), [{ at: 0, width: 8, ref: 'm' }]),
          o.poke('m', 2, 'abcd'),
          o.peek('m', 0, 8),
        ],
        gives: [o.done, o.done, o.done, o.bytes('0000abcd00000000')],
      },
      {
        fact: 'the value of a name that stands for nothing is -1',
        section: 'Values',
        ops: [
          o.zeros('z'),
          o.mmap('m', page),
          o.poke('m', 0, '00'.repeat(4), [{ at: 0, width: 4, ref: 'none' }]),
          o.read('z', 'm', 1, 2),
        ],
        gives: [o.fd('z'), o.done, o.done, o.changing(2, { memory: 'm', at: 1, bytes: '0000' })],
      },
      {
        fact: '`add` is added to the value, which wraps',
        section: 'Values',
        ops: [
          o.zeros('z'),
          o.mmap('m', page),
          o.poke('m', 0, '11'.repeat(4), [{ at: 0, width: 4, ref: 'none', add: 3 }]),
          o.read('z', 'm', 0, 4),
        ],
        gives: [o.fd('z'), o.done, o.done, o.changing(4, { memory: 'm', at: 0, bytes: '00' })],
      },
    ],
  },
  {
    name: 'changed bytes',
    restsOn: ['memory'],
    exactChanges: true,
    programs: [
      {
        fact: 'what a call stores is reported, and once',
        section: 'What changed',
        ops: [o.zeros('z'), o.mmap('m', page), o.read('z', 'm', 2, 3), o.peek('m', 1, 5)],
        gives: [o.fd('z'), o.done, o.changing(3, { memory: 'm', at: 2, bytes: '000000' }), o.bytes('ff000000ff')],
      },
      {
        fact: 'what the program itself stores is no change',
        section: 'What changed',
        ops: [o.mmap('m', page), o.poke('m', 5, '0102'), o.ioctlOnNothing('m', 0, '0304'), o.peek('m', 0, 2)],
        gives: [o.done, o.done, o.errno('EBADF'), o.bytes('0304')],
      },
      {
        fact: 'a byte that stays the same is no change, and ends the run between two that do not',
        section: 'What changed',
        ops: [o.zeros('z'), o.mmap('m', page), o.poke('m', 3, '00'), o.read('z', 'm', 2, 3), o.read('z', 'm', 2, 3)],
        gives: [
          o.fd('z'),
          o.done,
          o.done,
          o.changing(3, { memory: 'm', at: 2, bytes: '00' }, { memory: 'm', at: 4, bytes: '00' }),
          o.value(3),
        ],
      },
      {
        fact: 'a memory that lost its name is no longer compared',
        section: 'Values',
        ops: [
          o.zeros('z'),
          o.mmap('m', page, { backing: 'shared' }),
          o.fork('r'),
          o.mmap('m', page),
          o.by('r', o.read('z', 'm', 0, 1)),
        ],
        gives: [o.fd('z'), o.done, o.done, o.done, o.changing(1, { memory: 'm', at: 0, bytes: '00' })],
      },
      {
        fact: 'an untouched page is compared from the first store on, and begins with what it then holds',
        section: 'What changed',
        ops: [o.zeros('z'), o.mmap('m', page, { fill: 'untouched' }), o.poke('m', 4, '05'), o.read('z', 'm', 3, 3)],
        gives: [o.fd('z'), o.done, o.done, o.changing(3, { memory: 'm', at: 4, bytes: '00' })],
      },
    ],
  },
  {
    name: 'processes',
    restsOn: ['memory', 'changed bytes'],
    exactChanges: true,
    // No two programs name a process alike: that those of the program before are gone is for the last step.
    programs: [
      {
        fact: 'a new process has copies of all names, which from then on belong to each process',
        section: 'Values',
        ops: [o.pipe('a'), o.fork('x'), o.close('a'), o.by('x', o.close('a')), o.by('x', o.close('a'))],
        gives: [o.fd('a'), o.done, o.done, o.done, o.errno('EBADF')],
      },
      {
        fact: 'a name that one process gives is none of the other',
        section: 'Values',
        ops: [o.fork('y'), o.by('y', o.pipe('b')), o.close('b')],
        gives: [o.done, o.fd('b'), o.errno('EBADF')],
      },
      {
        fact: 'private memory is apart in each process',
        section: 'Ops',
        ops: [
          o.mmap('m', page),
          o.fork('u'),
          o.by('u', o.poke('m', 0, '01')),
          o.peek('m', 0, 1),
          o.by('u', o.peek('m', 0, 1)),
        ],
        gives: [o.done, o.done, o.done, o.bytes('ff'), o.bytes('01')],
      },
      {
        fact: 'what one process stores to shared memory, others see; it is no change to them',
        section: 'What changed',
        ops: [
          o.mmap('m', page, { backing: 'shared' }),
          o.fork('v'),
          o.by('v', o.poke('m', 0, '01')),
          o.peek('m', 0, 1),
        ],
        gives: [o.done, o.done, o.done, o.bytes('01')],
      },
      {
        fact: "changes of the actor's memory come first, then those of others in the order of their forks",
        section: 'What changed',
        ops: [
          o.zeros('z'),
          o.mmap('m', page, { backing: 'shared' }),
          o.fork('t'),
          o.by('t', o.fork('s')),
          o.by('s', o.read('z', 'm', 0, 1)),
        ],
        gives: [
          o.fd('z'),
          o.done,
          o.done,
          o.done,
          o.changing(
            1,
            { memory: 'm', at: 0, bytes: '00' },
            { process: 'main', memory: 'm', at: 0, bytes: '00' },
            { process: 't', memory: 'm', at: 0, bytes: '00' },
          ),
        ],
      },
      {
        fact: 'a process that has ended gives up its name',
        section: 'Values',
        ops: [o.fork('w'), { op: 'exit', actor: 'w' }, o.fork('w'), o.by('w', o.close('none'))],
        gives: [o.done, o.done, o.done, o.errno('EBADF')],
      },
    ],
  },
  {
    name: 'faults',
    restsOn: ['guard pages'],
    programs: [
      {
        fact: 'an access that would fault is an outcome, never a signal',
        section: 'Memory',
        ops: [
          o.mmap('m', page),
          { op: 'protect', memory: 'm', at: 0, length: page, protection: 'none' },
          o.peek('m', 0, 1),
          o.poke('m', 0, '01'),
          { op: 'protect', memory: 'm', at: 0, length: page, protection: 'read-write' },
          o.peek('m', 0, 1),
        ],
        gives: [o.done, o.done, o.errno('EFAULT'), o.errno('EFAULT'), o.done, o.bytes('ff')],
      },
      {
        fact: 'pages that are for reading only can be read, and poke gives EFAULT',
        section: 'Memory',
        ops: [o.mmap('m', page, { protection: 'read' }), o.poke('m', 0, '01'), o.peek('m', 0, 1)],
        gives: [o.done, o.errno('EFAULT'), o.bytes('ff')],
      },
      {
        fact: 'pages that are not there any more give EFAULT and ENOMEM, but unmapping them gives 0',
        section: 'Memory',
        ops: [
          o.mmap('m', 2 * page),
          { op: 'unmap', memory: 'm', at: page, length: page },
          o.peek('m', page - 1, 1),
          o.peek('m', page, 1),
          { op: 'protect', memory: 'm', at: page, length: page, protection: 'read' },
          { op: 'unmap', memory: 'm', at: page, length: page },
        ],
        gives: [o.done, o.done, o.bytes('ff'), o.errno('EFAULT'), o.errno('ENOMEM'), o.done],
      },
    ],
  },
  {
    name: 'ends',
    restsOn: ['memory'],
    programs: [
      {
        fact: 'an op on a memory that is not there ends the program as unsupported, with the outcomes before it',
        section: 'Values',
        ops: [o.mmap('m', page), o.peek('none', 0, 1)],
        gives: [o.done],
      },
      {
        fact: 'an op of a process that is not there ends the program as unsupported',
        section: 'Values',
        ops: [o.fork('x'), { op: 'exit', actor: 'x' }, o.by('x', o.close('none'))],
        gives: [o.done, o.done],
      },
      {
        fact: 'a fork under the name of a process that is there ends the program as unsupported',
        section: 'Values',
        ops: [o.fork('x'), o.fork('x')],
        gives: [o.done],
      },
      {
        fact: 'a program starts with no names, whatever the one before it named',
        section: 'How to run a program',
        before: [o.pipe('a')],
        ops: [o.close('a')],
        gives: [o.errno('EBADF')],
      },
      {
        fact: 'a program starts with no memory, whatever the one before it made',
        section: 'How to run a program',
        before: [o.mmap('m', page)],
        ops: [o.mmap('n', page), o.peek('m', 0, 1)],
        gives: [o.done],
      },
      {
        fact: 'a program starts as the only process, whatever the one before it forked',
        section: 'How to run a program',
        before: [o.fork('x')],
        ops: [o.fork('x'), o.by('x', o.close('none'))],
        gives: [o.done, o.errno('EBADF')],
      },
      {
        fact: 'a program starts with no open descriptor but 0, 1 and 2',
        section: 'How to run a program',
        before: [o.pipe('a'), o.pipe('b')],
        ops: [{ op: 'rlimit', resource: 'nofile', value: 4 }, o.zeros('z'), o.dup('z', 'y')],
        gives: [o.done, o.fd('z'), o.errno('EMFILE')],
      },
    ],
  },
];
