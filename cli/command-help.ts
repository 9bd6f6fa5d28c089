/** What the help of a command says after its options. */
interface CommandHelp {
  /** A command line, and what it is for. */
  examples: readonly (readonly [line: string, about: string])[];
  exitCodes: readonly (readonly [code: number, about: string])[];
}

const wrong = [2, 'the command or its input is wrong, or an output cannot be written'] as const;
const wrongOrLost = [
  2,
  'the command or its input is wrong, an output cannot be written, or the target was lost',
] as const;
const printed = [[0, 'it was printed'], wrong] as const;
const verdicts = [
  [0, 'the target conforms, or of a part: nothing in it failed'],
  [1, 'something failed, or the target lacks what the profile asks for'],
  [3, 'nothing failed, but nothing was judged, or something was inconclusive, cut off or not reached'],
] as const;

/** By the name of the command; the empty name for the program itself. */
const help: Readonly<Record<string, CommandHelp>> = {
  '': {
    examples: [
      ['vfio-conform run', 'the suites on the simulator'],
      ['vfio-conform help run', 'the options of a command'],
    ],
    exitCodes: [
      [0, 'the target conforms; what was asked for was printed; nothing differs'],
      [1, 'the target does not conform; an invariant is broken; something differs'],
      [3, 'neither: nothing was judged, or something was inconclusive, cut off or not reached'],
      wrongOrLost,
    ],
  },
  run: {
    examples: [
      ['vfio-conform run --target kernel:6.12 --record 6.12.jsonl', 'a kernel in QEMU, every case kept'],
      ['vfio-conform run --only VFIO_IOMMU_MAP_DMA --profile type1-6.12', 'one ioctl on the simulator'],
    ],
    exitCodes: [...verdicts, wrongOrLost],
  },
  judge: {
    examples: [
      ['vfio-conform judge 6.12.jsonl', 'again, as the run judged'],
      ['vfio-conform judge 6.1.jsonl --profile type1-6.12', 'by the profile of another kernel'],
      ['vfio-conform judge results.jsonl --programs programs.jsonl', 'what a daemon without Node.js answered'],
    ],
    exitCodes: [...verdicts, wrong],
  },
  check: {
    examples: [
      ['vfio-conform check', 'the recommended contract'],
      ['vfio-conform check --profile v1 --set driver=v11', 'the series as posted, on one driver'],
    ],
    exitCodes: [
      [0, 'every invariant holds, and every rule was taken or it is known why not'],
      [1, 'an invariant is broken'],
      [3, 'none is broken, but one was not shown, or a rule was not taken'],
      wrong,
    ],
  },
  diff: {
    examples: [
      ['vfio-conform diff 6.1.jsonl 6.12.jsonl', 'one program for each pair of rules'],
      ['vfio-conform diff --all 6.1.jsonl 6.12.jsonl', 'all programs on which they differ'],
    ],
    exitCodes: [
      [0, 'the targets behave alike'],
      [1, 'they differ'],
      [3, 'no difference was seen, but a record is incomplete or no program is in both'],
      wrong,
    ],
  },
  programs: {
    examples: [
      ['vfio-conform programs --only VFIO_IOMMU_BIND', 'those about one ioctl'],
      ['vfio-conform programs --suite scenarios > scenarios.jsonl', 'a suite, to edit and replay'],
    ],
    exitCodes: printed,
  },
  replay: {
    examples: [
      ['vfio-conform replay vc1.TOKEN --target kernel:6.1', 'the program of a failure, op by op'],
      ['vfio-conform replay scenarios.jsonl --record r.jsonl', 'all programs of a file'],
    ],
    exitCodes: [...verdicts, wrongOrLost],
  },
  explain: {
    examples: [
      ['vfio-conform explain VFIO_IOMMU_MAP_DMA', 'what must happen, in order'],
      ['vfio-conform explain map_dma_overlaps', 'a rule, and who said so'],
    ],
    exitCodes: printed,
  },
  spec: {
    examples: [
      ['vfio-conform spec --format h > vfio-2020.h', 'the uapi as a C header'],
      ['vfio-conform spec --format md --check', 'whether docs/reference/ is current'],
    ],
    exitCodes: [[0, 'it was written, or is current'], [1, 'with --check: a page is not current'], wrong],
  },
  serve: {
    examples: [
      [
        'vfio-conform serve --target sim --listen unix:sim.sock',
        'then, elsewhere: vfio-conform run --target unix:sim.sock',
      ],
    ],
    exitCodes: [[0, 'a signal ended it'], wrongOrLost],
  },
  smoke: {
    examples: [
      ["vfio-conform smoke --target 'exec:python3 adapter.py'", 'an adapter that is being written'],
      ["vfio-conform smoke --target 'exec:./daemon' --json", 'all that is wrong, for scripts'],
    ],
    exitCodes: [
      [0, 'the adapter does what the protocol says; steps whose ops it lacks are left out'],
      [1, 'it does not'],
      [3, 'nothing but its description could be tried'],
      wrongOrLost,
    ],
  },
  targets: {
    examples: [['vfio-conform targets --json', 'for scripts']],
    exitCodes: printed,
  },
  help: {
    examples: [['vfio-conform help run', 'the same as vfio-conform run --help']],
    exitCodes: printed,
  },
};

/** Examples and exit codes of a command, as its --help ends. */
export function helpText(command: string): string {
  const { examples, exitCodes } = help[command]!;
  return [
    '',
    examples.length === 1 ? 'Example:' : 'Examples:',
    ...examples.flatMap(([line, about]) => [`  ${line}`, `      ${about}`]),
    '',
    'Exit codes:',
    ...[...exitCodes].sort(([a], [b]) => a - b).map(([code, about]) => `  ${code}  ${about}`),
  ].join('\n');
}
