import type { Setting } from '../../conformance/assess/divergence.ts';
import type { ContractData } from '../../spec/contract/types.ts';
import type { SettingOptions } from '../options/setting.ts';

/** What is explained by, and what the user asked for it to be. */
export interface Asking extends Setting {
  data: ContractData;
  options: SettingOptions;
  /** The profile, and what was set in it. */
  label: string;
}

/** A kind of thing that `explain` knows by name. */
export interface Subject {
  /** What it is called, with an article. */
  kind: string;
  /** All names by which things of this kind can be asked for. */
  names(data: ContractData): string[];
  /** Whether a name that is not among `names` stands for a thing of this kind all the same. */
  takes?(name: string): boolean;
  /** Whether the contract at a setting says something about a thing; where none does, any will do. */
  fits(setting: Setting, name: string): boolean;
  /** The text for people, without a line feed at its end. Throws a Problem for what cannot be. */
  explain(asking: Asking, name: string): string | Promise<string>;
}
