import { Age } from "@/components/state";
import type { ApprovalView } from "@/server/core/views";

/** What the server calls the gate of one person who may approve. */
const ANYONE = "anyone who may approve";

/** Who has agreed, who else must, and who may not. */
export function WhoAgrees({ approval: a }: { approval: ApprovalView }) {
  if (a.decidedBy) {
    return (
      <>
        {a.decidedBy} {a.state}
        {a.remark ? `: ${a.remark}` : ""}
        <Groups approval={a} />
      </>
    );
  }
  if (a.groups.length === 0 || a.groups.every((g) => g.who === ANYONE && g.needed === 1)) return <>{a.state === "pending" ? `One person with the role approver or administrator, not ${a.author}.` : "Nobody answered."}</>;
  return (
    <>
      <Groups approval={a} />
      {a.stillNeeded ? (
        <p>
          <span className="font-medium">Still needed: {a.stillNeeded}</span>
          {a.stillNeeded.endsWith(".") ? "" : "."} Not {a.author}, who started it.
        </p>
      ) : null}
    </>
  );
}

function Groups({ approval: a }: { approval: ApprovalView }) {
  // Who has not agreed yet is named once, as still needed.
  const shown = a.groups.filter((g) => g.given.length > 0);
  if (shown.length === 0) return null;
  return (
    <ul className="flex flex-col gap-0.5">
      {shown.map((g) => (
        <li key={g.name}>
          {g.name}, {g.who}: <span className="tnum">{g.given.length} of {g.needed}</span>
          {g.given.map((one) => (
            <span key={`${one.by}${one.atMs}`} className="block text-muted-foreground">
              {one.by} agreed <Age at={one.atMs} suffix="ago" className="min-w-0" />
              {one.remark ? `: ${one.remark}` : ""}
            </span>
          ))}
        </li>
      ))}
    </ul>
  );
}
