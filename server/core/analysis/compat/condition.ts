/**
 * Success and failure conditions of Argo Rollouts' analysis templates: the part of the expression language (expr-lang)
 * that conditions over metric results need. Pure; whatever can't be evaluated is an error and never a truth value.
 */
export type ConditionValue = number | boolean | string | null | readonly ConditionValue[] | { readonly [key: string]: ConditionValue };

export type CompiledCondition = { ok: true; test: (result: ConditionValue) => boolean } | { ok: false; message: string; at: number };

/** What a condition can't do with a value; the measurement is then an error. */
export class ConditionError extends Error {}

interface Scope {
  result: ConditionValue;
  /** Element of an all(…), any(…), none(…) or one(…), written `#`. */
  element?: ConditionValue;
}
type Node = (scope: Scope) => ConditionValue;
interface Token {
  kind: "number" | "text" | "name" | "sign" | "end";
  text: string;
  at: number;
}
class SyntaxProblem extends Error {
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(message);
  }
}

const TOKEN = /\s*(?:(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|([A-Za-z_][A-Za-z0-9_]*)|(\|\||&&|==|!=|<=|>=|\*\*|\?\?|[-+*/%^<>!?:()[\]{},.#]))/y;

function tokens(text: string): Token[] {
  const out: Token[] = [];
  TOKEN.lastIndex = 0;
  let at = 0;
  while (text.slice(at).trim() !== "") {
    TOKEN.lastIndex = at;
    const m = TOKEN.exec(text);
    if (!m) throw new SyntaxProblem(`"${text.slice(at).trim().charAt(0)}" can't stand here`, at);
    const found = m[1] ?? m[2] ?? m[3] ?? m[4] ?? "";
    const kind = m[1] !== undefined ? "number" : m[2] !== undefined ? "text" : m[3] !== undefined ? "name" : "sign";
    at = TOKEN.lastIndex;
    out.push({ kind, text: found, at: at - found.length });
  }
  out.push({ kind: "end", text: "", at: text.length });
  return out;
}

/** Reads a condition; the message says what is wrong with it and where. */
export function compileCondition(text: string): CompiledCondition {
  try {
    const parser = new Parser(tokens(text));
    const root = parser.whole();
    return { ok: true, test: (result) => truth(root({ result }), "The condition") };
  } catch (e) {
    if (e instanceof SyntaxProblem) return { ok: false, message: e.message, at: e.at };
    throw e;
  }
}

/** Binding strength of binary operators; equal ones bind to the left. */
const STRENGTH: Record<string, number> = { "??": 1, "||": 2, or: 2, "&&": 3, and: 3, "==": 4, "!=": 4, "<": 5, "<=": 5, ">": 5, ">=": 5, in: 5, "+": 6, "-": 6, "*": 7, "/": 7, "%": 7, "**": 8, "^": 8 };

class Parser {
  private i = 0;
  constructor(private readonly list: Token[]) {}

  whole(): Node {
    const node = this.choice();
    const rest = this.peek();
    if (rest.kind !== "end") throw new SyntaxProblem(`"${rest.text}" is one too much`, rest.at);
    return node;
  }

  private peek(): Token {
    return this.list[this.i] ?? { kind: "end", text: "", at: 0 };
  }
  private take(): Token {
    const t = this.peek();
    this.i++;
    return t;
  }
  private accept(text: string): boolean {
    const t = this.peek();
    if (t.kind === "text" || t.text !== text) return false;
    this.i++;
    return true;
  }
  private expect(text: string): void {
    const t = this.peek();
    if (!this.accept(text)) throw new SyntaxProblem(t.kind === "end" ? `"${text}" is missing at the end` : `"${text}" is missing before "${t.text}"`, t.at);
  }

  private choice(): Node {
    const test = this.binary(0);
    if (!this.accept("?")) return test;
    const yes = this.choice();
    this.expect(":");
    const no = this.choice();
    return (s) => (truth(test(s), "What stands before ?") ? yes(s) : no(s));
  }

  private binary(least: number): Node {
    let left = this.unary();
    for (;;) {
      const t = this.peek();
      const negated = t.text === "not" && this.list[this.i + 1]?.text === "in";
      const operator = negated ? "in" : t.text;
      const strength = t.kind === "text" ? undefined : STRENGTH[operator];
      if (strength === undefined || strength <= least) return left;
      this.i += negated ? 2 : 1;
      const right = this.binary(operator === "**" || operator === "^" ? strength - 1 : strength);
      const apply = operation(operator, left, right);
      left = negated ? (s) => !truth(apply(s), "in") : apply;
    }
  }

  private unary(): Node {
    if (this.accept("!") || this.accept("not")) {
      const of = this.unary();
      return (s) => !truth(of(s), "What ! negates");
    }
    if (this.accept("-")) {
      const of = this.unary();
      return (s) => -number(of(s), "-");
    }
    if (this.accept("+")) return this.unary();
    return this.postfix(this.primary());
  }

  private postfix(start: Node): Node {
    let node = start;
    for (;;) {
      const of = node;
      if (this.accept("[")) {
        const index = this.choice();
        this.expect("]");
        node = (s) => element(of(s), index(s));
      } else if (this.accept(".")) {
        const field = this.take();
        if (field.kind !== "name") throw new SyntaxProblem("a field name is missing after the dot", field.at);
        node = (s) => element(of(s), field.text);
      } else return node;
    }
  }

  private primary(): Node {
    const t = this.take();
    if (t.kind === "number") return constant(Number(t.text));
    if (t.kind === "text") return constant(t.text.slice(1, -1).replace(/\\(.)/g, "$1"));
    if (t.text === "(") {
      const inner = this.choice();
      this.expect(")");
      return inner;
    }
    if (t.text === "[") return this.array();
    if (t.text === "#") return this.hash(t.at);
    if (t.kind === "name") return this.named(t);
    throw new SyntaxProblem(t.kind === "end" ? "it ends too early" : `"${t.text}" can't stand here`, t.at);
  }

  private array(): Node {
    const items = this.items("]");
    return (s) => items.map((item) => item(s));
  }

  private items(close: string): Node[] {
    const items: Node[] = [];
    if (this.accept(close)) return items;
    do items.push(this.choice());
    while (this.accept(","));
    this.expect(close);
    return items;
  }

  private inClosure = false;
  private hash(at: number): Node {
    if (!this.inClosure) throw new SyntaxProblem("# stands only inside all, any, none and one", at);
    return (s) => s.element ?? null;
  }

  private named(t: Token): Node {
    if (t.text === "true" || t.text === "false") return constant(t.text === "true");
    if (t.text === "nil" || t.text === "null") return constant(null);
    if (t.text === "result") return (s) => s.result;
    if (!this.accept("(")) throw new SyntaxProblem(`there is nothing called "${t.text}"; a condition is over "result"`, t.at);
    const quantifier = QUANTIFIERS[t.text];
    if (quantifier) return this.quantified(quantifier);
    const call = FUNCTIONS[t.text];
    if (!call) throw new SyntaxProblem(`there is no function "${t.text}"; there are ${[...Object.keys(FUNCTIONS), ...Object.keys(QUANTIFIERS)].join(", ")}`, t.at);
    const given = this.items(")");
    if (given.length !== call.arity) throw new SyntaxProblem(`${t.text} takes ${call.arity === 1 ? "one argument" : `${call.arity} arguments`}`, t.at);
    return (s) => call.apply(given.map((g) => g(s)));
  }

  private quantified(holds: (hits: number, of: number) => boolean): Node {
    const over = this.choice();
    this.expect(",");
    const braces = this.accept("{");
    const outer = this.inClosure;
    this.inClosure = true;
    const test = this.choice();
    this.inClosure = outer;
    if (braces) this.expect("}");
    this.expect(")");
    return (s) => {
      const items = over(s);
      if (!Array.isArray(items)) throw new ConditionError("all, any, none and one take a list");
      const hits = (items as readonly ConditionValue[]).filter((item) => truth(test({ ...s, element: item }), "What is asked of each element")).length;
      return holds(hits, items.length);
    };
  }
}

const QUANTIFIERS: Record<string, (hits: number, of: number) => boolean> = { all: (h, n) => h === n, any: (h) => h > 0, none: (h) => h === 0, one: (h) => h === 1 };
const FUNCTIONS: Record<string, { arity: number; apply: (given: ConditionValue[]) => ConditionValue }> = {
  len: { arity: 1, apply: ([v = null]) => length(v) },
  isNaN: { arity: 1, apply: ([v = null]) => Number.isNaN(number(v, "isNaN")) },
  isInf: { arity: 1, apply: ([v = null]) => Math.abs(number(v, "isInf")) === Infinity },
  isNil: { arity: 1, apply: ([v = null]) => v === null },
  asInt: { arity: 1, apply: ([v = null]) => Math.trunc(parsed(v, "asInt", /^[+-]?\d+$/)) },
  asFloat: { arity: 1, apply: ([v = null]) => parsed(v, "asFloat", /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^[+-]?(inf|infinity)$|^nan$/i) },
  default: { arity: 2, apply: ([v = null, otherwise = null]) => (v === null ? otherwise : v) },
};

function parsed(v: ConditionValue, name: string, form: RegExp): number {
  if (typeof v === "number") return v;
  if (typeof v === "string" && form.test(v)) return /nan/i.test(v) ? NaN : /inf/i.test(v) ? (v.startsWith("-") ? -Infinity : Infinity) : Number(v);
  throw new ConditionError(`${name} can't read ${shown(v)}`);
}

const constant = (v: ConditionValue): Node => () => v;
const shown = (v: ConditionValue): string => (v === null ? "no value" : JSON.stringify(v));

function truth(v: ConditionValue, what: string): boolean {
  if (typeof v === "boolean") return v;
  throw new ConditionError(`${what} is ${shown(v)}, and should be true or false`);
}
function number(v: ConditionValue, what: string): number {
  if (typeof v === "number") return v;
  throw new ConditionError(`${what} needs a number, and there is ${shown(v)}`);
}
function length(v: ConditionValue): number {
  if (typeof v === "string" || Array.isArray(v)) return v.length;
  if (typeof v === "object" && v !== null) return Object.keys(v).length;
  throw new ConditionError(`${shown(v)} has no length`);
}
function element(of: ConditionValue, index: ConditionValue): ConditionValue {
  if (Array.isArray(of) && typeof index === "number") {
    const found = (of as readonly ConditionValue[]).at(Math.trunc(index));
    if (found === undefined) throw new ConditionError(of.length === 0 ? "the result is empty: there is no data" : `the result has ${of.length} elements and none at ${index}`);
    return found;
  }
  if (typeof of === "object" && of !== null && !Array.isArray(of) && typeof index === "string") return (of as Record<string, ConditionValue>)[index] ?? null;
  throw new ConditionError(of === null ? "there is no result" : `${shown(of)} has no element ${shown(index)}`);
}

function equal(a: ConditionValue, b: ConditionValue): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((x, i) => equal(x as ConditionValue, (b as readonly ConditionValue[])[i] ?? null));
  return a === b;
}

function operation(operator: string, left: Node, right: Node): Node {
  const numbers = (f: (a: number, b: number) => ConditionValue): Node => (s) => f(number(left(s), operator), number(right(s), operator));
  const compared = (f: (a: number | string, b: number | string) => boolean): Node => (s) => {
    const a = left(s);
    const b = right(s);
    if (typeof a === "string" && typeof b === "string") return f(a, b);
    return f(number(a, operator), number(b, operator));
  };
  switch (operator) {
    case "||": case "or": return (s) => truth(left(s), operator) || truth(right(s), operator);
    case "&&": case "and": return (s) => truth(left(s), operator) && truth(right(s), operator);
    case "??": return (s) => left(s) ?? right(s);
    case "==": return (s) => equal(left(s), right(s));
    case "!=": return (s) => !equal(left(s), right(s));
    case "<": return compared((a, b) => a < b);
    case "<=": return compared((a, b) => a <= b);
    case ">": return compared((a, b) => a > b);
    case ">=": return compared((a, b) => a >= b);
    case "in": return (s) => contains(right(s), left(s));
    case "+": return (s) => added(left(s), right(s));
    case "-": return numbers((a, b) => a - b);
    case "*": return numbers((a, b) => a * b);
    case "/": return numbers((a, b) => a / b);
    case "%": return numbers((a, b) => a % b);
    default: return numbers((a, b) => a ** b);
  }
}

function contains(where: ConditionValue, what: ConditionValue): boolean {
  if (Array.isArray(where)) return (where as readonly ConditionValue[]).some((x) => equal(x, what));
  if (typeof where === "object" && where !== null && typeof what === "string") return Object.hasOwn(where, what);
  throw new ConditionError(`in needs a list, and there is ${shown(where)}`);
}
function added(a: ConditionValue, b: ConditionValue): ConditionValue {
  if (typeof a === "string" && typeof b === "string") return a + b;
  return number(a, "+") + number(b, "+");
}
