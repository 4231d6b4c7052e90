import type { ReactNode } from "react";
import Link from "@/components/ui/link";
import { ChevronRight } from "lucide-react";
import { cn } from "./cn";

/**
 * The head of a page: where it stands, its title, one line of purpose, its actions. Content follows at once.
 */
export function PageHead({
  title,
  purpose,
  trail,
  mark,
  actions,
  className,
  children,
}: {
  title: ReactNode;
  /** One line: what this page is for, or the sentence that sums up the object. */
  purpose?: ReactNode;
  trail?: readonly { label: ReactNode; href: string }[];
  /** The state of the object, left of its title. */
  mark?: ReactNode;
  actions?: ReactNode;
  className?: string;
  /** Tabs or filters under the head. */
  children?: ReactNode;
}) {
  return (
    <header className={cn("flex flex-col gap-2 px-4 pt-3 max-sm:px-3", className)}>
      {trail && trail.length > 0 ? (
        <nav aria-label="Breadcrumb">
          <ol className="flex flex-wrap items-center gap-1 text-xs text-muted-foreground">
            {trail.map((step, index) => (
              <li key={step.href} className="flex items-center gap-1">
                <Link href={step.href} className="hover:text-foreground hover:underline">
                  {step.label}
                </Link>
                {index < trail.length - 1 ? <ChevronRight className="size-3" aria-hidden /> : null}
              </li>
            ))}
          </ol>
        </nav>
      ) : null}
      <div className="flex flex-wrap items-start gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-64">
          <h1 className="flex min-w-0 items-center gap-2 text-lg [overflow-wrap:anywhere]">
            {mark}
            <span className="min-w-0">{title}</span>
          </h1>
          {purpose ? <p className="mt-0.5 text-base text-muted-foreground">{purpose}</p> : null}
        </div>
        {actions ? <div className="flex shrink-0 flex-wrap items-center gap-1.5 max-sm:w-full max-sm:shrink">{actions}</div> : null}
      </div>
      {children}
    </header>
  );
}

/** The body of a page that scrolls as a whole. */
export function PageBody({ className, children }: { className?: string; children: ReactNode }) {
  return <div className={cn("flex flex-col gap-4 px-4 py-3 max-sm:px-3", className)}>{children}</div>;
}

/** One titled part of a page, on a surface of its own. `flush` lets a table reach the edges. */
export function Section({
  title,
  aside,
  hint,
  flush,
  className,
  id,
  children,
}: {
  title: ReactNode;
  /** Right of the title: a count, an age, a control. */
  aside?: ReactNode;
  hint?: ReactNode;
  flush?: boolean;
  className?: string;
  id?: string;
  children: ReactNode;
}) {
  return (
    <section id={id} className={cn("min-w-0 overflow-hidden rounded-md border bg-card", className)}>
      <div className="flex min-h-9 flex-wrap items-center gap-x-3 gap-y-1 border-b px-3 py-1">
        <h2 className="text-sm">{title}</h2>
        {hint ? <p className="text-xs text-muted-foreground">{hint}</p> : null}
        {aside ? <div className="ml-auto flex items-center gap-2 text-xs text-muted-foreground">{aside}</div> : null}
      </div>
      <div className={cn(!flush && "p-3")}>{children}</div>
    </section>
  );
}

/** Names and values in two columns. A value that is unknown is said to be unknown, never left blank. */
export function Facts({ items, className }: { items: readonly { name: ReactNode; value: ReactNode; age?: ReactNode }[]; className?: string }) {
  return (
    <dl className={cn("grid grid-cols-[minmax(96px,max-content)_minmax(0,1fr)] gap-x-4 gap-y-1.5 text-sm", className)}>
      {items.map((item, index) => (
        <div key={index} className="contents">
          <dt className="text-muted-foreground">{item.name}</dt>
          <dd className="min-w-0 [overflow-wrap:anywhere]">
            {item.value ?? <span className="text-muted-foreground">not reported</span>}
            {item.age ? <span className="ml-2 text-xs text-muted-foreground">{item.age}</span> : null}
          </dd>
        </div>
      ))}
    </dl>
  );
}
