import type { ReactNode } from "react";
import { CircleAlert, LockKeyhole } from "lucide-react";
import { Button } from "./button";
import { cn } from "./cn";

/**
 * What stands where a list or a page would be, if there is nothing: what this is and the first thing to do.
 * It stands at the top left where the content would begin, not as an island in the middle.
 */
export function EmptyState({
  title,
  children,
  action,
  className,
}: {
  title: ReactNode;
  children?: ReactNode;
  action?: ReactNode;
  className?: string;
}) {
  return (
    <div className={cn("flex max-w-prose flex-col items-start gap-2 px-4 py-5 max-sm:px-3", className)}>
      <p className="text-md font-semibold">{title}</p>
      {children ? <div className="flex flex-col gap-2 text-base text-muted-foreground">{children}</div> : null}
      {action ? <div className="mt-1 flex flex-wrap gap-2">{action}</div> : null}
    </div>
  );
}

/** Something could not be loaded: what happened, what was kept, what to do. */
export function ErrorState({
  title,
  message,
  kept,
  id,
  onRetry,
  retry = "Try again",
  className,
}: {
  title: ReactNode;
  message: ReactNode;
  /** What is unharmed, or what the page still shows. */
  kept?: ReactNode;
  /** The number under which the server's log has the details. */
  id?: string | null;
  onRetry?: () => void;
  /** What the button says. */
  retry?: string;
  className?: string;
}) {
  return (
    <div role="alert" className={cn("flex max-w-prose flex-col items-start gap-2 px-4 py-5 max-sm:px-3", className)}>
      <p className="flex items-center gap-2 text-md font-semibold">
        <CircleAlert className="size-4 text-failing" aria-hidden />
        {title}
      </p>
      <p className="text-base text-muted-foreground [overflow-wrap:anywhere]">{message}</p>
      {kept ? <p className="text-base text-muted-foreground">{kept}</p> : null}
      {id ? (
        <p className="text-xs text-muted-foreground">
          In the server log as <code className="select-all">{id}</code>
        </p>
      ) : null}
      {onRetry ? (
        <Button className="mt-1" onClick={onRetry}>
          {retry}
        </Button>
      ) : null}
    </div>
  );
}

/** A part of a page that this person may not see. It says which permission is missing and who can give it. */
export function NoPermission({ what, permission, className }: { what: string; permission: string; className?: string }) {
  return (
    <div className={cn("flex max-w-prose flex-col items-start gap-1.5 px-4 py-5 max-sm:px-3", className)}>
      <p className="flex items-center gap-2 text-md font-semibold">
        <LockKeyhole className="size-4 text-muted-foreground" aria-hidden />
        You may not see {what}
      </p>
      <p className="text-base text-muted-foreground">
        It needs the permission <code>{permission}</code> in this project. An administrator can give you a role that has it
        (Settings, People).
      </p>
    </div>
  );
}
