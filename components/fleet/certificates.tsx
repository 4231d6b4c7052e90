"use client";

import { Age, At, StateShape, Until, type State } from "@/components/state";
import { CopyButton } from "@/components/ui/copy-button";
import type { NodeDetail } from "@/server/core/views";

type Certificate = NodeDetail["certificates"][number];
const shapes: Record<Certificate["state"], State> = { current: "healthy", expired: "degraded", superseded: "pending", revoked: "failing" };

/** The certificates a node has had, newest first. They live an hour and are renewed at half their life. */
export function Certificates({ certificates }: { certificates: readonly Certificate[] }) {
  if (certificates.length === 0) return <p className="px-3 py-2 text-sm text-muted-foreground">None was issued yet.</p>;
  const shown = certificates.slice(0, 6);
  return (
    <>
      <ul className="divide-y divide-border text-sm">
        {shown.map((certificate) => (
          <li key={certificate.serial} className="flex items-center gap-2 px-3 py-1.5">
            <StateShape state={shapes[certificate.state]} />
            <div className="min-w-0 flex-1">
              <p className="flex items-baseline gap-2">
                <span>{certificate.state}</span>
                <span className="text-xs text-muted-foreground">{certificate.cause}</span>
                <span className="ml-auto shrink-0 text-xs text-muted-foreground">
                  {certificate.state === "current" ? <Until at={certificate.notAfterMs} /> : <Age at={certificate.issuedAtMs} suffix="ago" className="min-w-0" />}
                </span>
              </p>
              <p className="truncate font-mono text-2xs text-muted-foreground">
                {certificate.serial}{" "}
                <span className="font-sans">
                  <At at={certificate.notBeforeMs} /> to <At at={certificate.notAfterMs} />
                </span>
              </p>
            </div>
            <CopyButton text={certificate.serial} what="serial number" />
          </li>
        ))}
      </ul>
      {certificates.length > shown.length ? <p className="border-t px-3 py-1.5 text-xs text-muted-foreground">{certificates.length - shown.length} older ones are not shown.</p> : null}
    </>
  );
}
