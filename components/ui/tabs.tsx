"use client";

import type { ComponentProps, ReactNode } from "react";
import Link from "@/components/ui/link";
import { Tabs as Primitive } from "radix-ui";
import { cn } from "./cn";

export const Tabs = Primitive.Root;
export const TabsContent = Primitive.Content;

const bar = "flex items-stretch gap-4 overflow-x-auto border-b [scrollbar-width:none]";
const tab =
  "relative -mb-px flex h-8 shrink-0 items-center gap-1.5 whitespace-nowrap border-b-2 border-transparent text-sm font-medium text-muted-foreground hover:text-foreground touch:h-10";

export function TabsList({ className, ...rest }: ComponentProps<typeof Primitive.List>) {
  return <Primitive.List className={cn(bar, className)} {...rest} />;
}

export function TabsTrigger({ className, ...rest }: ComponentProps<typeof Primitive.Trigger>) {
  return (
    <Primitive.Trigger
      className={cn(tab, "data-[state=active]:border-primary data-[state=active]:text-foreground", className)}
      {...rest}
    />
  );
}

/** Tabs that are pages of their own: each has an address. */
export function LinkTabs({
  label,
  items,
  className,
}: {
  label: string;
  items: readonly { href: string; label: ReactNode; count?: ReactNode; current: boolean }[];
  className?: string;
}) {
  return (
    <nav aria-label={label} className={cn(bar, className)}>
      {items.map((entry) => (
        <Link
          key={entry.href}
          href={entry.href}
          scroll={false}
          aria-current={entry.current ? "page" : undefined}
          className={cn(tab, entry.current && "border-primary text-foreground")}
        >
          {entry.label}
          {entry.count !== undefined && entry.count !== null ? (
            <span className="tnum text-xs font-normal text-muted-foreground">{entry.count}</span>
          ) : null}
        </Link>
      ))}
    </nav>
  );
}
