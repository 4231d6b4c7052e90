"use client";

import type { ReactNode } from "react";
import { Command } from "@/components/ui/copy-button";
import { Alert } from "@/components/ui/alert";

/** Something that is shown once: a token, a link. It says so, and offers to copy it. */
export function ShownOnce({ what, text, children }: { what: string; text: string; children?: ReactNode }) {
  return (
    <div className="flex flex-col gap-3">
      <Alert tone="warning" title={`Copy the ${what} now`}>
        It is kept as a fingerprint only and cannot be shown again.
      </Alert>
      <Command label={what} text={text} />
      {children}
    </div>
  );
}
