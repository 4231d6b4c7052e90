import type { ReactNode } from "react";
import { currentSession } from "@/app/_server/session";
import { Shell } from "@/components/shell/shell";
import { ToSignIn } from "@/components/sign-in/to-sign-in";

/** Pages of a project. What protects data is the check in every procedure; this only spares people an empty page. */
export default async function ProjectLayout({ params, children }: { params: Promise<{ project: string }>; children: ReactNode }) {
  const { project } = await params;
  const session = await currentSession();
  if (!session) return <ToSignIn />;
  if (session.me.mustChangePassword) return <ToSignIn changePassword />;
  return (
    <Shell project={decodeURIComponent(project)} me={session.me}>
      {children}
    </Shell>
  );
}
