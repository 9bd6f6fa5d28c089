import type {
  SpecDocument,
  SpecFinding,
  SpecHandler,
  SpecInvariant,
  SpecOutcome,
  SpecParameter,
  SpecProfile,
  SpecRule,
  SpecSource,
  SpecStep,
  SpecWhen,
} from '../uapi/vocabulary.ts';

// What a contract consists of, as the schema of the spec document has it.
export type Source = SpecSource;
export type RuleOutcome = SpecOutcome;
export type Rule = SpecRule;
export type When = SpecWhen;
export type Step = SpecStep;
export type Handler = SpecHandler;
export type Parameter = SpecParameter;
export type Finding = SpecFinding;
export type Invariant = SpecInvariant;

/** A named setting of all parameters. */
export type Profile = Omit<SpecProfile, 'handlers'>;

type Listed = Pick<SpecDocument, 'rules' | 'parameters' | 'sources' | 'findings' | 'invariants'>;

/** Everything in a folder of contract data: what has an id by it, handlers in the order of the files. */
export type ContractParts = { [Part in keyof Listed]: Map<string, Listed[Part][number]> } & {
  handlers: Handler[];
  profiles: Map<string, Profile>;
};

/** A contract, and what tells it from any other. */
export type ContractData = ContractParts & {
  /** SHA-256 of all that the YAML holds, in hexadecimal; comments and layout do not count. */
  hash: string;
};
