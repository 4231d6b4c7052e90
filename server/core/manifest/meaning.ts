/** A mistake that the schema can't see. `character` is an offset into the text at the path, when it is within one. */
export interface MeaningProblem {
  path: (string | number)[];
  message: string;
  remedy: string;
  character?: number;
}

/** A problem at every item whose key stood there before. */
export function duplicates<T>(items: readonly T[], key: (item: T) => string, path: (i: number) => (string | number)[], what: string): MeaningProblem[] {
  return items.flatMap((item, i) => (items.findIndex((other) => key(other) === key(item)) < i ? [{ path: path(i), message: `There are two: ${what} "${key(item)}".`, remedy: "Give one of them another name, or remove it." }] : []));
}
