import { sourceText } from '../../reports/reference/contract-text.ts';
import type { ContractData, Rule } from '../../spec/contract/types.ts';

/** Numbers sources in the order in which they are cited. */
export class Citations {
  private readonly data: ContractData;
  private readonly texts: string[] = [];

  constructor(data: ContractData) {
    this.data = data;
  }

  /** The numbers of a rule's sources, as in `[1][2]`. */
  of({ sources }: Rule): string {
    return sources.map((source) => `[${this.number(sourceText(this.data, source))}]`).join('');
  }

  /** What was cited, a line each. */
  lines(): string[] {
    return this.texts.map((text, i) => `  [${i + 1}] ${text}`);
  }

  private number(text: string): number {
    if (!this.texts.includes(text)) this.texts.push(text);
    return this.texts.indexOf(text) + 1;
  }
}
