"use client";

import { useQuery } from "@tanstack/react-query";
import { parseAsFloat, parseAsString, parseAsStringLiteral, useQueryStates } from "nuqs";
import { explain } from "@/app/_client/refusal";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
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
  const site = useQuery({ ...trpc.fleet.site.queryOptions({ project, name: asked.site }), enabled: wantsLink && asked.site !== "" });
  const { change, missing } = changeOf(asked);
  const preview = usePreview(change);
  const names = withChosen(sites.data?.map((s) => ({ name: s.name, title: s.title })) ?? [], asked.site);
  const ends = withChosen((site.data?.links ?? []).map((l) => (l.siteA === asked.site ? l.siteB : l.siteA)).map((name) => ({ name, title: sites.data?.find((s) => s.name === name)?.title ?? name })), asked.to);
  const price = (text: string): number | null => {
    const n = Number(text.replace(",", "."));
    return text.trim() === "" || !Number.isFinite(n) || n < 0 ? null : n;
  };
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
            {asked.do === "drainNode" || asked.do === "loseNode" ? (
              <Field label="Node">
                <Input value={asked.node} placeholder="Its name" autoComplete="off" spellCheck={false} onChange={(e) => void setAsked({ node: e.target.value || null })} />
              </Field>
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
                <Field label="A core for an hour" help="In the site's currency; empty: as it is.">
                  <Input inputMode="decimal" placeholder="0.08" defaultValue={asked.cpu ?? ""} onChange={(e) => void setAsked({ cpu: price(e.target.value) })} />
                </Field>
                <Field label="A GiB of memory for an hour" help="Empty: as it is.">
                  <Input inputMode="decimal" placeholder="0.01" defaultValue={asked.memory ?? ""} onChange={(e) => void setAsked({ memory: price(e.target.value) })} />
                </Field>
                <Field label="A GiB that leaves the site" help="Empty: as it is.">
                  <Input inputMode="decimal" placeholder="0.02" defaultValue={asked.egress ?? ""} onChange={(e) => void setAsked({ egress: price(e.target.value) })} />
                </Field>
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

/** What an address names is offered too, before the list has come and when it is not in it. */
const withChosen = (list: readonly { name: string; title: string }[], chosen: string): readonly { name: string; title: string }[] => (chosen === "" || list.some((s) => s.name === chosen) ? list : [...list, { name: chosen, title: chosen }]);
