"use client";

import { useState } from "react";
import { useRouter } from "next/navigation";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Command } from "cmdk";
import { Box, FileCode2, FlaskConical, Gauge, Grid3x3, LogOut, MapPin, Moon, Plus, Rocket, ScrollText, Search, Server, Snowflake, Sun, User, type LucideIcon } from "lucide-react";
import { useTheme } from "next-themes";
import { Dialog as Primitive } from "radix-ui";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { StateShape } from "@/components/state";
import { Kbd } from "@/components/ui/kbd";
import { navEntries } from "./nav";
import { useSignOut } from "./person-menu";
import { useProject } from "./project-context";
import { useDebounced } from "./use-debounced";

const kindIcons: Record<string, LucideIcon> = {
  site: MapPin,
  node: Server,
  workload: Box,
  unit: FileCode2,
  policy: ScrollText,
  rollout: Rocket,
  strategy: Rocket,
  analysis: Gauge,
  person: User,
};

/** Ctrl/Cmd-K: jump to any object, run any command. */
export default function Palette({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  const [text, setText] = useState("");
  const { project, why } = useProject();
  const router = useRouter();
  const { setTheme, resolvedTheme } = useTheme();
  const signOut = useSignOut();
  const trpc = useTRPC();
  const q = useDebounced(text.trim(), 120);
  const search = useQuery({
    ...trpc.search.find.queryOptions({ project, q }),
    enabled: open && q.length > 0,
    placeholderData: keepPreviousData,
    staleTime: 5_000,
  });
  const hits = q.length > 0 ? (search.data ?? []) : [];
  const run = (action: () => void) => {
    onOpenChange(false);
    setText("");
    action();
  };
  const commands = [
    { label: "Enrol a machine", icon: Plus, reason: why("fleet.enrol"), act: () => router.push(`${routes.settingsPart(project, "join")}?new=true`) },
    { label: "Apply a manifest", icon: FileCode2, reason: why("manifests.apply"), act: () => router.push(routes.workloadNew(project)) },
    { label: "Start a rollout", icon: Rocket, reason: why("rollouts.operate"), act: () => router.push(routes.rolloutNew(project)) },
    { label: "Freeze rollouts, abort everywhere, break the glass", icon: Snowflake, reason: null, act: () => router.push(routes.emergency(project)) },
    { label: "Plan a repair that makes room for who waits", icon: Grid3x3, reason: null, act: () => router.push(routes.capacity(project)) },
    { label: "What if a site, node or link is lost, drained or costs more", icon: FlaskConical, reason: null, act: () => router.push(routes.whatIf(project)) },
    { label: "Write a placement policy", icon: ScrollText, reason: why("manifests.apply"), act: () => router.push(routes.policyNew(project)) },
    { label: "Invite a person", icon: User, reason: why("people.manage"), act: () => router.push(`${routes.settingsPart(project, "people")}?invite=true`) },
    resolvedTheme === "dark"
      ? { label: "Use the light theme", icon: Sun, reason: null, act: () => setTheme("light") }
      : { label: "Use the dark theme", icon: Moon, reason: null, act: () => setTheme("dark") },
    { label: "Sign out", icon: LogOut, reason: null, act: () => signOut.mutate() },
  ];
  const fits = (label: string) => label.toLowerCase().includes(text.trim().toLowerCase());
  const places = navEntries.filter((entry) => fits(entry.label));
  const offered = commands.filter((command) => fits(command.label));
  return (
    <Primitive.Root open={open} onOpenChange={onOpenChange}>
      <Primitive.Portal>
        <Primitive.Overlay className="fixed inset-0 z-50 bg-overlay" />
        <Primitive.Content
          aria-describedby={undefined}
          className="fixed left-1/2 top-[12vh] z-50 w-[min(620px,calc(100vw-16px))] -translate-x-1/2 overflow-hidden rounded-lg bg-popover shadow-pane outline-none max-sm:top-2"
        >
          <Primitive.Title className="sr-only">Search and commands</Primitive.Title>
          <Command shouldFilter={false} loop label="Search and commands">
            <div className="flex h-11 items-center gap-2 border-b px-3">
              <Search className="size-4 text-muted-foreground" aria-hidden />
              <Command.Input
                autoFocus
                value={text}
                onValueChange={setText}
                placeholder="Find a node, site, workload, rollout, or a command"
                className="h-full flex-1 bg-transparent text-md outline-none placeholder:text-muted-foreground touch:text-[16px]"
              />
              <Kbd>Esc</Kbd>
            </div>
            <Command.List className="max-h-[min(420px,60vh)] overflow-y-auto p-1 [&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:text-xs [&_[cmdk-group-heading]]:text-muted-foreground">
              <Command.Empty className="px-3 py-4 text-sm text-muted-foreground">
                {search.isError ? "The search did not answer. Pages and commands still work." : search.isFetching ? "Searching" : `Nothing is called “${text}”.`}
              </Command.Empty>
              {hits.length > 0 ? (
                <Command.Group heading="Objects">
                  {hits.map((hit) => {
                    const Icon = kindIcons[hit.kind] ?? Box;
                    return (
                      <Item key={`${hit.kind}/${hit.name}`} value={`${hit.kind}/${hit.name}`} onSelect={() => run(() => router.push(hit.href))}>
                        <Icon className="size-3.5 shrink-0 text-muted-foreground" aria-hidden />
                        <span className="shrink-0 font-medium">{hit.name}</span>
                        <span className="min-w-0 flex-1 truncate text-xs text-muted-foreground">{hit.detail}</span>
                        {hit.state ? <StateShape state={hit.state} label={hit.state} /> : null}
                        <span className="text-xs text-muted-foreground">{hit.kind}</span>
                      </Item>
                    );
                  })}
                </Command.Group>
              ) : null}
              {places.length > 0 ? (
                <Command.Group heading="Go to">
                  {places.map((entry) => (
                    <Item key={entry.key} value={`go ${entry.label}`} onSelect={() => run(() => router.push(entry.href(project)))}>
                      <entry.icon className="size-3.5 shrink-0 text-muted-foreground" aria-hidden />
                      <span className="flex-1">{entry.label}</span>
                      <span className="flex gap-1">
                        <Kbd>G</Kbd>
                        <Kbd>{entry.key.toUpperCase()}</Kbd>
                      </span>
                    </Item>
                  ))}
                </Command.Group>
              ) : null}
              {offered.length > 0 ? (
                <Command.Group heading="Commands">
                  {offered.map((command) => (
                    <Item key={command.label} value={`do ${command.label}`} disabled={command.reason !== null} onSelect={() => run(command.act)}>
                      <command.icon className="size-3.5 shrink-0 text-muted-foreground" aria-hidden />
                      <span className="shrink-0">{command.label}</span>
                      {command.reason ? <span className="min-w-0 flex-1 truncate text-right text-xs text-muted-foreground">{command.reason}</span> : null}
                    </Item>
                  ))}
                </Command.Group>
              ) : null}
            </Command.List>
          </Command>
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  );
}

function Item(props: React.ComponentProps<typeof Command.Item>) {
  return (
    <Command.Item
      className="flex h-8 cursor-default items-center gap-2.5 rounded-sm px-2 text-sm data-[disabled=true]:opacity-60 data-[selected=true]:bg-accent touch:h-10"
      {...props}
    />
  );
}
