/** A program that names what is not there, or does what the vocabulary forbids. */
export class MalformedProgram extends Error {
  override name = 'MalformedProgram';
}
