"use client";

import { useQuery } from "@tanstack/react-query";
import { useTRPC } from "@/app/_client/trpc";
import { ChangeList } from "@/components/diff";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { StateMark, type State } from "@/components/state";
import { Alert } from "@/components/ui/alert";
import { CopyButton } from "@/components/ui/copy-button";
import Link from "@/components/ui/link";
import { Section } from "@/components/ui/page";
import { Table, Td, Th, Tr } from "@/components/ui/table";
import { BlastRadius } from "./blast-radius";
import { wavesOfPreview, type RolloutPreview } from "./graph-waves";
import { WaveGraph } from "./wave-graph";
import { verdictState, verdictWord } from "./words";

/** So many units of a wave are named; of a larger one the rest is counted. */
const NAMED = 120;

/** A plan that has not begun: warnings, whom it reaches, its waves as a graph, how it would have judged before, every unit. */
export function ComposerPlan({ preview: p, strategy }: { preview: RolloutPreview; strategy: string }) {
  return (
    <>
      {p.warnings.filter((w) => !p.lint.some((f) => f.message === w)).map((w) => (
        <Alert key={w} tone="warning" title={w} />
      ))}
      <div className="grid gap-3 xl:grid-cols-2">
        {p.blastRadius ? (
          <Section title="Blast radius" hint="Whom it reaches when it ends">
            <BlastRadius radius={p.blastRadius} />
          </Section>
        ) : null}
        <Section title="What changes" flush>
          <ChangeList changes={p.changes} className="px-3" />
        </Section>
      </div>
      <WaveGraph waves={wavesOfPreview(p)} />
      {p.simulation ? <Simulation simulation={p.simulation} /> : null}
      {p.waves.map((w, i) => (
        <Section key={w.name} title={`${i + 1}. ${w.name}`} hint={w.steps.join(" · ")} aside={<span className="tnum">{w.targets.length} of {p.unitsTotal} units</span>}>
          {w.targets.length === 0 ? (
            <p className="text-sm text-muted-foreground">No unit runs where this wave selects.</p>
          ) : (
            <ul className="grid grid-cols-[repeat(auto-fill,minmax(200px,1fr))] gap-x-4 gap-y-1 text-sm">
              {w.targets.slice(0, NAMED).map((t) => (
                <li key={t.unit} className="flex min-w-0 items-center gap-2">
                  <StateMark state={t.state as State} word="" />
                  <span className="truncate">
                    {t.unit} <span className="text-muted-foreground">{t.site}</span>
                  </span>
                </li>
              ))}
              {w.targets.length > NAMED ? <li className="text-muted-foreground">and {w.targets.length - NAMED} more units</li> : null}
            </ul>
          )}
        </Section>
      ))}
      <StrategyManifest name={strategy} />
    </>
  );
}

/** How earlier rollouts would have ended under this plan's templates, from the evidence that was kept of them. */
function Simulation({ simulation: s }: { simulation: NonNullable<RolloutPreview["simulation"]> }) {
  const { project } = useProject();
  return (
    <Section title="Against earlier rollouts" hint="From the evidence that was kept of them" flush>
      <p className="px-3 pt-2.5 pb-1 text-sm">{s.sentence}</p>
      {s.rollouts.length > 0 ? (
        <Table label="Earlier rollouts under this plan" stacked>
          <thead>
            <tr>
              <Th>Rollout</Th>
              <Th>Ended</Th>
              <Th>Would have</Th>
              <Th>Because</Th>
            </tr>
          </thead>
          <tbody>
            {s.rollouts.map((r) => (
              <Tr key={r.number}>
                <Td>
                  <Link href={routes.rollout(project, r.number)} className="link tnum">
                    #{r.number}
                  </Link>
                </Td>
                <Td label="Ended">{r.ended}</Td>
                <Td label="Would have">
                  {r.wouldHave ? <StateMark state={verdictState[r.wouldHave]} word={verdictWord[r.wouldHave]} /> : <span className="text-muted-foreground">cannot be told</span>}
                  {r.agrees === false ? <span className="ml-2 text-degraded">otherwise than then</span> : null}
                </Td>
                <Td label="Because" className="py-1.5 text-muted-foreground">{r.sentence}</Td>
              </Tr>
            ))}
          </tbody>
        </Table>
      ) : null}
    </Section>
  );
}

/** The strategy's manifest: what the form stands for, to copy. */
function StrategyManifest({ name }: { name: string }) {
  const { project } = useProject();
  const trpc = useTRPC();
  const object = useQuery(trpc.manifests.object.queryOptions({ project, kind: "RolloutStrategy", name }));
  if (!object.data) return null;
  return (
    <Section title="The strategy's manifest" aside={<CopyButton text={object.data.manifestYaml} what="the manifest" />}>
      <pre className="max-h-80 overflow-auto text-xs leading-4.5" tabIndex={0} aria-label="Manifest of the strategy">
        {object.data.manifestYaml}
      </pre>
    </Section>
  );
}
