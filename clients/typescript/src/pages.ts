/** Lists, page by page. */

/** What one page is asked for. */
export interface PageQuery {
  limit: number;
  offset: number;
}

/**
 * The entries of a list on all pages, in its order.
 *
 * `fetchPage` asks for one page, `entries` names its member: `iterate((page) => unwrap(client.GET("/api/v2/dags",
 * { params: { query: page } })), "dags")`.
 */
export async function* iterate<Key extends string, Entry>(
  fetchPage: (page: PageQuery) => Promise<Record<Key, Entry[]> & { total_entries: number }>,
  entries: Key,
  pageSize = 100,
): AsyncGenerator<Entry, void, undefined> {
  for (let offset = 0; ; ) {
    const page = await fetchPage({ limit: pageSize, offset });
    yield* page[entries];
    offset += page[entries].length;
    if (page[entries].length === 0 || offset >= page.total_entries) {
      return;
    }
  }
}
