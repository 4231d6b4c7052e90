import Link from "@/components/ui/link";
import { routes } from "@/components/routes";
import { EmptyState } from "@/components/ui/empty-state";
import { buttonStyle } from "@/components/ui/button-style";

export default function NotFound() {
  return (
    <main className="p-4">
      <EmptyState
        title="There is no page at this address"
        action={
          <Link href={routes.root()} className={buttonStyle()}>
            Go to Home
          </Link>
        }
      >
        <p>The object may have been removed, or the address was mistyped. Ctrl/Cmd-K finds objects by name.</p>
      </EmptyState>
    </main>
  );
}
