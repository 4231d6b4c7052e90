import type { IncomingMessage, Server, ServerResponse } from "node:http";

/** The screens behind the API: Next, or a line of text where they are switched off. */
export type Screens = { handle(request: IncomingMessage, response: ServerResponse): Promise<void>; attach(server: Server): void; close(): Promise<void> };

/** Prepares Next from the build in `dir/.next`. Takes one to three seconds. */
export async function openScreens(o: { enabled: boolean; dir: string; host: string; port: number }): Promise<Screens> {
  if (!o.enabled) {
    return {
      handle: (_request, response) => {
        response.writeHead(404, { "content-type": "text/plain; charset=utf-8" }).end("This process serves the API only (HOLDFAST_SCREENS=0).\n");
        return Promise.resolve();
      },
      attach: () => undefined,
      close: () => Promise.resolve(),
    };
  }
  const { default: next } = await import("next");
  const app = next({ dev: false, dir: o.dir, hostname: o.host, port: o.port });
  await app.prepare();
  const handle = app.getRequestHandler();
  return {
    handle: (request, response) => handle(request, response),
    attach: (server) => {
      // No screen uses WebSockets; a socket that asks for one is closed instead of left open.
      server.on("upgrade", (_request, socket) => socket.destroy());
    },
    close: () => app.close(),
  };
}
