import { type Assessed, Assessment, type AssessmentSubject, type Judged } from '../conformance/assess/assessment.ts';
import { type Listener, type Plan, run } from '../conformance/running/run.ts';
import { FORMAT, type RecordFile } from '../reports/record-file.ts';
import type { Adapter } from '../spec/uapi/adapter.ts';
import type { RecordCase, RecordHeader, RecordSelection } from '../spec/uapi/vocabulary.ts';
import { machineLine } from './machine-line.ts';
import { tool } from './tool.ts';

/** What is run, judged and kept. */
export interface AssessedPlan
  extends AssessmentSubject,
    Pick<Plan, 'cases' | 'shard' | 'milliseconds' | 'maxLosses' | 'signal'> {
  adapter: Adapter;
  /** Whether a machine that the target does not offer leaves the run incomplete. */
  needsEveryMachine?: true;
  /** What the target was given beside its name. */
  options: Record<string, string>;
  seed: number;
  /** What was selected, as the record keeps it. */
  recorded: RecordSelection;
  record?: RecordFile;
}

/** What a run reports while it goes on; a case comes as the line of the record. */
export interface AssessedListener extends Omit<Listener<Judged>, 'onCase'> {
  onCase?(line: RecordCase, failures: number): void;
}

/** What came of a run, also of one that could not go on. */
export interface AssessedEnd extends Assessed {
  complete: boolean;
  /** How many cases were judged. */
  programs: number;
  /** Why it could not go on: the target was lost, or the record could not be written. */
  error?: unknown;
}

/** Runs, judges, and keeps a record, whatever happens on the way: what was judged before something failed is not lost with it. */
export async function assessedRun(plan: AssessedPlan, listener: AssessedListener): Promise<AssessedEnd> {
  const { adapter, record, contract, selection } = plan;
  const assessment = new Assessment({ ...plan, target: adapter.target });
  const started = Date.now();
  const seconds = () => (Date.now() - started) / 1000;
  let error: unknown;
  let complete = false;
  let missing = 0;
  try {
    record?.write(headerOf(plan));
    const end = await run(
      {
        contract,
        adapter,
        ...selection,
        ...{ cases: plan.cases, shard: plan.shard, milliseconds: plan.milliseconds, maxLosses: plan.maxLosses },
        judge: (trace, environment) => assessment.judge(trace, environment),
        signal: plan.signal,
      },
      {
        ...listener,
        onSession(description, cases) {
          const { environment, name, version } = description;
          const targetVersion = `${name} ${version}`;
          assessment.machine(environment, targetVersion, new Set(cases.map(({ place }) => place.unit)));
          record?.write(machineLine(environment, targetVersion, cases));
          listener.onSession?.(description, cases);
        },
        onMissing(need, why) {
          const line = assessment.missing(need);
          record?.write(line);
          missing++;
          listener.onMissing?.(need, why);
        },
        onLoss(loss) {
          const line = assessment.loss(loss, seconds());
          record?.write(line);
          listener.onLoss?.(loss);
        },
        onCase(one, judged, environment) {
          const line = assessment.add(one, judged, environment);
          record?.write(line);
          listener.onCase?.(line, assessment.failures);
        },
      },
    );
    complete = end.complete && !(plan.needsEveryMachine && missing > 0);
  } catch (thrown) {
    error = thrown;
  }
  const lost = error === undefined ? undefined : error instanceof Error ? error.message : String(error);
  const assessed = assessment.finish({ seconds: seconds(), complete, lost });
  try {
    record?.write(assessed.footer);
  } catch (thrown) {
    error ??= thrown;
  }
  record?.close();
  return { ...assessed, complete, programs: assessment.programs, ...(error !== undefined && { error }) };
}

/** The first line of the record. */
function headerOf(plan: AssessedPlan): RecordHeader {
  const { contract, target, options, profile, strict, seed, environment, allowLosses, recorded } = plan;
  return {
    kind: 'header',
    format: FORMAT,
    tool: tool(),
    contract: contract.data.hash,
    target,
    options,
    profile,
    parameters: contract.parameters,
    strict,
    seed,
    ...(environment && { environment }),
    ...(allowLosses && { allowLosses: true }),
    selection: recorded,
  };
}
