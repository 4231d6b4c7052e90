"use client";

import { useState } from "react";
import { ChevronRight } from "lucide-react";
import { countText, Meter, shareText } from "@/components/chart";
import { Age, StateMark } from "@/components/state";
import { Button } from "@/components/ui/button";
import { cn } from "@/components/ui/cn";
import { Table, Td, Th, Tr } from "@/components/ui/table";
import type { VerdictView } from "@/server/core/views";
import { IntervalBar } from "./interval-bar";
import { againstWords, effectSentence, kindWord, list, marginOn, notWorseWords, progress, roleWord, sampleWord, type KindEvidence } from "./words";

type Sequential = NonNullable<VerdictView["sequential"]>;

/** What the anytime-valid judge knows, by kind of evidence, then by site: effect against its margin, sample, strength in words. */
export function SequentialEvidence({ verdict: s }: { verdict: Sequential }) {
  const kinds = s.kinds.filter((k) => k.role !== "off");
  return (
    <div className="flex flex-col">
      <dl className="grid grid-cols-[repeat(auto-fit,minmax(190px,1fr))] gap-x-6 gap-y-2 border-t px-3 py-2.5 text-sm">
        <Fact name="Evidence against the canary">
          <span className="flex items-center gap-2">
            <Meter value={progress(s.against, s.limit)} of={1} label={`Evidence against the canary: ${againstWords(s.against, s.limit)}`} className="w-16" />
            <span>{againstWords(s.against, s.limit)}</span>
          </span>
        </Fact>
        <Fact name="Rolled back at">a chance of 1 in {countText(s.limit)} to hit a good canary, however often one looks</Fact>
        <Fact name="Traffic at sites that report">{shareText(s.coverage)}</Fact>
        {s.guilty.length > 0 ? <Fact name="Sites named"><span className="font-medium text-failing">{list(s.guilty)}</span></Fact> : null}
      </dl>
      <KindTable kinds={kinds} verdict={s} label="Evidence by kind" />
      {s.sites.length > 0 ? <Sites verdict={s} /> : null}
    </div>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-xs text-muted-foreground">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function KindTable({ kinds, verdict, label }: { kinds: readonly KindEvidence[]; verdict: Sequential; label: string }) {
  return (
    <Table label={label} stacked>
      <thead>
        <tr>
          <Th>Evidence</Th>
          <Th>Canary against stable</Th>
          <Th numeric>Sample</Th>
          <Th>That it is worse</Th>
          <Th>That it is no worse</Th>
        </tr>
      </thead>
      <tbody>
        {kinds.map((k) => (
          <Tr key={k.kind}>
            <Td className="py-1.5">
              <div>
                <p className="font-medium">{kindWord[k.kind]}</p>
                <p className="text-xs text-muted-foreground">
                  {roleWord[k.role]}
                  {k.baseline === "history" ? "; against stable's history on the same machines" : ""}
                </p>
              </div>
            </Td>
            <Td label="Canary against stable" className="py-1.5">
              <div>
                <IntervalBar effect={k.effect} margin={marginOn(k.effect.scale, k.margin)} />
                <p className="text-xs text-muted-foreground">{effectSentence(k)}</p>
              </div>
            </Td>
            <Td label="Sample" numeric>
              {countText(k.sample.canary)} <span className="text-muted-foreground">/ {countText(k.sample.stable)} {sampleWord[k.kind]}</span>
            </Td>
            <Td label="That it is worse" className="py-1.5 text-xs">
              {againstWords(k.against, verdict.limit)}
            </Td>
            <Td label="That it is no worse" className="py-1.5 text-xs">
              <div>
                {notWorseWords(k.notWorse, verdict.promoteAt)}
                {k.missing && k.notWorse < 2 ? <p className="text-muted-foreground">{k.missing}</p> : null}
              </div>
            </Td>
          </Tr>
        ))}
      </tbody>
    </Table>
  );
}

/** A row per site, the guilty first, then the silent; each opens its kinds. */
function Sites({ verdict: s }: { verdict: Sequential }) {
  const [open, setOpen] = useState<string | null>(null);
  const sites = [...s.sites].sort((a, b) => Number(b.guilty) - Number(a.guilty) || Number(b.silentSinceMs !== null) - Number(a.silentSinceMs !== null) || b.against - a.against || b.reported.of - a.reported.of || a.site.localeCompare(b.site));
  return (
    <section aria-label="Evidence by site" className="border-t">
      <h3 className="px-3 pt-2.5 text-xs font-medium text-muted-foreground">By site</h3>
      <ul>
        {sites.map((site) => (
          <li key={site.site} className="border-b last:border-b-0">
            <div className="flex flex-wrap items-center gap-x-3 gap-y-0.5 px-3 py-1 text-sm">
              <Button variant="ghost" size="sm" className="-ml-2" aria-expanded={open === site.site} onClick={() => setOpen(open === site.site ? null : site.site)}>
                <ChevronRight className={cn("transition-transform duration-75", open === site.site && "rotate-90")} aria-hidden />
                <span className="font-medium">{site.site}</span>
              </Button>
              {site.guilty ? <StateMark state="failing" word="named: worse here" /> : null}
              {site.silentSinceMs !== null ? <StateMark state="silent" age={<Age at={site.silentSinceMs} className="min-w-0" />} /> : null}
              <span className="text-xs text-muted-foreground">{site.reported.of === 0 ? "" : site.against < 2 ? "nothing against it so far" : againstWords(site.against, s.limit)}</span>
              <span className="tnum ml-auto text-xs text-muted-foreground">
                {site.reported.of === 0 ? "no canary unit here" : `reported ${site.reported.minutes} of ${site.reported.of} min`}
              </span>
            </div>
            {open === site.site && site.reported.of === 0 ? <p className="px-3 pb-2 text-sm text-muted-foreground">No unit of the new revision had to report here yet: there is nothing to judge.</p> : null}
            {open === site.site && site.reported.of > 0 ? <KindTable kinds={site.kinds.filter((k) => k.role !== "off")} verdict={s} label={`Evidence at ${site.site}`} /> : null}
          </li>
        ))}
      </ul>
    </section>
  );
}
