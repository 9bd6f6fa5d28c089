import { mergeNeeds, sameMachine } from '../conformance/suites/suite.ts';
import { suites } from '../conformance/suites/suites.ts';
import { packageRoot } from '../spec/uapi/package-root.ts';
import type { InjectOp, Machine } from '../spec/uapi/vocabulary.ts';

/** How the daemon differs from the contract. */
interface Difference {
  /** The op that it leaves out. */
  without?: string;
  /** The faults that it performs; all of them if this is not given. */
  faults?: InjectOp['fault'][];
  /** Its one machine; the default one if this is not given. */
  machine?: Machine;
  /** What it says that it is; 1 if this is not given. */
  version?: string;
}

/** The text of a daemon that is the contract at a profile, but for what it lacks. It runs what was built. */
export function modelDaemon(profile: string, { without, faults, machine = {}, version = '1' }: Difference): string {
  const need = mergeNeeds(suites.flatMap((suite) => suite.needs())).find((one) => sameMachine(one.machine, machine));
  const built = (path: string) => JSON.stringify(`${packageRoot}/dist/${path}`);
  return `
import { createInterface } from 'node:readline';
import { compileContract } from ${built('reference/interpreter/contract.js')};
import { modelAdapter } from ${built('reference/model-target.js')};
import { loadContract } from ${built('spec/contract/load.js')};
import { parameterSetting } from ${built('spec/contract/setting.js')};
const data = loadContract();
const contract = compileContract(data, parameterSetting(data, ${JSON.stringify(profile)}));
const session = await modelAdapter(contract, ${JSON.stringify(version)}).start(${JSON.stringify(need)});
const ops = session.description.ops.filter((op) => op !== ${JSON.stringify(without ?? '')});
const faults = ${JSON.stringify(faults) ?? 'undefined'};
const say = (message) => console.log(JSON.stringify(message));
for await (const line of createInterface({ input: process.stdin })) {
  const { type, id, program } = JSON.parse(line);
  if (type === 'describe') say({ type: 'description', protocol: 1, ...session.description, ops, faults });
  else if (type === 'run') say({ type: 'result', id, ...session.run(program, {}) });
  else break;
}
`;
}
