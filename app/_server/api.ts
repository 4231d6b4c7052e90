import { appRouter } from "@/server/trpc";
import { createCallerFactory } from "@/server/trpc/init";
import { webContainer } from "@/server/trpc/container";
import type { PageSession } from "./session";

const createCaller = createCallerFactory(appRouter);

/**
 * The procedures, called while a page is rendered, as the person whose page it is and with every check:
 * `const api = await apiFor(session); const me = await api.me.get();`
 */
export async function apiFor(session: PageSession): Promise<ReturnType<typeof createCaller>> {
  return createCaller(await webContainer().contextFor(session.token));
}
