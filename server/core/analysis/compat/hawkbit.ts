/**
 * Conditions of a deployment group in Eclipse hawkBit. Targets that never answer are in the total, so a group of silent
 * devices neither fails nor finishes. An expression that is no whole number from 0 to 100 never holds.
 */
const percentOf = (expression: string): number | null => (/^\d{1,3}$/.test(expression) && Number(expression) <= 100 ? Number(expression) : null);

/** More than the given percent of the group's targets failed. An empty group never fails. */
export function groupFails(errors: number, total: number, expression: string): boolean {
  const percent = percentOf(expression);
  return percent !== null && total > 0 && (errors / total) * 100 > percent;
}

/** At least the given percent of the group's targets finished. An empty group is finished. */
export function groupFinishes(finished: number, total: number, expression: string): boolean {
  const percent = percentOf(expression);
  return percent !== null && (total === 0 || (finished / total) * 100 >= percent);
}
