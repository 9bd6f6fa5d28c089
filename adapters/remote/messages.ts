import { missingModel } from '../../spec/uapi/emulated-machine.ts';
import { complaint, validator } from '../../spec/uapi/validator.ts';
import type { DescriptionAnswer, ErrorAnswer, ResultAnswer } from '../../spec/uapi/vocabulary.ts';

/** What a daemon may say. */
export type Answer = DescriptionAnswer | ResultAnswer | ErrorAnswer;

const kinds: unknown[] = ['description', 'result', 'error'] satisfies Answer['type'][];

/**
 * Reads one line of a daemon. Throws an error whose message says, as a clause,
 * what is wrong with the line.
 */
export function parseAnswer(line: string): Answer {
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch {
    throw new Error(`it sent a line that is not JSON: ${excerpt(line)}`);
  }
  const type = message !== null && typeof message === 'object' && 'type' in message ? message.type : undefined;
  if (!kinds.includes(type)) {
    throw new Error(`it sent a message whose type is none of ${kinds.join(', ')}: ${excerpt(line)}`);
  }
  const valid = validator(`protocol.schema.json#/$defs/${type}`);
  const wrong = valid(message) ? contradiction(message as Answer) : complaint(valid);
  if (!wrong) return message as Answer;
  throw new Error(
    `it sent a ${type} that the protocol does not allow (${wrong.place} ${wrong.clause}): ${excerpt(line)}`,
  );
}

/** What the schema cannot state. */
function contradiction(answer: Answer): { place: string; clause: string } | undefined {
  const missing = answer.type === 'description' ? missingModel(answer.environment) : undefined;
  return missing && { ...missing, place: `/environment${missing.place}` };
}

function excerpt(line: string): string {
  return line.length > 120 ? `${line.slice(0, 120)}...` : line;
}
