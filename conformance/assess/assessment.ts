import type { Contract } from '../../reference/interpreter/contract.ts';
import { modelEnvironment } from '../../reference/model-target.ts';
import type { Loss, Need } from '../../spec/uapi/adapter.ts';
import { lackedFeatures } from '../../spec/uapi/lacked-features.ts';
import type {
  Environment,
  RecordCase,
  RecordFooter,
  RecordLoss,
  RecordMissing,
  ResultInconclusive,
  RunResult,
  Trace,
} from '../../spec/uapi/vocabulary.ts';
import type { RunCase } from '../running/run.ts';
import { namedRules, type Selection, selectedPrograms, selectedUnits } from '../running/selection.ts';
import { cannotInject, cannotPerform, noGroups } from '../running/starter.ts';
import { TransitionCoverage, type TransitionWatch } from '../suites/lifecycle/coverage.ts';
import { kindOfMachine } from '../suites/suite.ts';
import { Coverage, laterPrograms } from './coverage.ts';
import { type FailedCase, groupsOf } from './groups.ts';
import { Losses } from './losses.ts';
import { exitCode, Tally } from './tally.ts';
import { type CaseVerdict, decide } from './verdict.ts';

/** What is assessed: a target by a contract, with a part of the suites or with all of them. */
export interface AssessmentSubject {
  contract: Contract;
  profile: string;
  target: string;
  /** See decide(). */
  strict: boolean;
  selection: Selection;
  /** The rules that have to be reached: all, those that the selection names, or none where a part of that is left out. */
  answers: 'all' | 'named' | 'none';
  /** What was selected, in one sentence; undefined for everything. */
  selected?: string;
  /** Whether a loss of the target that nothing explains is to be put up with. */
  allowLosses?: boolean;
  /** What the user said of the environments, over what the target says of them. */
  environment?: Readonly<Record<string, unknown>>;
}

/** Why programs with faults are not run. */
const withoutFaults: ReadonlySet<string> = new Set([
  cannotPerform('inject'),
  ...(['allocation', 'copy', 'driver'] as const).map(cannotInject),
]);

/** A verdict, and the transitions that were seen while it was found. */
export type Judged = CaseVerdict & { watch?: TransitionWatch };

/** How a run, or the judging of a record, ended. */
export interface Ending {
  seconds: number;
  complete: boolean;
  /** Why the target could not go on. */
  lost?: string;
}

/** What came of it. */
export interface Assessed {
  result: RunResult;
  /** See exitCode(); a feature that the profile asks for and the target lacks makes it 1. */
  code: 0 | 1 | 3;
  footer: RecordFooter;
  /** The failing cases, each with its trace. */
  failed: readonly RecordCase[];
}

/**
 * Takes traces, from a target or from a record, and gives verdicts, counts, coverage and the exit code. What a run and the
 * judging of its record come to is the same because both are this.
 */
export class Assessment {
  private readonly subject: AssessmentSubject;
  private readonly tally = new Tally();
  private readonly coverage: Coverage;
  private readonly transitions: TransitionCoverage;
  private readonly failed: FailedCase[] = [];
  private readonly inconclusive: ResultInconclusive[] = [];
  private readonly losses = new Losses();
  private readonly units = new Set<string>();
  /** Suites that have programs for a machine that the target does not offer. */
  private readonly unoffered = new Set<string>();
  private targetVersion = '';

  constructor(subject: AssessmentSubject) {
    this.subject = subject;
    this.coverage = new Coverage(subject.contract);
    this.transitions = new TransitionCoverage(subject.contract);
  }

  /** How many programs were added so far. */
  get programs(): number {
    return this.tally.programs;
  }

  /** How many programs have failed so far. */
  get failures(): number {
    return this.failed.length;
  }

  /** A machine is there, and programs of some units are to run on it. */
  machine(environment: Environment, targetVersion: string, units: ReadonlySet<string>): void {
    this.targetVersion = targetVersion;
    for (const id of units) this.units.add(id);
    if (this.takesWholeUnits) this.transitions.expect(environment, units);
  }

  /** The target does not offer a machine: what its programs would have reached is excused. */
  missing(need: Need): RecordMissing {
    const { contract, selection } = this.subject;
    const environment = modelEnvironment(need);
    const why = need.machine.type1Module === false ? 'kernel configuration' : 'hardware';
    const units = new Set<string>();
    for (const suite of selection.suites) {
      for (const unit of selectedUnits(selection, suite, contract, environment)) {
        units.add(unit.id);
        this.unoffered.add(suite.name);
        for (const { program } of selectedPrograms(selection, suite, unit, contract, environment))
          this.coverage.excuse(program, environment, why);
      }
    }
    if (this.takesWholeUnits) this.transitions.expect(environment, units, 'the target does not offer the machine');
    return { kind: 'missing', machine: kindOfMachine(environment), need, why };
  }

  /** The target was lost, `seconds` after the run began; gives the line of the record. */
  loss(loss: Loss, seconds: number): RecordLoss {
    const line: RecordLoss = { kind: 'loss', ...loss, after: this.programs, seconds };
    this.losses.add(line);
    return line;
  }

  /** Judges what a target did; it counts only once it is added. */
  judge(trace: Trace, environment: Environment): Judged {
    const { contract, strict } = this.subject;
    const watch = this.transitions.watch(trace);
    return { ...decide(contract, environment, trace, strict, watch), ...(watch && { watch }) };
  }

  /** Adds a case that was judged, and gives the line of the record. */
  add({ suite, place, trace, attempts }: RunCase, judged: Judged, environment: Environment): RecordCase {
    const { judgement, verdict, reason, failure, either, watch } = judged;
    const one: RecordCase = {
      kind: 'case',
      suite,
      place,
      trace,
      ...(attempts && { attempts }),
      verdict,
      ...(reason && { reason }),
      ...(either && { either }),
      ...(failure && { failure }),
    };
    this.tally.add(one);
    this.losses.note(trace);
    if (verdict === 'inconclusive')
      this.inconclusive.push({ suite, program: trace.program.id, reason: reason ?? 'inconclusive' });
    this.coverage.note(judgement, environment, trace);
    if (watch) this.transitions.note(environment, trace, judged, watch);
    this.excuse(trace, environment);
    if (failure) {
      this.coverage.contradict(failure.signature.rule);
      this.failed.push({ one, environment });
    }
    return one;
  }

  /** Programs that could not be run for a permitted reason excuse what they would have reached. */
  private excuse({ detail, program }: Trace, environment: Environment): void {
    // A target without any group to work with has nothing to excuse itself with.
    const hasGroups = Object.values(environment.slots).some(({ viable }) => viable);
    if (detail === noGroups && hasGroups) this.coverage.excuse(program, environment, 'hardware');
    // Only a kernel that is built for it lets allocations fail, and none lets anything else fail.
    if (detail !== undefined && withoutFaults.has(detail))
      this.coverage.excuse(program, environment, 'kernel configuration');
  }

  private answered(): string[] {
    const { answers, contract, selection } = this.subject;
    switch (answers) {
      case 'all':
        return [...contract.rules];
      case 'named':
        return namedRules(selection);
      case 'none':
        return [];
      default:
        return answers satisfies never;
    }
  }

  /** Units are selected as a whole: of a stage all tours, so that its transitions have to be taken. */
  private get takesWholeUnits(): boolean {
    return this.subject.selection.only.every(({ kind }) => kind === 'suite' || kind === 'handlers');
  }

  /** Everything that came of it. */
  finish({ seconds, complete, lost }: Ending): Assessed {
    const { contract, profile, target, selected, allowLosses = false, environment } = this.subject;
    const { programs, ops, verdicts, features, retried } = this.tally;
    const rows = this.tally.rows(this.unoffered);
    const answered = this.answered();
    const { reached, unreached: all } = this.coverage.sweep(answered);
    // A run that was cut off does not answer for what its rest would have reached.
    const unreached = complete ? all : all.filter(({ why }) => !laterPrograms.has(why));
    const groups = groupsOf(contract, this.failed, this.coverage);
    const transitions = this.transitions.count();
    // What the profile asks for has to be there, and absent is nothing that single probes can be.
    const lacks = lackedFeatures({ features, parameters: contract.parameters }).length > 0;
    const losses = this.losses.explained();
    const unexplained = losses.filter(({ blamed }) => blamed === undefined).length;
    const conclusive = complete && (unexplained === 0 || allowLosses);
    const code = lacks ? 1 : exitCode(verdicts, conclusive, unreached);
    const rules = { total: answered.length, reached: reached.size, unreached };
    const result: RunResult = {
      conforms: code === 0,
      complete,
      target,
      targetVersion: this.targetVersion,
      profile,
      parameters: contract.parameters,
      ...(environment && { environment }),
      ...(selected !== undefined && { selected: `${selected}: ${this.units.size} units, ${programs} programs` }),
      programs,
      ops,
      seconds,
      verdicts,
      features,
      rules,
      ...(transitions && { transitions }),
      losses,
      inconclusive: this.inconclusive,
      rows,
      groups,
      failures: this.failed.map(({ one: { suite, trace, failure } }) => {
        const { signature, op, expected, actual, token } = failure!;
        return { rule: signature.rule, signature, suite, program: trace.program.id, op, expected, actual, token };
      }),
    };
    const witnesses = Object.fromEntries(
      [...reached].map(([rule, { environment, trace }]) => [
        rule,
        { machine: kindOfMachine(environment), program: trace.program.id },
      ]),
    );
    const footer: RecordFooter = {
      kind: 'footer',
      cases: programs,
      ops,
      verdicts,
      seconds,
      complete,
      ...(lost !== undefined && { lost }),
      ...(losses.length > 0 && { losses: { total: losses.length, unexplained } }),
      ...(retried > 0 && { retried }),
      rules,
      witnesses,
      ...(transitions && { transitions }),
      groups,
    };
    return { result, code, footer, failed: this.failed.map(({ one }) => one) };
  }
}
