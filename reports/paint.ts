/** What is marked in a report for people: a good, a bad, or an open end, and what has a name. */
export type Tone = 'good' | 'bad' | 'open' | 'name';

/** Marks words where they are printed, such as with a colour. */
export type Paint = (tone: Tone, text: string) => string;

/** For files, pipes and whatever else shows no colours. */
export const plain: Paint = (_, text) => text;
