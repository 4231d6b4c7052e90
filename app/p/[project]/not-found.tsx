import { EmptyState } from "@/components/ui/empty-state";

export default function NotFound() {
  return (
    <div>
      <h1 className="sr-only">Nothing here</h1>
      <EmptyState title="There is no page at this address">
        <p>The object may have been removed, or the address was mistyped. Ctrl/Cmd-K finds objects by name.</p>
      </EmptyState>
    </div>
  );
}
