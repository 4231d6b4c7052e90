/** What the CLI touches of the outside, so that tests can run it in their own process. */
export type Io = {
  env: { HOLDFAST_SERVER?: string | undefined; HOLDFAST_TOKEN?: string | undefined; HOLDFAST_PROJECT?: string | undefined; XDG_CONFIG_HOME?: string | undefined; HOME?: string | undefined };
  version: string;
  out(text: string): void;
  err(text: string): void;
  /** All of standard input. */
  readInput(): Promise<string>;
  /** One line from the terminal, hidden if it is secret; null where there is no terminal to ask. */
  ask(question: string, secret: boolean): Promise<string | null>;
  sleep(ms: number): Promise<void>;
  nowMs(): number;
};

/** How a command ends: the exit codes of `holdfast`, documented in docs/cli.md. */
export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  refused: 3,
  notFound: 4,
  unreachable: 5,
  rolloutNotAsAsked: 6,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Ends a command with a code and, if there is something to say, a message on standard error. */
export class Ended extends Error {
  constructor(
    readonly code: ExitCode,
    message = "",
  ) {
    super(message);
  }
}
export const usage = (message: string): Ended => new Ended(exitCodes.usage, message);
