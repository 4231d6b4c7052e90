/**
 * Keeps rows where the reader sees them while a list changes underneath. `shown` is the order that was on screen when
 * the pointer came; `current` is how the list is now. Known rows stay in place with their new values, rows that are
 * gone keep their last value, rows that would have been pushed in between are held back and counted; rows behind the
 * last known one (a further page) are appended, for they move nothing.
 */
export function holdOrder<R>(shown: readonly R[], current: readonly R[], idOf: (row: R) => string): { rows: R[]; added: number; gone: number } {
  const now = new Map(current.map((row) => [idOf(row), row]));
  const known = new Set(shown.map(idOf));
  let gone = 0;
  const rows = shown.map((row) => {
    const fresh = now.get(idOf(row));
    if (fresh === undefined) gone += 1;
    return fresh ?? row;
  });
  let lastKnown = -1;
  current.forEach((row, index) => {
    if (known.has(idOf(row))) lastKnown = index;
  });
  let added = 0;
  current.forEach((row, index) => {
    if (known.has(idOf(row))) return;
    if (index > lastKnown) rows.push(row);
    else added += 1;
  });
  return { rows, added, gone };
}
