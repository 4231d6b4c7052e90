"use client";

import { useState } from "react";
import { parseAsString, parseAsStringLiteral, useQueryStates } from "nuqs";
import { At, StateMark, Until, type State } from "@/components/state";
import { Choice } from "@/components/ui/choice";
import { CopyButton } from "@/components/ui/copy-button";
import { Button } from "@/components/ui/button";
import { NativeSelect } from "@/components/ui/input";
import { Section } from "@/components/ui/page";
import { Table, Td, Th, Tr } from "@/components/ui/table";
import type { RolloutDetail } from "@/server/core/views";
import { HoldOnRevision } from "./hold-on-revision";
import { cohorts, previewOf } from "./rollback-preview";
import { RolloutFrame } from "./rollout-frame";

type Proof = NonNullable<RolloutDetail["proof"]>;
type Row = Proof["rows"][number];
const FIRST = 100;
const look: Record<Row["state"], { state: State; word: string }> = {
  proven: { state: "healthy", word: "proven" },
  silentArmed: { state: "silent", word: "silent, but armed" },
  notProven: { state: "degraded", word: "not proven" },
};
const done: Record<string, string> = { switched: "switched to", kept: "kept", returned: "returned to", rolledBack: "went back to" };
const states = ["all", "notProven", "silentArmed", "proven"] as const;

/** The way back: what it would do or did, by cohort, with a receipt per target and the hold that keeps the revision out. */
export function RollbackPage({ number }: { number: number }) {
  return (
    <RolloutFrame number={number} part="rollback">
      {(r) => (
        <>
          <Preview rollout={r} />
          <HoldOnRevision workload={r.workload} generation={r.toGeneration} />
          {r.proof ? (
            <Receipts proof={r.proof} />
          ) : (
            <Section title="Receipts">
              <p className="max-w-[90ch] text-sm text-muted-foreground">
                No unit is on trial and none is on its way back. Each node signs what it did: that it switched, kept the new revision, or went back. The receipts stand here, target by target.
              </p>
            </Section>
          )}
        </>
      )}
    </RolloutFrame>
  );
}

/** Who goes back by site: what a rollback would touch now, or did. */
function Preview({ rollout: r }: { rollout: RolloutDetail }) {
  const preview = previewOf(r);
  return (
    <>
      <p className="max-w-[90ch] text-md font-medium">{preview.sentence}</p>
      <Section title="By site" hint={`Back means r${r.fromGeneration}`} flush>
        <Table label="Rollback by site" stacked>
          <thead>
            <tr>
              <Th>Site</Th>
              <Th numeric>On r{r.toGeneration} now</Th>
              <Th numeric>On r{r.fromGeneration} now</Th>
              <Th numeric>Other or unknown</Th>
              <Th numeric>Silent</Th>
              <Th>What follows</Th>
            </tr>
          </thead>
          <tbody>
            {cohorts(r).map((c) => (
              <Tr key={c.site}>
                <Td className="font-medium">{c.site}</Td>
                <Td label={`On r${r.toGeneration}`} numeric>{c.onNew}</Td>
                <Td label={`On r${r.fromGeneration}`} numeric>{c.onOld}</Td>
                <Td label="Other or unknown" numeric>{c.other}</Td>
                <Td label="Silent" numeric>{c.silent}</Td>
                <Td label="What follows" className="text-muted-foreground">
                  {c.words}
                  {c.returnAtMs !== null ? (
                    <>
                      {" "}
                      The last of them returns by itself at <At at={c.returnAtMs} />.
                    </>
                  ) : null}
                </Td>
              </Tr>
            ))}
          </tbody>
        </Table>
      </Section>
    </>
  );
}

function Receipts({ proof }: { proof: Proof }) {
  const [view, setView] = useQueryStates({ state: parseAsStringLiteral(states).withDefault("all"), site: parseAsString.withDefault("") }, { history: "replace" });
  const [whole, setWhole] = useState(false);
  const sites = [...new Set(proof.rows.map((r) => r.site))].sort();
  const rows = proof.rows.filter((r) => (view.state === "all" || r.state === view.state) && (view.site === "" || r.site === view.site));
  const shown = whole ? rows : rows.slice(0, FIRST);
  return (
    <>
      <Counts proof={proof} />
      <Section
        title="Receipts"
        hint="Signed by each node's own key, checked when they arrived"
        flush
        aside={
          <>
            <NativeSelect aria-label="Site" className="w-40 max-sm:w-28" value={view.site} onChange={(e) => void setView({ site: e.target.value || null })}>
              <option value="">All sites</option>
              {sites.map((s) => (
                <option key={s}>{s}</option>
              ))}
            </NativeSelect>
            <Choice label="Which targets" value={view.state} onChange={(state) => void setView({ state })} options={[{ value: "all", label: "All" }, { value: "notProven", label: "Not proven" }, { value: "silentArmed", label: "Silent" }, { value: "proven", label: "Proven" }]} />
          </>
        }
      >
        {rows.length === 0 ? (
          <p className="p-3 text-sm text-muted-foreground">No target stands like this{view.site ? ` at ${view.site}` : ""}.</p>
        ) : (
          <ReceiptTable rows={shown} />
        )}
        {rows.length > FIRST ? (
          <Button size="sm" variant="ghost" className="m-2" onClick={() => setWhole(!whole)}>
            {whole ? "Show fewer" : `Show ${rows.length - FIRST} more`}
          </Button>
        ) : null}
      </Section>
    </>
  );
}

/** How complete it is: three counts, and the sentence that says why. */
function Counts({ proof }: { proof: Proof }) {
  const counts = [
    { state: "proven", n: proof.proven },
    { state: "silentArmed", n: proof.silentArmed },
    { state: "notProven", n: proof.notProven },
  ] as const;
  return (
    <section aria-label="Completeness" className="flex flex-wrap items-end gap-x-8 gap-y-2">
      {counts.map((c) => (
        <p key={c.state} className="flex flex-col">
          <span className="tnum text-2xl font-semibold leading-tight">{c.n}</span>
          <StateMark {...look[c.state]} />
        </p>
      ))}
      <p className="max-w-[70ch] text-sm text-muted-foreground">{proof.sentence}</p>
    </section>
  );
}

function ReceiptTable({ rows }: { rows: readonly Row[] }) {
  return (
    <Table label="Receipts by target" stacked>
      <thead>
        <tr>
          <Th>Target</Th>
          <Th>Site</Th>
          <Th>Proof</Th>
          <Th>Should be</Th>
          <Th>Receipt</Th>
          <Th>Because</Th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <Tr key={`${row.unit}/${row.node}`}>
            <Td className="font-medium">
              {row.unit} <span className="font-normal text-muted-foreground">on {row.node}</span>
            </Td>
            <Td label="Site">{row.site}</Td>
            <Td label="Proof">
              <StateMark {...look[row.state]} />
            </Td>
            <Td label="Should be" className="tnum">r{row.expected}</Td>
            <Td label="Receipt" className="py-1.5">
              {row.receipt ? (
                <div>
                  <p className="tnum" title={`Receipt ${row.receipt.number} under the key ${row.receipt.key}`}>
                    {done[row.receipt.what] ?? row.receipt.what} r{row.receipt.generation}, {row.receipt.cause === "deadline" ? "by itself at its deadline" : "as ordered"}, <At at={row.receipt.atMs} />
                    {row.receipt.receivedAtMs - row.receipt.atMs > 60_000 ? (
                      <span className="text-muted-foreground">
                        , received <At at={row.receipt.receivedAtMs} />
                      </span>
                    ) : null}
                  </p>
                  <p className="flex min-w-0 items-center gap-1 text-xs text-muted-foreground">
                    <code className="max-w-52 truncate" title={row.receipt.digest}>{row.receipt.digest}</code>
                    <CopyButton text={row.receipt.digest} what={`the digest that ${row.node} runs`} />
                  </p>
                </div>
              ) : (
                <span className="text-muted-foreground">none yet</span>
              )}
            </Td>
            <Td label="Because" className="py-1.5 text-muted-foreground">
              <div>
                {row.because}
                {row.deadlineMs !== null ? (
                  <p>
                    Returns by itself: <Until at={row.deadlineMs} />
                  </p>
                ) : null}
              </div>
            </Td>
          </Tr>
        ))}
      </tbody>
    </Table>
  );
}
