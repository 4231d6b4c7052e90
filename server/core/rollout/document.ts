import { commandText, isFinal, peopleCommands, phaseLabel, rolloutCommands, rolloutLifecycle, rolloutPhases, type RolloutCommand } from "./lifecycle";

/** What moves a rollout when no person does, for the docs. */
const eventText: Record<Exclude<RolloutCommand, "pause" | "resume" | "promote" | "abort">, string> = {
  askApproval: "The next step is an approval gate, or an earlier consent no longer covers the plan.",
  approved: "Every gate on the way is approved for exactly this plan.",
  rejected: "An approver rejected the plan.",
  hold: "The evidence is not enough by the deadline, or the window has closed: a person has to decide.",
  release: "Evidence came after all, and it is good.",
  fail: "A limit is broken, or a unit does not become healthy in time.",
  settle: "Every unit in reach runs the previous revision again.",
  finish: "Every unit runs the new revision and is healthy.",
};

/** docs/states/rollout.md, from the table; `rollout/document.test.ts` holds the file to it. */
export function rolloutStatesDocument(): string {
  const people = new Set<string>(peopleCommands);
  const lines = [
    "# Phases of a rollout",
    "",
    "Made from the table in `server/core/rollout/lifecycle.ts`; to renew it: `npx tsx tools/states.ts`.",
    "",
    "| phase | shown as | by a person | by itself | ends |",
    "|---|---|---|---|---|",
    ...rolloutPhases.map((p) => {
      const row = Object.entries(rolloutLifecycle[p]);
      const cells = (mine: boolean): string => row.filter(([c]) => people.has(c) === mine).map(([c, to]) => `${c} → ${to}`).join(", ") || "–";
      return `| ${p} | ${phaseLabel[p]} | ${cells(true)} | ${cells(false)} | ${isFinal(p) ? "yes" : "no"} |`;
    }),
    "",
    "## Commands of people",
    "",
    ...peopleCommands.map((c) => `- **${c}**: ${commandText[c].consequence}`),
    "",
    "## What happens by itself",
    "",
    ...rolloutCommands.flatMap((c) => (c in eventText ? [`- **${c}**: ${eventText[c as keyof typeof eventText]}`] : [])),
    "",
  ];
  return lines.join("\n");
}
