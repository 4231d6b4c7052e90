import type { Change } from "./use-preview";

export const questions = ["drainSite", "drainNode", "loseSite", "loseNode", "loseLink", "price"] as const;
export type Question = (typeof questions)[number];
export const questionWord: Record<Question, string> = {
  drainSite: "a site is drained",
  drainNode: "a node is drained",
  loseSite: "a site is lost for good",
  loseNode: "a node is lost for good",
  loseLink: "a link of a site is lost",
  price: "prices of a site change",
};
export type Asked = { do: Question; site: string; to: string; node: string; cpu: number | null; memory: number | null; egress: number | null };

/** The change that a form asks about, or what is missing to ask. */
export function changeOf(a: Asked): { change: Change | null; missing: string | null } {
  const missing = (what: string) => ({ change: null, missing: what });
  switch (a.do) {
    case "drainSite":
    case "loseSite":
      return a.site ? { change: { [a.do]: a.site }, missing: null } : missing("Choose a site.");
    case "drainNode":
    case "loseNode":
      return a.node.trim() ? { change: { [a.do]: a.node.trim() }, missing: null } : missing("Name a node.");
    case "loseLink":
      return a.site && a.to ? { change: { loseLink: { a: a.site, b: a.to } }, missing: null } : missing("Choose the two sites of a link.");
    case "price":
      if (!a.site) return missing("Choose a site.");
      if (a.cpu === null && a.memory === null && a.egress === null) return missing("Say what a core or a GiB would cost.");
      return { change: { price: { site: a.site, ...(a.cpu === null ? {} : { cpuHour: a.cpu }), ...(a.memory === null ? {} : { memoryGiBHour: a.memory }), ...(a.egress === null ? {} : { egressGiB: a.egress }) } }, missing: null };
  }
}

/** The same question at the command line. */
export function commandOf(c: Change, project: string): string {
  const parts = [
    c.drainSite === undefined ? "" : `--drain-site ${c.drainSite}`,
    c.drainNode === undefined ? "" : `--drain-node ${c.drainNode}`,
    c.loseSite === undefined ? "" : `--lose-site ${c.loseSite}`,
    c.loseNode === undefined ? "" : `--lose-node ${c.loseNode}`,
    c.loseLink === undefined ? "" : `--lose-link ${c.loseLink.a}:${c.loseLink.b}`,
    c.price === undefined ? "" : `--price-site ${c.price.site}${c.price.cpuHour === undefined ? "" : ` --cpu-hour ${c.price.cpuHour}`}${c.price.memoryGiBHour === undefined ? "" : ` --memory-hour ${c.price.memoryGiBHour}`}${c.price.egressGiB === undefined ? "" : ` --egress ${c.price.egressGiB}`}`,
  ].filter(Boolean);
  return `holdfast preview ${parts.join(" ")} --project ${project}`;
}
