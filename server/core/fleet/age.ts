/** An age in words for sentences: "just now", "40 s", "3 min", "2 h", "5 d". Rounds down, so that it never overstates. */
export function ageText(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1_000));
  if (s < 1) return "less than 1 s";
  if (s < 60) return `${s} s`;
  if (s < 3_600) return `${Math.floor(s / 60)} min`;
  if (s < 86_400) return `${Math.floor(s / 3_600)} h`;
  return `${Math.floor(s / 86_400)} d`;
}

/** "1 node", "3 nodes". */
export const counted = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;
