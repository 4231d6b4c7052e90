"use client";

import { useState, type ReactNode } from "react";
import dynamic from "next/dynamic";
import Link from "@/components/ui/link";
import { useQuery } from "@tanstack/react-query";
import { Anchor, ChevronsUpDown, Menu, Search } from "lucide-react";
import { useStaleOn } from "@/app/_client/stale-on";
import { goToSignIn, useTRPC } from "@/app/_client/trpc";
import { FreezeBanner } from "@/components/freeze/freeze-banner";
import { LiveFreshness, LiveProvider } from "@/components/live/live-provider";
import { routes } from "@/components/routes";
import { Button } from "@/components/ui/button";
import { DropdownMenu, DropdownMenuContent, DropdownMenuItem, DropdownMenuTrigger } from "@/components/ui/dropdown-menu";
import { ErrorState } from "@/components/ui/empty-state";
import { Kbd } from "@/components/ui/kbd";
import { Inbox } from "./inbox";
import { NavList } from "./nav-list";
import { PersonMenu } from "./person-menu";
import { ProjectProvider } from "./project-context";
import { StaleBanner } from "./stale-banner";
import type { MeView } from "@/server/core/views";
import { useShellKeys } from "./use-shell-keys";

const MenuDrawer = dynamic(() => import("./menu-drawer"), { ssr: false });
const Palette = dynamic(() => import("./palette"), { ssr: false });
const KeysDialog = dynamic(() => import("./keys-dialog").then((module) => module.KeysDialog), { ssr: false });

/**
 * What stands around every page of a project: menu, top bar (project, search, freshness, inbox, person) and the event
 * stream that keeps the page fresh. On a phone the menu is a drawer.
 */
export function Shell({ project, me: known, children }: { project: string; me: MeView; children: ReactNode }) {
  const trpc = useTRPC();
  const staleOn = useStaleOn();
  const me = useQuery(trpc.me.get.queryOptions(undefined, { staleTime: 60_000, initialData: known }));
  const mine = me.data.projects.find((one) => one.name === project);
  const home = useQuery({ ...trpc.home.get.queryOptions({ project }), enabled: mine !== undefined });
  const approvals = useQuery({ ...trpc.approvals.list.queryOptions({ project, state: "pending", limit: 1 }), enabled: mine !== undefined });
  const [menu, setMenu] = useState<boolean | null>(null);
  const [palette, setPalette] = useState<boolean | null>(null);
  const [keys, setKeys] = useState<boolean | null>(null);
  useShellKeys(project, { palette: () => setPalette((open) => !open), help: () => setKeys(true) });

  const counts = { a: approvals.data?.total };
  return (
    <ProjectProvider project={project} me={me.data}>
      <LiveProvider project={project} staleOn={staleOn} onRefused={(status) => status === 401 && goToSignIn()}>
        <a href="#content" className="sr-only z-60 rounded-md bg-primary px-3 py-2 text-primary-foreground focus:not-sr-only focus:fixed focus:left-2 focus:top-2">
          Skip to the content
        </a>
        <div className="flex h-dvh min-h-0">
          <aside className="flex w-47 shrink-0 flex-col border-r bg-sidebar max-md:hidden">
            <Mark project={project} />
            <NavList project={project} counts={counts} />
          </aside>
          <div className="flex min-w-0 flex-1 flex-col">
            <header className="flex h-11 shrink-0 items-center gap-1.5 border-b bg-background px-3 max-sm:px-2">
              <Button variant="ghost" size="icon" className="md:hidden" aria-label="Open the menu" onClick={() => setMenu(true)}>
                <Menu className="size-4!" aria-hidden />
              </Button>
              <ProjectSwitch project={project} projects={me.data.projects} />
              <button
                type="button"
                onClick={() => setPalette(true)}
                className="ml-2 flex h-7 w-72 min-w-0 items-center gap-2 rounded-md border border-input bg-card px-2 text-sm text-muted-foreground hover:bg-accent max-md:hidden"
              >
                <Search className="size-3.5 shrink-0" aria-hidden />
                <span className="flex-1 truncate text-left">Find or do anything</span>
                <Kbd>Ctrl K</Kbd>
              </button>
              <span className="flex-1" />
              <LiveFreshness />
              <Button variant="ghost" size="icon" className="md:hidden" aria-label="Find or do anything" onClick={() => setPalette(true)}>
                <Search className="size-4!" aria-hidden />
              </Button>
              <Inbox needs={home.data?.needsMe} />
              <PersonMenu me={me.data} project={project} onKeys={() => setKeys(true)} />
            </header>
            <StaleBanner />
            {mine ? <FreezeBanner project={project} /> : null}
            <main id="content" tabIndex={-1} className="flex min-h-0 flex-1 flex-col overflow-y-auto outline-none">
              {!mine ? (
                <ErrorState
                  title={`There is no project “${project}” in which you hold a role`}
                  message="Check the address, choose another project in the top bar, or ask an administrator for a role in it."
                />
              ) : (
                children
              )}
            </main>
          </div>
        </div>
        {menu !== null ? (
          <MenuDrawer open={menu} onOpenChange={setMenu}>
            <Mark project={project} />
            <NavList project={project} counts={counts} onGo={() => setMenu(false)} roomy />
          </MenuDrawer>
        ) : null}
        {palette !== null ? <Palette open={palette} onOpenChange={setPalette} /> : null}
        {keys !== null ? <KeysDialog open={keys} onOpenChange={setKeys} /> : null}
      </LiveProvider>
    </ProjectProvider>
  );
}

function Mark({ project }: { project: string }) {
  return (
    <Link href={routes.home(project)} className="flex h-11 shrink-0 items-center gap-2 border-b px-4 font-semibold tracking-tight">
      <Anchor className="size-4 text-link" strokeWidth={2.4} aria-hidden />
      Holdfast
    </Link>
  );
}

function ProjectSwitch({ project, projects }: { project: string; projects: readonly { name: string; title: string }[] }) {
  const title = projects.find((one) => one.name === project)?.title ?? project;
  return (
    <DropdownMenu>
      <DropdownMenuTrigger asChild>
        <Button variant="ghost" className="min-w-0 max-w-48 shrink" aria-label={`Project: ${title}`}>
          <span className="truncate">{title}</span>
          <ChevronsUpDown className="text-muted-foreground" aria-hidden />
        </Button>
      </DropdownMenuTrigger>
      <DropdownMenuContent align="start">
        {projects.map((one) => (
          <DropdownMenuItem key={one.name} asChild>
            <Link href={routes.home(one.name)} aria-current={one.name === project ? "true" : undefined}>
              <span className="flex-1">{one.title}</span>
              <code className="text-xs text-muted-foreground">{one.name}</code>
            </Link>
          </DropdownMenuItem>
        ))}
      </DropdownMenuContent>
    </DropdownMenu>
  );
}
