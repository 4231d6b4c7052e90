"use client";

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { parseAsString, useQueryStates } from "nuqs";
import { useTRPC } from "@/app/_client/trpc";
import { useProject } from "@/components/shell/project-context";
import { At, StateMark } from "@/components/state";
import { NotLoaded } from "@/components/state/query-states";
import { Command } from "@/components/ui/copy-button";
import { NativeSelect } from "@/components/ui/input";
import { Section } from "@/components/ui/page";
import { Skeleton } from "@/components/ui/skeleton";
import { Table, Td, Th, Tr } from "@/components/ui/table";
import type { AnalysisHistory, RolloutDetail } from "@/server/core/views";
import { BandChart } from "./band-chart";
import { BundleDownload } from "./bundle-download";
import { RolloutFrame } from "./rollout-frame";
import { RevisionCharts } from "./revision-charts";
import { NoVerdict, Verdict } from "./verdict";
import { kindWord, list, verdictState, verdictWord } from "./words";

/** The evidence of a rollout: verdict first and large, each kind over time at each site, and what it was decided from, to recompute. */
export function AnalysisPage({ number }: { number: number }) {
  return <RolloutFrame number={number} part="analysis">{(r) => <Analysis rollout={r} />}</RolloutFrame>;
}

function Analysis({ rollout: r }: { rollout: RolloutDetail }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const [view, setView] = useQueryStates({ bundle: parseAsString, site: parseAsString.withDefault("") }, { history: "replace" });
  const history = useQuery({ ...trpc.rollouts.analysis.queryOptions({ project, number: r.number, ...(view.bundle ? { bundle: view.bundle } : {}) }), placeholderData: keepPreviousData });
  return (
    <>
      <Section title={r.final ? "Last verdict" : "Verdict"} hint={r.final ? "As it stood at the end" : r.verdict?.sequential ? "Always valid: looking often does not wear it out" : "Measured while it runs, also while it is paused"} flush>
        {r.verdict ? <Verdict verdict={r.verdict} ended={r.final} /> : <NoVerdict ended={r.final} />}
      </Section>
      {history.data ? (
        <>
          {history.data.series.length > 0 ? <Series history={history.data} site={view.site} onSite={(site) => void setView({ site: site || null })} /> : null}
          <Kept rollout={r} history={history.data} onChoose={(bundle) => void setView({ bundle })} />
        </>
      ) : history.isError ? (
        <NotLoaded title="What was decided so far could not be loaded" query={history} />
      ) : (
        <Skeleton className="h-40 w-full opacity-40" />
      )}
      <RevisionCharts workload={r.workload} />
    </>
  );
}

/** Each kind of evidence over time, at all sites together or at one. */
function Series({ history: h, site, onSite }: { history: AnalysisHistory; site: string; onSite: (site: string) => void }) {
  const sites = [...new Set(h.series.flatMap((s) => (s.site === null ? [] : [s.site])))].sort();
  const here = h.series.filter((s) => (s.site ?? "") === site);
  const shown = here.filter((s) => s.points.some((p) => p.value !== null));
  const without = here.filter((s) => !shown.includes(s)).map((s) => kindWord[s.kind].toLowerCase());
  return (
    <section aria-label="Evidence over time" className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-3">
        <h2 className="text-sm">Canary against stable, over time</h2>
        {h.of ? (
          <p className="text-xs text-muted-foreground">
            as judged at <At at={h.of.atMs} />; the band holds at all times at once
          </p>
        ) : null}
        <NativeSelect aria-label="Site of the charts" className="ml-auto w-44" value={site} onChange={(e) => onSite(e.target.value)}>
          <option value="">All sites together</option>
          {sites.map((s) => (
            <option key={s}>{s}</option>
          ))}
        </NativeSelect>
      </div>
      {without.length > 0 ? <p className="text-sm text-muted-foreground">No estimate {site ? `at ${site} ` : ""}yet of {list(without)}.</p> : null}
      <div className="grid gap-3 md:grid-cols-2 2xl:grid-cols-3">
        {shown.map((s) => (
          <BandChart key={`${s.site ?? ""} ${s.kind}`} series={s} />
        ))}
      </div>
    </section>
  );
}

/** The verdicts that decided something. Each names its inputs by digest; whoever has them can come to the same verdict. */
function Kept({ rollout: r, history: h, onChoose }: { rollout: RolloutDetail; history: AnalysisHistory; onChoose: (bundle: string) => void }) {
  return (
    <Section title="Verdicts that decided something" hint="Their inputs are kept by digest" flush>
      {h.kept.length === 0 ? (
        <p className="p-3 text-sm text-muted-foreground">None yet: a verdict is kept with its inputs when it moves, holds or ends the rollout.</p>
      ) : (
        <Table label="Verdicts that decided something" stacked>
          <thead>
            <tr>
              <Th>When</Th>
              <Th>Verdict</Th>
              <Th>Wave</Th>
              <Th>Because</Th>
              <Th>Inputs</Th>
            </tr>
          </thead>
          <tbody>
            {h.kept.map((k) => (
              <Tr key={`${k.bundleDigest}${k.atMs}`}>
                <Td className="whitespace-nowrap">
                  <At at={k.atMs} />
                </Td>
                <Td label="Verdict">
                  <StateMark state={verdictState[k.verdict]} word={verdictWord[k.verdict]} />
                </Td>
                <Td label="Wave">
                  {k.wave ?? "all"}, {k.template}
                </Td>
                <Td label="Because" className="py-1.5 text-muted-foreground">{k.sentence}</Td>
                <Td label="Inputs">
                  <BundleDownload number={r.number} digest={k.bundleDigest} shown={h.of?.bundleDigest === k.bundleDigest} onShow={h.kept.length > 1 ? () => onChoose(k.bundleDigest) : undefined} />
                </Td>
              </Tr>
            ))}
          </tbody>
        </Table>
      )}
      {h.kept.length > 0 ? (
        <div className="border-t p-3">
          <Command label="Recompute it offline, to the same digest" text={`holdfast rollout verdict --bundle FILE\nholdfast rollout verdict --rollout ${r.number}`} />
        </div>
      ) : null}
    </Section>
  );
}
