import type { ReactNode } from "react";
import { Shell } from "@/components/shell/shell";

export default async function ProjectLayout({ params, children }: { params: Promise<{ project: string }>; children: ReactNode }) {
  const { project } = await params;
  return <Shell project={decodeURIComponent(project)}>{children}</Shell>;
}
