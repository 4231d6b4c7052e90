/**
 * One field of a CSV file (RFC 4180) that no spreadsheet takes for a formula: a text that begins with `=`, `+`, `-`, `@`,
 * a tab or a line break gets an apostrophe in front (OWASP, "CSV Injection"), also when blanks stand before it.
 */
export function csvField(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const safe = /^\s*[=+\-@\t\r\n＝＋－＠]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** One line, with the line end that RFC 4180 asks for. */
export const csvLine = (fields: readonly (string | number | null)[]): string => `${fields.map(csvField).join(",")}\r\n`;
