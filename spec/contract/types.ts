/** A named place that says what a rule says. */
export interface Source {
  id: string;
  title: string;
  where: string;
}

/**
 * What an operation gives back: a closed set. `value: result` is a number that the rule's effect has worked out.
 */
export type RuleOutcome =
  | { errno: string }
  | { value: number | 'result' }
  | { range: [number, number] }
  | { oneOf: RuleOutcome[] }
  | { fd: true }
  | { undefined: true };

/** One clause of the contract. */
export interface Rule {
  id: string;
  level: 'MUST' | 'SHOULD' | 'MAY' | 'DECISION';
  /** One plain sentence. */
  sentence: string;
  /** What the operation gives back when the rule decides. */
  outcome?: RuleOutcome;
  sources: { source: string; at: string }[];
  /** Kernel releases on which it was observed. */
  verified?: string[];
  note?: string;
}

/** Parameter -> value, or values, for which a step is there. */
export type When = Record<string, string | string[]>;

/** One step of a handler: exactly one of refuse, read, write, effect, case, return and each. */
export interface Step {
  /** If the rule's condition holds, its outcome ends the handler. */
  refuse?: string;
  /** Copies [from, from + length) of the argument from user memory; a fault gives the rule's outcome. */
  read?: string;
  /** Copies to user memory, to [from, from + length) of the argument if it is always the same; a fault gives the rule's outcome and undoes nothing. */
  write?: string;
  /** Changes the state. */
  effect?: string;
  /** If the rule's condition holds, changes the state and ends the handler with the rule's outcome; without one, ends the turn of `each` or skips the cases next to it. */
  case?: string;
  /** The handler's result. */
  return?: string;
  /** Runs `steps` for each of something. */
  each?: 'pages' | 'segments' | 'mappings' | 'accesses' | 'config_bytes';
  steps?: Step[];
  /** Bytes. */
  from?: number;
  /** Bytes. */
  length?: number;
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
  steps: Step[];
}

/** Something the contract leaves open, with a closed set of values. */
export interface Parameter {
  id: string;
  sentence: string;
  values: Record<string, string>;
}

/** A named setting of all parameters. */
export interface Profile {
  id: string;
  sentence: string;
  parameters: Record<string, string>;
}

/** Everything in a folder of contract data. */
export interface ContractData {
  rules: Map<string, Rule>;
  handlers: Handler[];
  parameters: Map<string, Parameter>;
  profiles: Map<string, Profile>;
  sources: Map<string, Source>;
}
