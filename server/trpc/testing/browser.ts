import { request as httpRequest } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import { request as httpsRequest } from "node:https";

type Sent = { method?: string; headers?: Record<string, string>; body?: string };
type Answered = { status: number; location: string | null; text: string; headers: IncomingHttpHeaders; url: string };

/** What a browser does in a sign-in, without one: cookies by host, redirects followed, forms posted. */
export class TestBrowser {
  /** `host name` → value; paths and expiry are not needed here, but that a cookie was taken away is. */
  private readonly jar = new Map<string, string>();
  /** Every Set-Cookie line that was received. */
  readonly received: string[] = [];

  /** `ca` is the authority (PEM) that it believes over TLS. */
  constructor(private readonly ca?: string) {}

  cookie(host: string, name: string): string | undefined {
    return this.jar.get(`${host} ${name}`);
  }
  setCookie(host: string, name: string, value: string): void {
    this.jar.set(`${host} ${name}`, value);
  }

  /** One request, without following redirects. */
  async request(url: string, o: Sent = {}): Promise<Answered> {
    const { hostname, origin, protocol } = new URL(url);
    const cookies = [...this.jar].filter(([key]) => key.startsWith(`${hostname} `)).map(([key, value]) => `${key.slice(hostname.length + 1)}=${value}`);
    const headers = { ...(cookies.length > 0 ? { cookie: cookies.join("; ") } : {}), ...(o.method === "POST" ? { origin } : {}), ...(o.body === undefined ? {} : { "content-length": String(Buffer.byteLength(o.body)) }), ...o.headers };
    const { status, headers: got, text } = await new Promise<{ status: number; headers: IncomingHttpHeaders; text: string }>((resolve, reject) => {
      const send = protocol === "https:" ? httpsRequest : httpRequest;
      const request = send(url, { method: o.method ?? "GET", headers, ...(this.ca ? { ca: this.ca } : {}) }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (c: Buffer) => chunks.push(c));
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString("utf8") }));
      });
      request.on("error", reject);
      request.end(o.body);
    });
    for (const line of got["set-cookie"] ?? []) this.keep(hostname, line);
    return { status, location: got.location === undefined ? null : new URL(got.location, url).href, text, headers: got, url };
  }

  private keep(hostname: string, line: string): void {
    this.received.push(line);
    const [pair = ""] = line.split(";");
    const at = pair.indexOf("=");
    const key = `${hostname} ${pair.slice(0, at)}`;
    const gone = /max-age=0|expires=thu, 01 jan 1970/i.test(line) || pair.slice(at + 1) === "";
    if (gone) this.jar.delete(key);
    else this.jar.set(key, pair.slice(at + 1));
  }

  /** A request whose redirects are followed, up to a bound; gives the last answer and where it came from. */
  async visit(url: string, o: Sent = {}): Promise<Answered> {
    let answer = await this.request(url, o);
    for (let hops = 0; answer.location !== null && answer.status >= 300 && answer.status < 400 && hops < 15; hops++) answer = await this.request(answer.location);
    return answer;
  }

  /** Posts a form. */
  submit(url: string, fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Answered> {
    return this.visit(url, { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded", ...headers }, body: new URLSearchParams(fields).toString() });
  }
}
