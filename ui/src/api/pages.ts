/** Most entries that the server gives in one answer. */
export const PAGE_MAX = 100;

/** A part of a list, as the server takes it. */
export interface Page {
  limit: number;
  offset: number;
}

/**
 * The first `limit` entries of a list, under their name in the answer: the server gives at most 100 at a time. All else
 * is that of the first answer.
 */
export async function firstOf<Name extends string, Answer extends Record<Name, readonly unknown[]>>(name: Name, limit: number, ask: (page: Page) => Promise<Answer>): Promise<Answer> {
  const answers: Answer[] = [];
  for (let offset = 0; offset < limit; offset += PAGE_MAX) {
    const size = Math.min(PAGE_MAX, limit - offset);
    const answer = await ask({ limit: size, offset });
    answers.push(answer);
    if (answer[name].length < size) break;
  }
  return { ...answers[0], [name]: once(answers.flatMap((answer) => answer[name])) } as Answer;
}

/** Each entry once: one that is added between two requests moves the last one of a page to the next page. */
const once = (entries: readonly unknown[]): unknown[] => (entries.length > PAGE_MAX ? [...new Map(entries.map((entry) => [JSON.stringify(entry), entry])).values()] : [...entries]);
