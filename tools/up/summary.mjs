/** What a person reads when everything runs. */

/** @param {string} host */
const isLoopback = (host) => ["127.0.0.1", "::1", "localhost"].includes(host);

/**
 * @param {{ url: string, host: string, data: string, took: string, pilot: string, admin: { login: string, password?: string, created: boolean } }} o
 *   `pilot`: what is to be said of it, nothing when it is well
 */
export function summary({ url, host, data, took, pilot, admin }) {
  return [
    "",
    `Holdfast is running (${took}).`,
    `  console   ${url}`,
    admin.created && admin.password
      ? `  sign in   ${admin.login}  with the one-time password  ${admin.password}   (shown only now; you will choose your own)`
      : `  sign in   ${admin.login}  (password forgotten? npm run admin -- recover-password --login ${admin.login})`,
    ...(pilot ? [`  pilot     ${pilot}`] : []),
    `  data      ${data}   (logs in ${data}/logs)`,
    "  stop      Ctrl-C here, or npm run down",
    "",
    ...(isLoopback(host) || url.startsWith("https:")
      ? []
      : ["! The console listens to the network without encryption: set HOLDFAST_TLS_CERT and HOLDFAST_TLS_KEY, or put a TLS proxy before it.", ""]),
  ].join("\n");
}
