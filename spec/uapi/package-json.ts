import { readFileSync } from 'node:fs';
import { packageRoot } from './package-root.ts';

/** What this package says about itself. */
export const packageJson = JSON.parse(readFileSync(`${packageRoot}/package.json`, 'utf8')) as {
  name: string;
  version: string;
  license: string;
};
