/** Asking the console how it is. */

/**
 * @typedef {{ name: string, state: string, ageMs?: number, details?: { note?: string } }} ProcessHealth  `ageMs`: since it last said so
 */

/**
 * `GET /api/health`, by the loopback address the console listens on. Certificates are not checked: it is our own, and we
 * ask for nothing secret.
 * @param {{ host: string, port: number, tls: boolean }} at
 * @returns {Promise<{ status: number, processes: ProcessHealth[] } | undefined>} undefined while nobody answers
 */
export async function health({ host, port, tls }) {
  const local = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  const { request } = await import(tls ? "node:https" : "node:http");
  return new Promise((resolve) => {
    const asked = request({ host: local, port, path: "/api/health", timeout: 4_000, rejectUnauthorized: false }, (/** @type {import("node:http").IncomingMessage} */ answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part) => (text += part));
      answer.on("end", () => {
        try {
          const body = JSON.parse(text);
          resolve({ status: answer.statusCode ?? 0, processes: body.processes ?? [] });
        } catch {
          resolve({ status: answer.statusCode ?? 0, processes: [] });
        }
      });
      answer.on("error", () => resolve(undefined));
    });
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(undefined));
    asked.end();
  });
}

/**
 * Did this process say that it is ready after this moment? What it said before may be left from a process that was killed.
 * @param {ProcessHealth} one @param {number} fromMs
 */
export const isReadySince = (one, fromMs) => one.state === "ready" && Date.now() - (one.ageMs ?? 0) > fromMs;
