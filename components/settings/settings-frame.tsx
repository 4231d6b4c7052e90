"use client";

import type { ReactNode } from "react";
import { usePathname } from "next/navigation";
import { routes, settingsParts, type SettingsPart } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { PageHead } from "@/components/ui/page";
import { LinkTabs } from "@/components/ui/tabs";

const titles: Record<SettingsPart, string> = {
  people: "People",
  join: "Join tokens",
  tokens: "Service tokens",
  identity: "Identity provider",
  secrets: "Secrets",
  hooks: "Webhooks",
  about: "About and health",
};

/** The head of every part of the settings. */
export function SettingsFrame({ children }: { children: ReactNode }) {
  const { project } = useProject();
  const pathname = usePathname();
  return (
    <>
      <PageHead title="Settings" purpose="Who and what may come in, and how this installation is.">
        <LinkTabs
          label="Parts of the settings"
          items={settingsParts.map((part) => {
            const href = routes.settingsPart(project, part);
            return { href, label: titles[part], current: pathname === href };
          })}
        />
      </PageHead>
      {children}
    </>
  );
}
