import type { FieldError } from "../base/refusal";

export const PASSWORD_MIN = 12;
export const PASSWORD_MAX = 200;

/** Passwords that everybody tries first; compared without case, after trailing digits and signs are cut off. */
const common = new Set(["password", "passwort", "letmein", "administrator", "admin", "holdfast", "welcome", "qwertyuiop", "qwerty", "changeme", "iloveyou", "abcdefghijkl"]);

/**
 * What is wrong with a new password, or null. Length counts more than kinds of characters (NIST SP 800-63B, section
 * 5.1.1.2: at least 8, no composition rules, compare with common values); Holdfast asks for 12, because it is often
 * the only factor.
 */
export function passwordFault(password: string, login: string, path: string): FieldError | null {
  const fault = (message: string): FieldError => ({ path, message, remedy: `Choose at least ${PASSWORD_MIN} characters that are not your login and not a common password; a sentence is good.` });
  if (password.length < PASSWORD_MIN) return fault(`It has ${password.length} characters and needs at least ${PASSWORD_MIN}.`);
  if (password.length > PASSWORD_MAX) return fault(`It has more than ${PASSWORD_MAX} characters.`);
  const plain = password.toLowerCase();
  if (login.length >= 3 && plain.includes(login.toLowerCase())) return fault("It contains the login.");
  if (common.has(plain.replace(/[\d\W_]+$/, ""))) return fault("It is a common password.");
  if (new Set(plain).size < 5) return fault("It repeats the same few characters.");
  return null;
}
