/**
 * Something the user can mend: a malformed file, a wrong argument, a missing program.
 * The message is one sentence with place and remedy; commands print it and exit with 2.
 */
export class Problem extends Error {
  override name = 'Problem';
}
