/**
 * The one place where a pilot's program reads its environment. A unit is told everything by the agent that
 * starts it (HOLDFAST_* and the manifest's own variables), so the programs take the result as an argument.
 */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment this process was started with. */
export function processEnvironment(): Environment {
  return process.env;
}

/** A variable that must be there; throws with its name when it is missing or empty. */
export function required(env: Environment, name: string): string {
  const value = env[name];
  if (value === undefined || value === "") throw new Error(`${name} is not set`);
  return value;
}

/** A number with a default and bounds; throws with the variable's name when it is outside them. */
export function numberFrom(env: Environment, name: string, fallback: number, min: number, max: number): number {
  const text = env[name];
  const value = text === undefined || text === "" ? fallback : Number(text);
  if (!(value >= min && value <= max)) throw new Error(`${name} must be a number from ${min} to ${max}, not "${text}"`);
  return value;
}
