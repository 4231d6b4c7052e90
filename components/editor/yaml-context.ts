/**
 * Where the cursor stands in a YAML text, found by indentation, so that it also works while the text does not parse.
 * `path` leads to the mapping (or list) that holds the cursor; list items are `[]`.
 */
export type YamlContext = {
  path: string[];
  /** A key is being written, or the value of `key`. */
  at: { kind: "key"; prefix: string } | { kind: "value"; key: string; prefix: string };
  /** Keys of the same mapping with their scalar values, for unions that are told apart by one. */
  siblings: Map<string, string>;
  /** Blanks before the key, for snippets. */
  column: number;
  /** `kind:` of the document the cursor is in. */
  documentKind: string | null;
};

type Token = { column: number; dash: boolean; key: string | null; value: string };

/** Finds the context at an offset; null inside comments and block scalars' first line. */
export function contextAt(text: string, offset: number): YamlContext | null {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  const head = before.slice(lineStart);
  if (/(^|\s)#/.test(head)) return null;
  const typed = /^(\s*)((?:-\s+)*)([\w.$/-]*)$/.exec(head);
  const valued = /^(\s*)((?:-\s+)*)([\w.$/-]+):\s+("?)([^"]*)$/.exec(head);
  const match = typed ?? valued;
  if (!match) return null;
  const column = (match[1]?.length ?? 0) + (match[2]?.length ?? 0);

  const all = text.split("\n");
  const lineNo = before.split("\n").length - 1;
  let first = lineNo;
  while (first > 0 && !isBreak(all[first - 1])) first -= 1;
  let end = lineNo;
  while (end + 1 < all.length && !isBreak(all[end + 1])) end += 1;

  // Tokens of the lines above, nearest first; the dashes of this line belong to them.
  const above: Token[] = dashes(head).reverse();
  for (let index = lineNo - 1; index >= first; index -= 1) above.push(...tokensOf(all[index] ?? "").reverse());

  const path: string[] = [];
  const siblings = new Map<string, string>();
  let need = column;
  let inItem = false;
  let sameMapping = true;
  for (const token of above) {
    if (token.dash) {
      if (token.column < need) {
        path.unshift("[]");
        need = token.column;
        inItem = true;
        sameMapping = false;
      }
    } else if (token.key !== null) {
      if (sameMapping && token.column === need) siblings.set(token.key, token.value);
      if (token.column < need || (inItem && token.column === need)) {
        path.unshift(token.key);
        need = token.column;
        inItem = false;
        sameMapping = false;
      }
    }
  }
  for (let index = lineNo + 1; index <= end; index += 1) {
    const tokens = tokensOf(all[index] ?? "");
    const lead = tokens[0];
    if (!lead) continue;
    if (lead.column < column) break;
    if (!lead.dash && lead.column === column && lead.key !== null) siblings.set(lead.key, lead.value);
    else if (lead.dash && lead.column === column) break;
  }
  const kind = all.slice(first, end + 1).map((line) => /^kind:\s*["']?([\w-]+)/.exec(line)?.[1]).find(Boolean) ?? null;
  return {
    path,
    at: typed ? { kind: "key", prefix: typed[3] ?? "" } : { kind: "value", key: valued?.[3] ?? "", prefix: valued?.[5] ?? "" },
    siblings,
    column,
    documentKind: kind,
  };
}

function isBreak(line: string | undefined): boolean {
  return line !== undefined && /^(---|\.\.\.)(\s|$)/.test(line);
}

function dashes(line: string): Token[] {
  return tokensOf(line).filter((token) => token.dash);
}

function tokensOf(line: string): Token[] {
  const tokens: Token[] = [];
  let rest = line;
  let column = 0;
  for (;;) {
    const blanks = /^\s*/.exec(rest)?.[0].length ?? 0;
    column += blanks;
    rest = rest.slice(blanks);
    if (rest === "" || rest.startsWith("#")) return tokens;
    if (/^-(\s|$)/.test(rest)) {
      tokens.push({ column, dash: true, key: null, value: "" });
      column += 1;
      rest = rest.slice(1);
      continue;
    }
    const key = /^["']?([\w.$/-]+)["']?:(?:\s+(.*))?$/.exec(rest);
    if (key) tokens.push({ column, dash: false, key: key[1] ?? "", value: (key[2] ?? "").replace(/^["']|["']$/g, "").trim() });
    return tokens;
  }
}
