"use client";

import { Dialog, DialogContent } from "@/components/ui/dialog";
import { Kbd } from "@/components/ui/kbd";
import { navEntries } from "./nav";

/** All keys, on one page. */
export function KeysDialog({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  const groups: readonly { title: string; keys: readonly (readonly [readonly string[], string])[] }[] = [
    {
      title: "Everywhere",
      keys: [
        [["Ctrl", "K"], "Find anything, run a command"],
        [["/"], "Write in the filter"],
        [["?"], "This list"],
      ],
    },
    {
      title: "In a list",
      keys: [
        [["J"], "Next row"],
        [["K"], "Row before"],
        [["Space"], "Open in the side pane"],
        [["Enter"], "Open whole"],
        [["X"], "Select"],
        [["Esc"], "Close the pane"],
      ],
    },
    { title: "Go to", keys: navEntries.map((entry) => [["G", entry.key.toUpperCase()], entry.label] as const) },
  ];
  return (
    <Dialog open={open} onOpenChange={onOpenChange}>
      <DialogContent title="Keyboard">
        <div className="grid gap-4 sm:grid-cols-2">
          {groups.map((group) => (
            <section key={group.title}>
              <h3 className="mb-1 text-xs font-medium text-muted-foreground">{group.title}</h3>
              <dl className="flex flex-col gap-1 text-sm">
                {group.keys.map(([keys, what]) => (
                  <div key={what} className="flex items-center gap-2">
                    <dt className="flex w-20 shrink-0 gap-1">
                      {keys.map((key) => (
                        <Kbd key={key}>{key}</Kbd>
                      ))}
                    </dt>
                    <dd>{what}</dd>
                  </div>
                ))}
              </dl>
            </section>
          ))}
        </div>
      </DialogContent>
    </Dialog>
  );
}
