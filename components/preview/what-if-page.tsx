"use client";

import { useState } from "react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { parseAsFloat, parseAsString, parseAsStringLiteral, useQueryStates } from "nuqs";
import { explain } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { useDebounced } from "@/components/shell/use-debounced";
import { Command } from "@/components/ui/copy-button";
import { Input, NativeSelect } from "@/components/ui/input";
import { Field } from "@/components/ui/label";
import { PageBody, PageHead, Section } from "@/components/ui/page";
import { PreviewSection } from "./preview-panel";
import { usePreview } from "./use-preview";
import { changeOf, commandOf, questions, questionWord, type Question } from "./what-if";

/** What a change to the fleet itself would do: a drain, a loss, other prices. It only asks; nothing can be done from here. */
export function WhatIfPage() {
  const { project } = useProject();
  const trpc = useTRPC();
  const [asked, setAsked] = useQueryStates(
    { do: parseAsStringLiteral(questions).withDefault("drainSite"), site: parseAsString.withDefault(""), to: parseAsString.withDefault(""), node: parseAsString.withDefault(""), cpu: parseAsFloat, memory: parseAsFloat, egress: parseAsFloat },
    { history: "replace" },
  );
  const sites = useQuery(trpc.fleet.sites.queryOptions({ project }));
  const wantsLink = asked.do === "loseLink";
  const site = useQuery({ ...trpc.fleet.site.queryOptions({ project, name: asked.site }), enabled: (wantsLink || asked.do === "price") && asked.site !== "" });
  const wantsNode = asked.do === "drainNode" || asked.do === "loseNode";
  const q = useDebounced(asked.node.trim(), 150);
  const nodes = useQuery({ ...trpc.fleet.nodes.queryOptions({ project, limit: 20, ...(q ? { q } : {}) }), enabled: wantsNode, placeholderData: keepPreviousData });
  const rates = site.data?.name === asked.site ? site.data.rates : null;
  const { change, missing } = changeOf(asked);
  const preview = usePreview(change);
  const names = withChosen(sites.data?.map((s) => ({ name: s.name, title: s.title })) ?? [], asked.site);
  const ends = withChosen((site.data?.links ?? []).map((l) => (l.siteA === asked.site ? l.siteB : l.siteA)).map((name) => ({ name, title: sites.data?.find((s) => s.name === name)?.title ?? name })), asked.to);
  return (
    <>
      <PageHead title="What if" purpose="What a change to the fleet would do to its units, asked of the scheduler itself. Nothing is written." trail={[{ label: "Fleet", href: routes.fleet(project) }]} />
      <PageBody>
        <Section title="The question">
          <form className="grid grid-cols-[repeat(auto-fill,minmax(210px,1fr))] items-start gap-3" onSubmit={(e) => e.preventDefault()}>
            <Field label="What if">
              <NativeSelect value={asked.do} onChange={(e) => void setAsked({ do: e.target.value as Question })}>
                {questions.map((q) => (
                  <option key={q} value={q}>
                    {questionWord[q]}
                  </option>
                ))}
              </NativeSelect>
            </Field>
            {wantsNode ? (
              <>
                <Field label="Node">
                  <Input value={asked.node} list="nodes-offered" placeholder="Its name, or a part to choose by" autoComplete="off" spellCheck={false} onChange={(e) => void setAsked({ node: e.target.value || null })} />
                </Field>
                <datalist id="nodes-offered">
                  {(nodes.data?.items ?? []).map((n) => (
                    <option key={n.name} value={n.name}>
                      {n.siteTitle}
                    </option>
                  ))}
                </datalist>
              </>
            ) : (
              <Field label="Site" help={sites.isError ? explain(sites.error).message : undefined}>
                <NativeSelect value={asked.site} onChange={(e) => void setAsked({ site: e.target.value || null, to: null })}>
                  <option value="">Choose a site</option>
                  {names.map((s) => (
                    <option key={s.name} value={s.name}>
                      {s.title}
                    </option>
                  ))}
                </NativeSelect>
              </Field>
            )}
            {wantsLink ? (
              <Field label="Linked to" help={site.data?.links.length === 0 ? "No link of this site is declared." : undefined}>
                <NativeSelect value={asked.to} onChange={(e) => void setAsked({ to: e.target.value || null })}>
                  <option value="">Choose the other site</option>
                  {ends.map((s) => (
                    <option key={s.name} value={s.name}>
                      {s.title}
                    </option>
                  ))}
                </NativeSelect>
              </Field>
            ) : null}
            {asked.do === "price" ? (
              <>
                <Price label="A core for an hour" currency={rates?.currency} now={rates?.cpuHour} value={asked.cpu} onValue={(cpu) => void setAsked({ cpu })} />
                <Price label="A GiB of memory for an hour" currency={rates?.currency} now={rates?.memoryGiBHour} value={asked.memory} onValue={(memory) => void setAsked({ memory })} />
                <Price label="A GiB that leaves the site" currency={rates?.currency} now={rates?.egressGiB} value={asked.egress} onValue={(egress) => void setAsked({ egress })} />
              </>
            ) : null}
          </form>
        </Section>
        <PreviewSection preview={preview} hint={missing ?? ""} />
        {change ? <Command label="The same at the command line" text={commandOf(change, project)} /> : null}
      </PageBody>
    </>
  );
}

/** A price to ask about; left empty it is as it is. What is no price is said, and not asked about. */
function Price({ label, currency, now, value, onValue }: { label: string; currency: string | undefined; now: number | undefined; value: number | null; onValue: (price: number | null) => void }) {
  const [text, setText] = useState(value === null ? "" : String(value));
  const wrong = text.trim() !== "" && priceOf(text) === null;
  return (
    <Field label={currency ? `${label}, ${currency}` : label} help={now === undefined ? "Empty: as it is." : `${now} now; empty: as it is.`} error={wrong ? "Write a number from 0, such as 0.08." : undefined}>
      <Input
        inputMode="decimal"
        autoComplete="off"
        value={text}
        onChange={(e) => {
          setText(e.target.value);
          onValue(priceOf(e.target.value));
        }}
      />
    </Field>
  );
}

function priceOf(text: string): number | null {
  const n = Number(text.replace(",", "."));
  return text.trim() === "" || !Number.isFinite(n) || n < 0 ? null : n;
}

/** What an address names is offered too, before the list has come and when it is not in it. */
const withChosen = (list: readonly { name: string; title: string }[], chosen: string): readonly { name: string; title: string }[] => (chosen === "" || list.some((s) => s.name === chosen) ? list : [...list, { name: chosen, title: chosen }]);
