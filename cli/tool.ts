import { readFileSync } from 'node:fs';
import { packageJson } from '../spec/uapi/package-json.ts';
import { packageRoot } from '../spec/uapi/package-root.ts';
import { Problem } from '../spec/uapi/problem.ts';
import type { RecordTool } from '../spec/uapi/vocabulary.ts';

/** What this tool is, with the SHA-256 over its code that the build left. Throws a Problem if it was not built. */
export function tool(): RecordTool {
  const { name, version } = packageJson;
  try {
    return { name, version, hash: readFileSync(`${packageRoot}/dist/tool.sha256`, 'utf8').trim() };
  } catch {
    throw new Problem(`${packageRoot}/dist/tool.sha256: cannot be read; run npm run build.`);
  }
}
