import type { SpecOutcome } from '../uapi/vocabulary.ts';

/** What an operation gives back: a closed set. */
export type RuleOutcome = SpecOutcome;

/** A named place that says what a rule says. */
export interface Source {
  id: string;
  title: string;
  where: string;
}

/** One clause of the contract. */
export interface Rule {
  id: string;
  level: 'MUST' | 'SHOULD' | 'MAY' | 'DECISION';
  /** One plain sentence. */
  sentence: string;
  /** What the operation gives back when the rule decides. */
  outcome?: RuleOutcome;
  /** Fields of the argument that it says the new contents of. */
  writes?: string[];
  /** Fields of the argument that its condition is about; a field of every ioctl that has the rule. */
  about?: string[];
  sources: { source: string; at: string }[];
  /** Kernel releases on which it was observed. */
  verified?: string[];
  note?: string;
  /**
   * The rule only takes away what may still be remembered. To see whether a trace depends on it, what would be remembered
   * without it is insisted on.
   */
  forgets?: true;
  /** Ids of the findings about the 2020 series that it states: L1, B3, ... */
  lineage?: string[];
}

/** Parameter -> value, or values, for which a step is there. */
export type When = Record<string, string | string[]>;

/** One of some words, and the rule that asks for it. */
export type Choice<Word extends string> = Partial<Record<Word, string>>;

/** One step of a handler: exactly one of refuse, read, write, effect, case, return, each and steps. */
export interface Step {
  /** If the rule's condition holds, its outcome ends the handler. */
  refuse?: string;
  /** Copies [from, from + length) of the argument from user memory; a fault gives the rule's outcome. */
  read?: string;
  /** Copies to user memory, to [from, from + length) of the argument, or elsewhere if there is no `from`; a fault gives the rule's outcome and undoes nothing but `on_fault`. */
  write?: string;
  /** Changes the state. */
  effect?: string;
  /** If the rule's condition holds, changes the state and ends the handler with the rule's outcome; without one, ends the turn of `each` or skips the cases next to it. */
  case?: string;
  /** The handler's result. */
  return?: string;
  /** Runs `steps` for each of something; without it they are run once. For `devices`, `table` takes their place. */
  each?: 'pages' | 'segments' | 'tagged_segments' | 'mappings' | 'accesses' | 'config_bytes' | 'caches' | 'devices';
  steps?: Step[];
  /** each devices: the handler that says what the IOMMU driver does for one device. */
  table?: string;
  /** each devices: what is left out after a device failed, and the rule that says so. */
  stop?: Choice<'group' | 'container' | 'none'>;
  /** each devices: which failure counts if several domains have one. */
  result?: Choice<'first' | 'last'>;
  /** each devices: what is undone after a failure. */
  undo?: Choice<'all' | 'done_reversed'>;
  /** each devices: the handler that undoes `table` for one device. */
  undo_table?: string;
  /** write: what is undone if it faults. */
  on_fault?: string;
  /** Bytes. */
  from?: number;
  /** Bytes. write: without it, as many as there are to write. */
  length?: number;
  /** write: where the bytes end that are written as well if argsz allows for them. */
  up_to?: number;
  /** read, refuse, each: a rule that must hold for the step to be taken. */
  if?: string;
  when?: When;
}

/** What one ioctl or op does: steps in the order in which an implementation must take them. */
export interface Handler {
  id: string;
  /** Name in uapi.yaml, or `unknown KIND`, or `elsewhere KIND`. */
  ioctl?: string;
  op?: string;
  /** Name of a table that `each: devices` uses. */
  table?: string;
  steps: Step[];
}

/** Something the contract leaves open, with a closed set of values. */
export interface Parameter {
  id: string;
  sentence: string;
  values: Record<string, string>;
  /** Value -> settings of other parameters that it stands for, unless they are set themselves. */
  implies?: Record<string, Record<string, string>>;
  /** Settings without which the parameter says nothing. */
  matters?: When;
  /** Value -> settings without which it is impossible. */
  needs?: Record<string, When>;
  /** The value that allows all that the others ask for, so that nobody can tell that they are kept. */
  permissive?: string;
  /** Ids of findings and ambiguities about the 2020 series that it is for: A1, P6, ... */
  lineage?: string[];
}

/** Something that was found about the series of 2020; rules and parameters state it. */
export interface Finding {
  id: string;
  sentence: string;
  /** Ids of the sources in which reviewers said so; absent: it was derived by reading the patches and the mails. */
  said?: string[];
}

/** What a contract for guest page tables must keep in every state. */
export interface Invariant {
  id: string;
  sentence: string;
  /** When it applies. */
  premise: string;
  /** Settings that promise it; without it, all do. */
  when?: When;
  sources: { source: string; at: string }[];
}

/** A named setting of all parameters. */
export interface Profile {
  id: string;
  sentence: string;
  /** Parameters that it leaves to what it is put on. */
  bases?: string[];
  parameters: Record<string, string>;
}

/** Everything in a folder of contract data. */
export interface ContractParts {
  rules: Map<string, Rule>;
  handlers: Handler[];
  parameters: Map<string, Parameter>;
  profiles: Map<string, Profile>;
  sources: Map<string, Source>;
  findings: Map<string, Finding>;
  invariants: Map<string, Invariant>;
}

/** A contract, and what tells it from any other. */
export interface ContractData extends ContractParts {
  /** SHA-256 of all that the YAML holds, in hexadecimal; comments and layout do not count. */
  hash: string;
}
