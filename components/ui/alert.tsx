import type { ReactNode } from "react";
import { CircleAlert, Info, TriangleAlert } from "lucide-react";
import { cn } from "./cn";

const looks = {
  info: { box: "border-border-strong bg-card", icon: Info, ink: "text-muted-foreground" },
  warning: { box: "border-degraded/40 bg-degraded-soft", icon: TriangleAlert, ink: "text-degraded" },
  error: { box: "border-failing/40 bg-failing-soft", icon: CircleAlert, ink: "text-failing" },
  silent: { box: "border-silent/40 bg-silent-soft hatched", icon: Info, ink: "text-silent" },
} as const;

/** A remark above the content it concerns: what happened, what was kept, what to do. */
export function Alert({
  tone = "info",
  title,
  action,
  className,
  children,
}: {
  tone?: keyof typeof looks;
  title: ReactNode;
  action?: ReactNode;
  className?: string;
  children?: ReactNode;
}) {
  const look = looks[tone];
  const Icon = look.icon;
  return (
    <div
      role={tone === "error" ? "alert" : "status"}
      className={cn("flex items-start gap-2 rounded-md border px-3 py-2 text-sm", look.box, className)}
    >
      <Icon className={cn("mt-0.5 size-3.5 shrink-0", look.ink)} aria-hidden />
      <div className="min-w-0 flex-1">
        <p className="font-medium">{title}</p>
        {children ? <div className="mt-0.5 text-muted-foreground [overflow-wrap:anywhere]">{children}</div> : null}
      </div>
      {action ? <div className="shrink-0">{action}</div> : null}
    </div>
  );
}
