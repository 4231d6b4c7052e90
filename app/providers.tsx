"use client";

import type { ReactNode } from "react";
import { ThemeProvider } from "next-themes";
import { NuqsAdapter } from "nuqs/adapters/next/app";
import { Toaster } from "@/components/ui/toaster";
import { TooltipProvider } from "@/components/ui/tooltip";
import { ApiProvider } from "./_client/trpc";

/** What every page stands in: theme, URL state, the API's client, tooltips, toasts. */
export function Providers({ nonce, children }: { nonce?: string; children: ReactNode }) {
  return (
    <ThemeProvider attribute="class" defaultTheme="system" enableSystem disableTransitionOnChange nonce={nonce}>
      <NuqsAdapter>
        <ApiProvider>
          <TooltipProvider>{children}</TooltipProvider>
          <Toaster />
        </ApiProvider>
      </NuqsAdapter>
    </ThemeProvider>
  );
}
