/**
 * The typed filter of lists: words and terms like `state:silent site:kiel -kind:edge camera`. Terms of the same field
 * are alternatives; different fields and words must all hold; a leading minus excludes.
 */
export type FilterTerm = { field: string; value: string; not: boolean };
export type Filter = { terms: FilterTerm[]; text: string[] };

/** Reads the text of a filter. It never fails: what is not a term of a known field is a word to search for. */
export function parseFilter(source: string, fields: readonly string[]): Filter {
  const filter: Filter = { terms: [], text: [] };
  for (const token of tokens(source)) {
    const match = /^(-?)([A-Za-z][\w.-]*):(.*)$/s.exec(token.text);
    const field = match?.[2]?.toLowerCase();
    if (match && field && fields.includes(field)) {
      const value = unquote(match[3] ?? "");
      if (value !== "") filter.terms.push({ field, value, not: match[1] === "-" });
    } else {
      const word = unquote(token.text);
      if (word !== "") filter.text.push(word);
    }
  }
  return filter;
}

/** The token under the cursor with its place in the text; completion replaces it. */
export function tokenAt(source: string, cursor: number): { text: string; from: number; to: number } {
  for (const token of tokens(source)) {
    if (cursor >= token.from && cursor <= token.to) return token;
  }
  return { text: "", from: cursor, to: cursor };
}

/** Puts a value into term form, quoted where it has blanks. */
export function termText(field: string, value: string, not = false): string {
  return `${not ? "-" : ""}${field}:${/[\s"]/.test(value) ? `"${value.replaceAll('"', "")}"` : value}`;
}

/** Adds a term to a filter's text, or takes it out if it is there. */
export function toggleTerm(source: string, field: string, value: string): string {
  const wanted = termText(field, value);
  const all = [...tokens(source)].map((token) => token.text);
  return (all.includes(wanted) ? all.filter((text) => text !== wanted) : [...all, wanted]).join(" ");
}

/** True if a filter's text holds this term. */
export function hasTerm(source: string, field: string, value: string): boolean {
  const wanted = termText(field, value);
  for (const token of tokens(source)) if (token.text === wanted) return true;
  return false;
}

/**
 * Tells whether a row passes. `read` gives the row's values for a field (several for labels); words are searched for
 * in `haystack`. For lists that are whole in the browser; lists by pages are filtered on the server.
 */
export function passes<R>(filter: Filter, row: R, read: (row: R, field: string) => readonly string[], haystack: (row: R) => string): boolean {
  const byField = new Map<string, FilterTerm[]>();
  for (const term of filter.terms) byField.set(term.field, [...(byField.get(term.field) ?? []), term]);
  for (const [field, terms] of byField) {
    const values = read(row, field).map((value) => value.toLowerCase());
    const has = (term: FilterTerm) => values.includes(term.value.toLowerCase());
    if (terms.some((term) => term.not && has(term))) return false;
    const wanted = terms.filter((term) => !term.not);
    if (wanted.length > 0 && !wanted.some(has)) return false;
  }
  const hay = filter.text.length > 0 ? haystack(row).toLowerCase() : "";
  return filter.text.every((word) => hay.includes(word.toLowerCase()));
}

function* tokens(source: string): Generator<{ text: string; from: number; to: number }> {
  // A token is a run without blanks, in which quoted parts may hold blanks.
  const pattern = /(?:"[^"]*"?|[^\s"])+/g;
  for (const match of source.matchAll(pattern)) {
    yield { text: match[0], from: match.index, to: match.index + match[0].length };
  }
}

function unquote(text: string): string {
  return text.replaceAll('"', "");
}
