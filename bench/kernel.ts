import { kernelAdapter } from '../adapters/kernel/kernel.ts';
import { decide } from '../conformance/assess/verdict.ts';
import { run } from '../conformance/running/run.ts';
import { suites } from '../conformance/suites/suites.ts';
import { compileContract } from '../reference/interpreter/contract.ts';
import { loadContract } from '../spec/contract/load.ts';
import { parameterSetting } from '../spec/contract/setting.ts';
import type { Row } from './rows.ts';

/** A real kernel: start to first verdict, the boundary suite, all suites, transfers. */
export async function kernel(version: string): Promise<Row[]> {
  const data = loadContract();
  const contract = compileContract(data, parameterSetting(data, `type1-${version}`));
  const adapter = kernelAdapter({ version });
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  let first: number | undefined;
  let transfers = 0;
  const spent = new Map<string, number>();
  let last = 0;
  await run(
    {
      contract,
      adapter,
      suites,
      only: [],
      judge: (trace, environment) => decide(contract, environment, trace, false),
    },
    {
      onCase({ suite, trace }) {
        first ??= elapsed();
        transfers += trace.program.ops.filter(({ op }) => op === 'dma').length;
        const now = elapsed();
        spent.set(suite, (spent.get(suite) ?? 0) + now - last);
        last = now;
      },
    },
  );
  return [
    { what: `kernel ${version}: start to first verdict`, value: first!, unit: 's', bar: 8, better: 'less' },
    {
      what: `kernel ${version}: suite boundary, boots included`,
      value: spent.get('boundary')!,
      unit: 's',
      bar: 120,
      better: 'less',
    },
    { what: `kernel ${version}: all suites`, value: elapsed(), unit: 's', bar: 300, better: 'less' },
    { what: `kernel ${version}: transfers of a real device`, value: transfers, unit: '', bar: 600, better: 'less' },
  ];
}
