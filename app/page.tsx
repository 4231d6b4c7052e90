import { redirect } from "next/navigation";
import { requireSession } from "@/app/_server/session";
import { routes } from "@/components/routes";
import { EmptyState } from "@/components/ui/empty-state";

/** The root: Home of the first project in which one has a role. */
export default async function Page() {
  const { me } = await requireSession();
  const first = me.projects[0];
  if (first) redirect(routes.home(first.name));
  return (
    <main className="p-4">
      <EmptyState title={`You are signed in as ${me.name}, without a role`}>
        <p>Nobody has given you a role in a project yet. Ask an administrator; they find you under Settings, People.</p>
      </EmptyState>
    </main>
  );
}
