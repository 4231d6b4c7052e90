"use client";

import { useState, type ReactNode } from "react";
import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createTRPCClient, httpBatchStreamLink } from "@trpc/client";
import { createTRPCContext } from "@trpc/tanstack-react-query";
import superjson from "superjson";
import type { AppRouter } from "@/server/trpc";
import { routes } from "@/components/routes";
import { setClockOffset } from "@/components/state/now";
import { refusalOf } from "./refusal";

export const { TRPCProvider, useTRPC, useTRPCClient } = createTRPCContext<AppRouter>();

/** The client of all screens: batches what is asked together, keeps what it knows, and asks again only what may help. */
export function ApiProvider({ children }: { children: ReactNode }) {
  const [queries] = useState(
    () =>
      new QueryClient({
        queryCache: new QueryCache({ onError: (error) => signInIfEnded(error) }),
        defaultOptions: {
          queries: {
            // The event stream says when something changed; this is the age at which a page asks anyway.
            staleTime: 30_000,
            retry: (failures, error) => failures < 2 && refusalOf(error) === null,
            retryDelay: (attempt) => 400 * 2 ** attempt,
          },
          mutations: { retry: false },
        },
      }),
  );
  const [client] = useState(() =>
    createTRPCClient<AppRouter>({
      links: [httpBatchStreamLink({ url: "/api/trpc", transformer: superjson, maxURLLength: 6_000, fetch: timedFetch })],
    }),
  );
  return (
    <QueryClientProvider client={queries}>
      <TRPCProvider trpcClient={client} queryClient={queries}>
        {children}
      </TRPCProvider>
    </QueryClientProvider>
  );
}

/** A machine whose clock is wrong by more than this would show wrong ages. */
const SKEW_MS = 2_000;

/** Asks, and learns from the answer how far this machine's clock is from the server's. */
async function timedFetch(input: URL | RequestInfo, init?: RequestInit): Promise<Response> {
  const answer = await fetch(input, init);
  const serverMs = Date.parse(answer.headers.get("date") ?? "");
  const skew = serverMs - Date.now();
  if (Number.isFinite(skew)) setClockOffset(Math.abs(skew) > SKEW_MS ? skew : 0);
  return answer;
}

/** A session that has ended sends the reader to sign in, and back here afterwards. */
function signInIfEnded(error: unknown): void {
  if (refusalOf(error)?.code !== "unauthenticated") return;
  goToSignIn();
}

export function goToSignIn(): void {
  const here = window.location.pathname + window.location.search;
  if (window.location.pathname.startsWith("/sign-in")) return;
  window.location.assign(routes.signIn(here));
}
